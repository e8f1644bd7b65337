#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "../schema/json.h"
#include "api_state.h"

// The verbs of the API as HTTP has them, but for watch.
namespace antrea::kube {
namespace json = boost::json;

namespace {
std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

constexpr std::string_view kTooOldToContinue =
    "The provided continue parameter is too old to display a consistent list result. You can start "
    "a new list without the continue parameter, or use the continue token in this response to "
    "retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list.";

/// Where a list goes on: behind the key `after`, in the state of `version` (0: the present).
struct Continue {
  std::int64_t version = -1;
  std::string after;  ///< relative to the namespace of the list

  std::string encode() const {
    return base64url_encode(json::serialize(json::object{
        {"v", "meta.k8s.io/v1"}, {"rv", version}, {"start", after + std::string(1, '\0')}}));
  }
  static Outcome<Continue> decode(std::string_view token) {
    const auto invalid_token = [](std::string_view why) {
      return bad_request(fmt::format("invalid continue token: continue key is not valid: {}", why));
    };
    const auto text = base64url_decode(token);
    if (!text) return invalid_token("illegal base64 data");
    const auto value = parse_json(*text);
    if (!value || !value->is_object()) return invalid_token("invalid JSON");
    const json::object& object = value->get_object();
    if (text_at(object, "v") != "meta.k8s.io/v1") return invalid_token("unknown version");
    Continue result;
    result.version = integer_at(object, "rv");
    result.after = text_at(object, "start");
    if (result.version == 0 || result.after.empty()) return invalid_token("incomplete");
    if (result.after.back() == '\0') result.after.pop_back();
    return result;
  }
};

constexpr std::string_view kPatchTypes =
    "application/json-patch+json, application/merge-patch+json, "
    "application/strategic-merge-patch+json, application/apply-patch+yaml";

std::optional<PatchType> patch_type(std::string_view content_type) {
  const auto type = content_type.substr(0, content_type.find(';'));
  if (type == "application/json-patch+json") return PatchType::kJson;
  if (type == "application/merge-patch+json") return PatchType::kMerge;
  if (type == "application/strategic-merge-patch+json") return PatchType::kStrategicMerge;
  if (type == "application/apply-patch+yaml") return PatchType::kApply;
  return std::nullopt;
}
}  // namespace

// ---- reading ------------------------------------------------------------------------------------

void ApiServer::State::get(Call call) {
  const auto found = rest.get(call.path);
  if (!found) return refuse(call, found.error());
  answer_object(call, 200, **found);
}

Outcome<ObjectFilter> ApiServer::State::filter_of(const Call& call) const {
  return make_filter(call.path, call.parameter("labelSelector"), call.parameter("fieldSelector"));
}

Outcome<ApiServer::State::Selection> ApiServer::State::select(const Call& call) const {
  const ObjectPath& path = call.path;
  const std::string resource = path.type->qualified_name();
  ANTREA_TRY(const ObjectFilter filter, filter_of(call));
  const auto limit_text = call.parameter("limit");
  const auto limit =
      limit_text.empty() ? std::optional<std::uint64_t>(0) : parse_number(limit_text);
  const auto version_text = call.parameter("resourceVersion");
  const auto version =
      version_text.empty() ? std::optional<std::uint64_t>(0) : parse_number(version_text);
  if (!limit || !version)
    return bad_request(
        fmt::format("{}: Invalid value: \"{}\": strconv.ParseUint: parsing \"{}\": invalid syntax",
                    !limit ? "limit" : "resourceVersion", !limit ? limit_text : version_text,
                    !limit ? limit_text : version_text));
  if (*version > store.version()) return version_too_large(*version, store.version());
  const bool exact = call.parameter("resourceVersionMatch") == "Exact";
  if (exact && *version == 0)
    return bad_request(
        "resourceVersionMatch: Forbidden: resourceVersionMatch \"Exact\" is "
        "forbidden for resourceVersion \"0\" or without resourceVersion");

  std::uint64_t at = exact ? *version : 0;
  std::string after;
  const auto token = call.parameter("continue");
  const std::string prefix = path.namespace_.empty() ? std::string() : path.namespace_ + "/";
  if (!token.empty()) {
    ANTREA_TRY(const Continue from, Continue::decode(token));
    if (from.version > 0) at = static_cast<std::uint64_t>(from.version);
    after = prefix + from.after;
    if (at > store.version() || (at != 0 && at < store.oldest_version(resource)))
      return expired(std::string(kTooOldToContinue), Continue{-1, from.after}.encode());
  }
  auto objects = store.list(resource, path.namespace_, at, after);
  if (!objects) return expired("The resourceVersion for the provided list is too old.");

  Selection selection;
  selection.meta.version = at != 0 ? at : store.version();
  auto rest_of = objects->begin();
  for (; rest_of != objects->end(); ++rest_of) {
    if (*limit != 0 && selection.objects.size() == *limit) break;
    if (filter.matches(**rest_of)) selection.objects.push_back(std::move(*rest_of));
  }
  const auto more = std::find_if(rest_of, objects->end(),
                                 [&](const auto& each) { return filter.matches(*each); });
  if (more != objects->end()) {
    const auto& last = *selection.objects.back();
    const auto key = object_key(last.namespace_, last.name);
    selection.meta.continue_token =
        Continue{static_cast<std::int64_t>(selection.meta.version), key.substr(prefix.size())}
            .encode();
    if (filter.labels.empty() && filter.fields.empty())
      selection.meta.remaining = static_cast<std::size_t>(objects->end() - rest_of);
  }
  return selection;
}

void ApiServer::State::list(Call call) {
  const auto wanted = parse_number(call.parameter("resourceVersion")).value_or(0);
  auto held = std::make_shared<Call>(std::move(call));
  when_reached(wanted, [this, held] {
    const auto selection = select(*held);
    if (!selection) return refuse(*held, selection.error());
    answer(*held, 200, representation(*held).list(selection->objects, selection->meta));
  });
}

// ---- writing ------------------------------------------------------------------------------------

Outcome<WriteOptions> ApiServer::State::write_options(const Call& call) const {
  WriteOptions options;
  if (const auto dry_run = call.parameter("dryRun"); !dry_run.empty()) {
    if (dry_run != "All")
      return bad_request(
          fmt::format("dryRun: Unsupported value: \"{}\": supported values: \"All\"", dry_run));
    options.dry_run = true;
  }
  const auto validation = call.parameter("fieldValidation");
  if (validation == "Strict")
    options.validation = FieldValidation::kStrict;
  else if (validation == "Ignore")
    options.validation = FieldValidation::kIgnore;
  else if (!validation.empty() && validation != "Warn")
    return bad_request(fmt::format(
        "fieldValidation: Unsupported value: \"{}\": supported values: \"Ignore\", \"Warn\", "
        "\"Strict\"",
        validation));
  return options;
}

void ApiServer::State::create(Call call) {
  const auto run = [&]() -> Outcome<> {
    ANTREA_TRY(const WriteOptions options, write_options(call));
    const auto& subresource = call.path.subresource;
    ANTREA_TRY(
        json::value body,
        decode_body(call.request, subresource == "binding" ? "Binding" : call.path.type->kind));
    if (!body.is_object()) return bad_request("the body of the request is not an object");
    if (subresource == "binding") {
      ANTREA_CHECK(rest.bind(call.path, body.get_object(), options));
    } else if (subresource == "eviction") {
      ANTREA_TRY([[maybe_unused]] const auto gone, rest.remove(call.path, {}));
    } else if (!subresource.empty()) {
      return method_not_allowed();
    } else {
      ANTREA_TRY(const ObjectPtr made,
                 rest.create(call.path, std::move(body.get_object()), options, call.warnings));
      answer_object(call, 201, *made);
      return {};
    }
    answer(call, 201,
           R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201})");
    return {};
  };
  if (const auto done = run(); !done) refuse(call, done.error());
}

