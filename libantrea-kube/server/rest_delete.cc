#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "../schema/json.h"
#include "rest.h"

// Deletion: at once, or in steps where a grace period, a finalizer or a Namespace's content stands
// before it.
namespace antrea::kube {
namespace json = boost::json;

namespace {
bool has_finalizers(const json::object& object) {
  const auto* finalizers = array_at(object, "metadata.finalizers");
  return finalizers && !finalizers->empty();
}

std::int64_t grace_of(const json::object& pod, const DeleteOptions& options) {
  const auto phase = text_at(pod, "status.phase");
  if (text_at(pod, "spec.nodeName").empty() || phase == "Succeeded" || phase == "Failed") return 0;
  const auto own = integer_at(pod, "spec.terminationGracePeriodSeconds", 30);
  return std::max<std::int64_t>(options.grace_seconds.value_or(own), 0);
}
}  // namespace

Outcome<Rest::Deleted> Rest::remove(const ObjectPath& path, const DeleteOptions& options) {
  ANTREA_TRY(const ObjectPtr old, get(path));
  const ResourceType& type = *path.type;
  json::object object = parse_object(*old);

  if (const auto uid = text_at(object, "metadata.uid"); !options.uid.empty() && options.uid != uid)
    return precondition_failed(
        type, path.name,
        fmt::format("the UID in the precondition ({}) does not match the UID in record ({}). The "
                    "object might have been deleted and then recreated",
                    options.uid, uid));
  if (!options.resource_version.empty() && options.resource_version != std::to_string(old->version))
    return precondition_failed(
        type, path.name,
        fmt::format("the ResourceVersion in the precondition ({}) does not match the "
                    "ResourceVersion in record ({}). The object might have been modified",
                    options.resource_version, old->version));

  if (const auto admitters = removal_admitters_.find(&type); admitters != removal_admitters_.end())
    for (const auto& admitter : admitters->second)
      if (const std::string why = admitter(object); !why.empty())
        return forbidden(type, path.name, why);

  if (&type == namespaces_) {
    if (path.name == "default" || path.name == "kube-system" || path.name == "kube-public")
      return forbidden(type, path.name, "this namespace may not be deleted");
    ensure_object(object, "status")["phase"] = "Terminating";
    auto marked = mark_deleted(path, old, std::move(object), 0, options.dry_run);
    if (marked && !options.dry_run) terminating_.insert(path.name);
    return marked;
  }
  const std::int64_t grace = type.deletes_gracefully ? grace_of(object, options) : 0;
  if (grace > 0 || has_finalizers(object))
    return mark_deleted(path, old, std::move(object), grace, options.dry_run);
  if (!type.deletes_gracefully) return erase(path, old, options.dry_run);
  // The last state of a Pod says that its time was up.
  ANTREA_TRY(const Deleted marked, mark_deleted(path, old, std::move(object), 0, options.dry_run));
  ANTREA_TRY([[maybe_unused]] const Deleted gone, erase(path, old, options.dry_run));
  return Deleted{marked.object, true};
}

/// Sets deletionTimestamp. A second deletion may only shorten the time that is left.
Outcome<Rest::Deleted> Rest::mark_deleted(const ObjectPath& path, const ObjectPtr& old,
                                          json::object object, std::int64_t grace, bool dry_run) {
  json::object& metadata = object["metadata"].get_object();
  if (!text_at(metadata, "deletionTimestamp").empty() &&
      integer_at(metadata, "deletionGracePeriodSeconds") <= grace)
    return Deleted{old, false};
  metadata["deletionTimestamp"] = timestamp(grace);
  if (path.type->deletes_gracefully || &*path.type != namespaces_)
    metadata["deletionGracePeriodSeconds"] = grace;
  if (path.type->counts_generations)
    metadata["generation"] = integer_at(metadata, "generation") + 1;
  ANTREA_TRY(auto marked, write(path, std::move(object), dry_run));
  return Deleted{std::move(marked), false};
}

Outcome<Rest::Deleted> Rest::erase(const ObjectPath& path, const ObjectPtr& old, bool dry_run) {
  if (dry_run) return Deleted{old, true};
  auto last = store_.erase(path.type->qualified_name(), path.namespace_, path.name);
  if (!last) return store_error(path, path.name, last.error());
  if (path.type == namespaces_) terminating_.erase(path.name);
  return Deleted{*last, true};
}

void Rest::finish_namespaces() {
  const auto names = terminating_;
  for (const auto& name : names) finish_namespace(name);
}

/// True once the Namespace is gone.
bool Rest::finish_namespace(const std::string& name) {
  bool empty = true;
  for (const auto& type : types_.all()) {
    if (!type->namespaced) continue;
    const auto content = store_.list(type->qualified_name(), name);
    if (!content) continue;
    for (const auto& each : *content) {
      const ObjectPath path{type.get(), name, each->name, {}};
      const bool marked = !text_at(parse_object(*each), "metadata.deletionTimestamp").empty();
      const auto deleted = marked ? Outcome<Deleted>(Deleted{}) : remove(path, {});
      if (!deleted || !deleted->gone) empty = false;
    }
  }
  if (!empty) return false;
  const ObjectPath path{namespaces_, {}, name, {}};
  const auto stored = store_.get(namespaces_->qualified_name(), {}, name);
  if (!stored) return terminating_.erase(name), true;
  json::object object = parse_object(*stored);
  json::object& spec = ensure_object(object, "spec");
  if (auto* finalizers = spec.if_contains("finalizers"); finalizers && finalizers->is_array()) {
    auto& list = finalizers->get_array();
    const auto ours = std::remove(list.begin(), list.end(), json::value("kubernetes"));
    const bool had = ours != list.end();
    list.erase(ours, list.end());
    const bool others = !list.empty();
    if (!others) spec.erase("finalizers");
    if (had && (others || has_finalizers(object))) {
      const auto written = write(path, std::move(object), false);
      return false;
    }
    if (others) return false;
  }
  if (has_finalizers(object)) return false;
  return erase(path, stored, false).has_value();
}

}  // namespace antrea::kube
