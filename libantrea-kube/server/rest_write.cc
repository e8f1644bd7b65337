#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <ctime>
#include <random>
#include "media.h"

#include "../schema/json.h"
#include "antrea/base/hash.h"
#include "antrea/kube/patch.h"
#include "apply.h"
#include "rest.h"

namespace antrea::kube {
namespace json = boost::json;

namespace {
constexpr std::string_view kModified =
    "the object has been modified; please apply your changes to the latest version and try again";

/// Metadata in the order of its type, metadata first, status last.
void arrange(json::object& object) {
  json::object metadata;
  json::object& given = ensure_object(object, "metadata");
  for (const std::string_view key :
       {"name", "generateName", "namespace", "uid", "resourceVersion", "generation",
        "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "labels",
        "annotations", "ownerReferences", "finalizers", "managedFields"}) {
    auto* value = given.if_contains(key);
    if (!value || value->is_null()) continue;
    if (value->is_object() && value->get_object().empty()) continue;
    if (value->is_array() && value->get_array().empty()) continue;
    metadata[key] = std::move(*value);
  }
  json::object arranged;
  arranged["metadata"] = std::move(metadata);
  for (auto& [key, value] : object)
    if (key != "metadata" && key != "status") arranged[key] = std::move(value);
  if (auto* status = object.if_contains("status")) arranged["status"] = std::move(*status);
  object = std::move(arranged);
}

/// As the API server makes a name from generateName.
std::string generate_name(std::string_view base) {
  static constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<std::size_t> letter(0, kAlphabet.size() - 1);
  std::string name(base.substr(0, 58));
  for (int i = 0; i < 5; ++i) name += kAlphabet[letter(random)];
  return name;
}

void copy_field(json::object& to, const json::object& from, std::string_view key) {
  if (const auto* value = from.if_contains(key))
    to[key] = *value;
  else
    to.stable_erase(key);
}

/// Everything but metadata and status.
bool same_spec(const json::object& a, const json::object& b) {
  const auto counted = [](const json::object& object) {
    return std::ranges::count_if(object, [](const auto& member) {
      return member.key() != "metadata" && member.key() != "status";
    });
  };
  if (counted(a) != counted(b)) return false;
  return std::ranges::all_of(a, [&](const auto& member) {
    if (member.key() == "metadata" || member.key() == "status") return true;
    const auto* other = b.if_contains(member.key());
    return other && *other == member.value();
  });
}

bool may_go(const json::object& object) {
  if (text_at(object, "metadata.deletionTimestamp").empty()) return false;
  if (integer_at(object, "metadata.deletionGracePeriodSeconds") != 0) return false;
  const auto* finalizers = array_at(object, "metadata.finalizers");
  return !finalizers || finalizers->empty();
}
}  // namespace

std::string format_time(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string with_kind(const ResourceType& type, const StoredObject& object) {
  return fmt::format(R"({{"kind":"{}","apiVersion":"{}",{})", type.kind, type.api_version(),
                     std::string_view(object.json).substr(1));
}

json::object parse_object(const StoredObject& object) {
  return parse_json(object.json).value().get_object();
}

Rest::Rest(const ResourceTypes& types, Store& store, Now now)
    : types_(types),
      store_(store),
      now_(std::move(now)),
      namespaces_(types.find("", "v1", "namespaces")) {
  if (!namespaces_) return;
  const auto known = store_.list(namespaces_->qualified_name(), {});
  if (!known) return;
  for (const auto& each : *known)
    if (!text_at(parse_object(*each), "metadata.deletionTimestamp").empty())
      terminating_.insert(each->name);
}

void Rest::admit(const ResourceType& type, ApiServer::Admitter admitter) {
  admitters_[&type].push_back(std::move(admitter));
}

void Rest::admit_removal(const ResourceType& type, ApiServer::RemovalAdmitter admitter) {
  removal_admitters_[&type].push_back(std::move(admitter));
}

std::string Rest::timestamp(std::int64_t in_seconds) const {
  return format_time(now_() + std::chrono::seconds(in_seconds));
}

StatusError Rest::store_error(const ObjectPath& path, std::string_view name,
                              const Error& error) const {
  switch (error.code) {
    case Errc::kNotFound:
      return not_found(*path.type, name);
    case Errc::kAlreadyExists:
      return already_exists(*path.type, name);
    case Errc::kConflict:
      return conflict(*path.type, name, kModified);
    default:
      return internal_error(error.to_string());
  }
}

// ---- what a body must be ------------------------------------------------------------------------

/// The body is of the type the path names, and of its shape. Drops what the type does not know.
Outcome<> Rest::accept_shape(const ResourceType& type, json::object& body,
                             const WriteOptions& options, Warnings& warnings) const {
  const std::string kind(text_at(body, "kind")), version(text_at(body, "apiVersion"));
  const auto last = [](const std::string& text) { return text.substr(text.rfind('/') + 1); };
  if (!kind.empty() && kind != type.kind)
    return bad_request(fmt::format(
        "{0} in version \"{1}\" cannot be handled as a {2}: converting ({3}.{0}) to ({4}.{2}): "
        "unknown conversion",
        kind, last(version), type.kind, last(version), type.group.empty() ? "core" : type.group));
  if (!version.empty() && version != type.api_version())
    return bad_request(
        fmt::format("the API version in the data ({}) does not match the expected API version ({})",
                    version, type.api_version()));
  if (!type.schema) return {};

  const auto cannot = [&](std::string_view why) {
    return bad_request(fmt::format("{0} in version \"{1}\" cannot be handled as a {0}: {2}",
                                   type.kind, type.version, why));
  };
  std::string unknown;
  for (const auto& problem : check_fields(*type.schema, body)) {
    if (problem.kind == FieldProblem::Kind::kBadType) return cannot(problem.message);
    if (options.validation == FieldValidation::kWarn) warnings.push_back(problem.message);
    unknown += (unknown.empty() ? "" : ", ") + problem.message;
  }
  if (!unknown.empty() && options.validation == FieldValidation::kStrict)
    return cannot("strict decoding error: " + unknown);
  prune_fields(*type.schema, body);
  return {};
}

Outcome<> Rest::accept_names(const ObjectPath& path, const json::object& body) const {
  const auto name_space = text_at(body, "metadata.namespace");
  if (!name_space.empty() && name_space != path.namespace_)
    return bad_request(fmt::format(
        "the namespace of the provided object does not match the namespace sent on the request"));
  const auto name = text_at(body, "metadata.name");
  if (!path.name.empty() && !name.empty() && name != path.name)
    return bad_request(fmt::format(
        "the name of the object ({}) does not match the name on the URL ({})", name, path.name));
  return {};
}

/// New objects need a Namespace that is there to stay.
Outcome<> Rest::accept_namespace(const ObjectPath& path, std::string_view name) const {
  if (!path.type->namespaced || !namespaces_) return {};
  if (path.namespace_.empty())
    return bad_request("an empty namespace may not be set during creation");
  const auto home = store_.get(namespaces_->qualified_name(), {}, path.namespace_);
  if (!home) return not_found(*namespaces_, path.namespace_);
  if (!terminating_.contains(path.namespace_)) return {};
  auto error = forbidden(*path.type, name,
                         fmt::format("unable to create new content in namespace {} because it is "
                                     "being terminated",
                                     path.namespace_));
  error.details["causes"] =
      json::array{{{"reason", "NamespaceTerminating"},
                   {"message", fmt::format("namespace {} is being terminated", path.namespace_)},
                   {"field", "metadata.namespace"}}};
  return error;
}

Outcome<> Rest::judge(const ResourceType& type, json::object& object, const json::object* old,
                      bool admission) const {
  if (type.set_defaults) type.set_defaults(object, old);
  std::vector<FieldError> errors;
  const auto add = [&errors](std::vector<FieldError> more) {
    errors.insert(errors.end(), std::make_move_iterator(more.begin()),
                  std::make_move_iterator(more.end()));
  };
  if (type.validate) add(type.validate(object, old));
  // What is wrong already gets no address allocated.
  const auto admitters = admitters_.find(&type);
  if (errors.empty() && admission && admitters != admitters_.end())
    for (const auto& admitter : admitters->second) add(admitter(object, old));
  if (errors.empty()) return {};
  return invalid(type, text_at(object, "metadata.name"), errors);
}

// ---- verbs --------------------------------------------------------------------------------------

Outcome<ObjectPtr> Rest::get(const ObjectPath& path) const {
  auto found = store_.get(path.type->qualified_name(), path.namespace_, path.name);
  if (!found) return not_found(*path.type, path.name);
  return found;
}

Outcome<ObjectPtr> Rest::write(const ObjectPath& path, json::object object, bool dry_run) {
  const std::string resource = path.type->qualified_name();
  const std::string name(text_at(object, "metadata.name"));
  const bool exists = store_.get(resource, path.namespace_, name) != nullptr;
  if (dry_run) {
    if (!exists) object["metadata"].get_object().stable_erase("resourceVersion");
    auto result = std::make_shared<StoredObject>();
    result->name = name;
    result->namespace_ = path.namespace_;
    result->json = json::serialize(object);
    return ObjectPtr(std::move(result));
  }
  auto stored = exists ? store_.update(resource, std::move(object))
                       : store_.create(resource, std::move(object));
  if (!stored) return store_error(path, name, stored.error());
  return *stored;
}

Outcome<ObjectPtr> Rest::create(const ObjectPath& path, json::object body,
                                const WriteOptions& options, Warnings& warnings) {
  const ResourceType& type = *path.type;
  ANTREA_CHECK(accept_shape(type, body, options, warnings));
  ANTREA_CHECK(accept_names(path, body));
  json::object& metadata = ensure_object(body, "metadata");
  if (!text_at(metadata, "resourceVersion").empty())
    return bad_request("resourceVersion should not be set on objects to be created");
  if (!path.name.empty()) set_default(metadata, "name", json::value(path.name));
  const std::string base(text_at(metadata, "generateName"));
  const bool generated = text_at(metadata, "name").empty() && !base.empty();
  if (generated) metadata["name"] = generate_name(base);
  const std::string name(text_at(metadata, "name"));
  ANTREA_CHECK(accept_namespace(path, name));
  if (name.empty())
    return invalid(type, "",
                   {{"FieldValueRequired", "metadata.name",
                     "Required value: name or generateName is required"}});
  const std::string resource = type.qualified_name();
  if (store_.get(resource, path.namespace_, name)) return already_exists(type, name);

  for (const auto key : {"selfLink", "deletionTimestamp", "deletionGracePeriodSeconds",
                         "generation", "managedFields"})
    if (key != std::string_view("managedFields") || options.field_manager.empty())
      metadata.stable_erase(key);
  if (type.namespaced) metadata["namespace"] = path.namespace_;
  metadata["uid"] = uuid_v4();
  metadata["creationTimestamp"] = timestamp();
  if (type.counts_generations) metadata["generation"] = 1;
  // A Node may be created with its status: kubelets register themselves so.
  if (type.has_status && type.plural != "nodes") body.stable_erase("status");
  ANTREA_CHECK(judge(type, body, nullptr, true));
  body.stable_erase("kind");
  body.stable_erase("apiVersion");
  arrange(body);
  return write(path, std::move(body), options.dry_run);
}

Outcome<ObjectPtr> Rest::update(const ObjectPath& path, json::object body,
                                const WriteOptions& options, Warnings& warnings) {
  ANTREA_TRY(const ObjectPtr old, get(path));
  ANTREA_CHECK(accept_shape(*path.type, body, options, warnings));
  ANTREA_CHECK(accept_names(path, body));
  return replace(path, old, std::move(body), options);
}

Outcome<ObjectPtr> Rest::replace(const ObjectPath& path, const ObjectPtr& stored, json::object body,
                                 const WriteOptions& options) {
  const ResourceType& type = *path.type;
  const json::object old = parse_object(*stored);
  const json::object& old_metadata = old.at("metadata").get_object();
  json::object& metadata = ensure_object(body, "metadata");

  if (const auto uid = text_at(metadata, "uid");
      !uid.empty() && uid != text_at(old_metadata, "uid"))
    return conflict(type, path.name,
                    fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: "
                                "{}",
                                uid, text_at(old_metadata, "uid")));
  const auto version = text_at(metadata, "resourceVersion");
  if (!version.empty() && version != "0" && version != std::to_string(stored->version))
    return conflict(type, path.name, kModified);

  for (const auto key :
       {"name", "generateName", "namespace", "uid", "resourceVersion", "generation",
        "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"})
    copy_field(metadata, old_metadata, key);
  if (options.field_manager.empty()) copy_field(metadata, old_metadata, "managedFields");
  metadata.stable_erase("selfLink");
  body.stable_erase("kind");
  body.stable_erase("apiVersion");

  const bool status_only = path.subresource == "status";
  if (status_only || path.subresource == "finalize") {
    json::object written = std::exchange(body, old);
    body["metadata"] = written["metadata"];
    if (status_only)
      copy_field(body, written, "status");
    else if (const auto* spec = object_at(written, "spec"))
      copy_field(ensure_object(body, "spec"), *spec, "finalizers");
  } else if (type.has_status) {
    copy_field(body, old, "status");
  }
  ANTREA_CHECK(judge(type, body, &old, !status_only));
  if (type.counts_generations && !same_spec(body, old))
    body["metadata"].get_object()["generation"] = integer_at(old, "metadata.generation") + 1;
  arrange(body);
  if (body == old) return stored;  // no new version for nothing

  const bool spec_finalizers = namespaces_ == &type && array_at(body, "spec.finalizers") &&
                               !array_at(body, "spec.finalizers")->empty();
  if (may_go(body) && !spec_finalizers) {
    if (!options.dry_run) {
      auto last = store_.update(type.qualified_name(), std::move(body));
      if (!last) return store_error(path, path.name, last.error());
    }
    ANTREA_TRY(const Deleted deleted, erase(path, stored, options.dry_run));
    return deleted.object;
  }
  return write(path, std::move(body), options.dry_run);
}

Outcome<Rest::Patched> Rest::patch(const ObjectPath& path, PatchType how, const json::value& patch,
                                   const WriteOptions& options, Warnings& warnings) {
  if (how == PatchType::kApply) {
    if (!patch.is_object()) return bad_request("error decoding YAML: expected an object");
    return apply(path, patch.get_object(), options, warnings);
  }
  ANTREA_TRY(const ObjectPtr old, get(path));
  const ResourceType& type = *path.type;
  json::value target = parse_object(*old);
  json::object& object = target.get_object();
  object["kind"] = type.kind;
  object["apiVersion"] = type.api_version();

  Result<> done;
  switch (how) {
    case PatchType::kMerge:
      done = apply_merge_patch(target, patch);
      break;
    case PatchType::kJson:
      done = apply_json_patch(target, patch);
      break;
    case PatchType::kStrategicMerge:
      if (!patch.is_object())
        done = make_error(Errc::kMalformed, "strategic merge patch: expected an object");
      else if (type.schema)
        done = apply_strategic_merge_patch(object, patch.get_object(), *type.schema);
      else
        done = apply_merge_patch(target, patch);
      break;
    case PatchType::kApply:
      break;
  }
  if (!done)
    return done.error().code == Errc::kRejected ? unprocessable()
                                                : bad_request(done.error().to_string());
  if (!target.is_object()) return unprocessable();
  json::object body = std::move(target.get_object());
  ANTREA_CHECK(accept_shape(type, body, options, warnings));
  ANTREA_CHECK(accept_names(path, body));
  ANTREA_TRY(auto result, replace(path, old, std::move(body), options));
  return Patched{std::move(result), false};
}

Outcome<Rest::Patched> Rest::apply(const ObjectPath& path, const json::object& given,
                                   const WriteOptions& options, Warnings& warnings) {
  const ResourceType& type = *path.type;
  json::object config = given;
  if (text_at(config, "kind").empty() || text_at(config, "apiVersion").empty())
    return bad_request("invalid object type: " + type.api_version() + ", Kind=" + type.kind);
  if (const auto* fields = array_at(config, "metadata.managedFields"); fields && !fields->empty())
    return bad_request("metadata.managedFields must be nil");
  // An apply patch is always strict about what it cannot own.
  WriteOptions strict = options;
  strict.validation = FieldValidation::kStrict;
  ANTREA_CHECK(accept_shape(type, config, strict, warnings));
  ANTREA_CHECK(accept_names(path, config));

  const auto old = store_.get(type.qualified_name(), path.namespace_, path.name);
  if (!old && !path.subresource.empty()) return not_found(type, path.name);
  const json::object live = old ? parse_object(*old) : json::object{};
  const Applier applier{options.field_manager, timestamp(), options.force, path.subresource};
  auto merged = apply_configuration(type, live, config, applier);
  if (!merged) {
    auto status = conflict(type, path.name, {});
    const auto& conflicts = merged.error();
    status.message = fmt::format("Apply failed with {} conflict{}: {}", conflicts.size(),
                                 conflicts.size() == 1 ? "" : "s", describe(conflicts));
    json::array causes;
    for (const auto& each : conflicts)
      causes.push_back({{"reason", "FieldManagerConflict"},
                        {"message", fmt::format("conflict with \"{}\"", each.manager)},
                        {"field", each.field}});
    status.details = {{"causes", std::move(causes)}};
    return status;
  }
  if (old) {
    ANTREA_TRY(auto result, replace(path, old, *std::move(merged), options));
    return Patched{std::move(result), false};
  }
  ANTREA_TRY(auto result, create(path, *std::move(merged), options, warnings));
  return Patched{std::move(result), true};
}

Outcome<> Rest::bind(const ObjectPath& path, const json::object& body,
                     const WriteOptions& options) {
  ANTREA_TRY(const ObjectPtr old, get(path));
  const std::string node(text_at(body, "target.name"));
  const auto kind = text_at(body, "target.kind");
  if (node.empty() || (!kind.empty() && kind != "Node"))
    return bad_request("invalid target reference: expected a Node with a name");
  json::object pod = parse_object(*old);
  if (!text_at(pod, "metadata.deletionTimestamp").empty())
    return conflict(
        *path.type, path.name,
        fmt::format("pod {} is being deleted, cannot be assigned to a host", path.name));
  if (const auto now = text_at(pod, "spec.nodeName"); !now.empty())
    return conflict(*path.type, path.name,
                    fmt::format("pod {} is already assigned to node \"{}\"", path.name, now));
  ensure_object(pod, "spec")["nodeName"] = node;
  json::object& status = ensure_object(pod, "status");
  auto& conditions = status["conditions"];
  if (!conditions.is_array()) conditions.emplace_array();
  auto& list = conditions.get_array();
  const auto same = std::find_if(list.begin(), list.end(), [](const json::value& each) {
    return each.is_object() && text_at(each.get_object(), "type") == "PodScheduled";
  });
  if (same != list.end()) list.erase(same);
  list.push_back({{"type", "PodScheduled"},
                  {"status", "True"},
                  {"lastProbeTime", nullptr},
                  {"lastTransitionTime", timestamp()}});
  ANTREA_TRY([[maybe_unused]] const auto written, write(path, std::move(pod), options.dry_run));
  return {};
}

}  // namespace antrea::kube