void ApiServer::State::update(Call call) {
  const auto run = [&]() -> Outcome<> {
    ANTREA_TRY(const WriteOptions options, write_options(call));
    ANTREA_TRY(json::value body, decode_body(call.request, call.path.type->kind));
    if (!body.is_object()) return bad_request("the body of the request is not an object");
    ANTREA_TRY(const ObjectPtr made,
               rest.update(call.path, std::move(body.get_object()), options, call.warnings));
    answer_object(call, 200, *made);
    return {};
  };
  if (const auto done = run(); !done) refuse(call, done.error());
}

void ApiServer::State::patch(Call call) {
  const auto run = [&]() -> Outcome<> {
    ANTREA_TRY(WriteOptions options, write_options(call));
    const auto type = patch_type(call.request.header("Content-Type"));
    if (!type) return unsupported_media_type(kPatchTypes);
    json::value patch;
    if (*type == PatchType::kApply) {
      options.field_manager = call.parameter("fieldManager");
      options.force = call.flag("force");
      if (options.field_manager.empty())
        return bad_request(
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required "
            "value: is required for apply patch");
      ANTREA_TRY(patch, decode_yaml(call.request.body));
    } else {
      auto parsed = parse_json(call.request.body);
      if (!parsed) return bad_request("error decoding patch: " + parsed.error().cause);
      patch = *std::move(parsed);
    }
    ANTREA_TRY(const auto result, rest.patch(call.path, *type, patch, options, call.warnings));
    answer_object(call, result.created ? 201 : 200, *result.object);
    return {};
  };
  if (const auto done = run(); !done) refuse(call, done.error());
}

