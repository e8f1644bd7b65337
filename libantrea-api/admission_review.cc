#include "antrea/api/admission_review.h"

#include <boost/json/serialize.hpp>

#include "field.h"
#include "wire_address.h"

namespace antrea::api {
namespace json = boost::json;
using detail::Document;
using detail::Field;

namespace {

constexpr std::string_view kVersion = "admission.k8s.io/v1", kKind = "AdmissionReview";

using Operation = AdmissionRequest::Operation;
constexpr std::pair<std::string_view, Operation> kOperations[] = {{"CREATE", Operation::kCreate},
                                                                  {"UPDATE", Operation::kUpdate},
                                                                  {"DELETE", Operation::kDelete},
                                                                  {"CONNECT", Operation::kConnect}};

json::value member(const json::value& json, std::string_view key) {
  const auto* object = json.if_object();
  const auto* found = object != nullptr ? object->if_contains(key) : nullptr;
  return found != nullptr ? *found : json::value();
}

}  // namespace

Result<AdmissionRequest> decode_admission_review(const json::value& json) {
  Document document(json);
  const Field root(document), request = root["request"];
  if (root["kind"].text() != kKind)
    root["kind"].invalid("found \"" + root["kind"].text() + "\", expected AdmissionReview");
  if (root["apiVersion"].text() != kVersion)
    root["apiVersion"].invalid("found \"" + root["apiVersion"].text() +
                               "\", expected admission.k8s.io/v1");
  AdmissionRequest asked;
  asked.uid = request["uid"].required_text();
  if (!request["operation"].present()) request["operation"].invalid("found nothing, expected text");
  asked.operation = request["operation"].choice(kOperations, Operation::kCreate);
  asked.user = request["userInfo"]["username"].text();
  asked.dry_run = request["dryRun"].boolean();
  const json::value content = member(json, "request");
  asked.object = member(content, "object");
  asked.old_object = member(content, "oldObject");
  return std::move(document).finish(std::move(asked), kKind);
}

json::value encode(const AdmissionResponse& response) {
  json::object answer{{"uid", response.uid}, {"allowed", response.allowed}};
  if (!response.allowed)
    answer["status"] = json::object{{"status", "Failure"},
                                    {"message", response.message},
                                    {"reason", response.reason},
                                    {"code", response.code}};
  if (!response.patch.empty()) {  // a type without patch would be refused
    json::array operations;
    for (const JsonPatchAddition& each : response.patch)
      operations.push_back(json::object{{"op", "add"}, {"path", each.path}, {"value", each.value}});
    answer["patchType"] = "JSONPatch";
    answer["patch"] = detail::to_base64(json::serialize(operations));
  }
  if (!response.warnings.empty())
    answer["warnings"] = json::array(response.warnings.begin(), response.warnings.end());
  return json::object{{"apiVersion", kVersion}, {"kind", kKind}, {"response", std::move(answer)}};
}

}  // namespace antrea::api