// ---- deleting -----------------------------------------------------------------------------------

namespace {
/// From the body, if there is one, and the parameters.
Outcome<DeleteOptions> delete_options(const Call& call) {
  DeleteOptions options;
  if (const auto grace = call.parameter("gracePeriodSeconds"); !grace.empty()) {
    const auto number = parse_number(grace);
    if (!number) return bad_request("gracePeriodSeconds: Invalid value: expected a number");
    options.grace_seconds = static_cast<std::int64_t>(std::min<std::uint64_t>(*number, 1u << 30));
  }
  options.dry_run = call.parameter("dryRun") == "All";
  if (call.request.body.empty()) return options;
  ANTREA_TRY(const json::value body, decode_body(call.request, "DeleteOptions"));
  const auto* object = body.if_object();
  if (!object) return bad_request("the body of the request is not an object");
  if (value_at(*object, "gracePeriodSeconds"))
    options.grace_seconds = integer_at(*object, "gracePeriodSeconds");
  options.uid = text_at(*object, "preconditions.uid");
  options.resource_version = text_at(*object, "preconditions.resourceVersion");
  if (const auto* dry_run = array_at(*object, "dryRun"); dry_run && !dry_run->empty())
    options.dry_run = true;
  return options;
}
}  // namespace

void ApiServer::State::remove(Call call) {
  const auto run = [&]() -> Outcome<> {
    ANTREA_TRY(const DeleteOptions options, delete_options(call));
    ANTREA_TRY(const auto deleted, rest.remove(call.path, options));
    const ResourceType& type = *call.path.type;
    if (!deleted.gone || type.delete_returns_object) {
      answer_object(call, 200, *deleted.object);
      return {};
    }
    json::object details{{"name", call.path.name}};
    if (!type.group.empty()) details["group"] = type.group;
    details["kind"] = type.plural;
    details["uid"] = text_at(parse_object(*deleted.object), "metadata.uid");
    answer(call, 200,
           json::serialize(json::object{{"kind", "Status"},
                                        {"apiVersion", "v1"},
                                        {"metadata", json::object{}},
                                        {"status", "Success"},
                                        {"details", std::move(details)}}));
    return {};
  };
  if (const auto done = run(); !done) refuse(call, done.error());
}

/// Answers with what was there before.
void ApiServer::State::remove_collection(Call call) {
  const auto run = [&]() -> Outcome<> {
    ANTREA_TRY(DeleteOptions options, delete_options(call));
    options.uid.clear();
    options.resource_version.clear();
    ANTREA_TRY(const Selection selection, select(call));
    for (const auto& each : selection.objects) {
      const auto deleted = rest.remove({call.path.type, each->namespace_, each->name, {}}, options);
      if (!deleted && deleted.error().code != 404) return deleted.error();
    }
    answer(call, 200, representation(call).list(selection.objects, selection.meta));
    return {};
  };
  if (const auto done = run(); !done) refuse(call, done.error());
}

}  // namespace antrea::kube
