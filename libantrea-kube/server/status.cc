#include "status.h"

#include <fmt/format.h>

#include <stdexcept>

namespace antrea::kube {
namespace json = boost::json;

namespace {
StatusError make(int code, std::string reason, std::string message) {
  StatusError status;
  status.code = code;
  status.reason = std::move(reason);
  status.message = std::move(message);
  return status;
}

StatusError about(const ResourceType& type, std::string_view name, std::string_view kind,
                  StatusError status) {
  status.has_details = true;
  if (!name.empty()) status.details["name"] = name;
  if (!type.group.empty()) status.details["group"] = type.group;
  status.details["kind"] = kind;
  return status;
}

StatusError with_empty_details(StatusError status) {
  status.has_details = true;
  return status;
}

std::string qualified_kind(const ResourceType& type) {
  return type.group.empty() ? type.kind : type.kind + "." + type.group;
}
}  // namespace

json::object StatusError::to_json() const {
  json::object metadata;
  if (!continue_token.empty()) metadata["continue"] = continue_token;
  json::object status{{"kind", "Status"},
                      {"apiVersion", "v1"},
                      {"metadata", metadata},
                      {"status", "Failure"},
                      {"message", message}};
  if (!reason.empty()) status["reason"] = reason;
  if (has_details) {
    status["details"] = details;
    if (retry_after_seconds != 0)
      status["details"].get_object()["retryAfterSeconds"] = retry_after_seconds;
  }
  status["code"] = code;
  return status;
}

void throw_exception_from_error(const StatusError& error, const boost::source_location&) {
  throw std::logic_error("no value: " + error.message);
}

Error to_error(const StatusError& status, std::string object) {
  const Errc code = status.reason == "AlreadyExists" ? Errc::kAlreadyExists
                    : status.code == 404             ? Errc::kNotFound
                    : status.code == 409             ? Errc::kConflict
                    : status.code == 410             ? Errc::kExhausted
                    : status.code == 403             ? Errc::kRejected
                    : status.code >= 500             ? Errc::kInternal
                                                     : Errc::kInvalidArgument;
  return make_error(code, status.message, std::move(object));
}

StatusError bad_request(std::string message) { return make(400, "BadRequest", std::move(message)); }

StatusError unauthorized() { return make(401, "Unauthorized", "Unauthorized"); }

StatusError not_found(const ResourceType& type, std::string_view name) {
  return about(
      type, name, type.plural,
      make(404, "NotFound", fmt::format("{} \"{}\" not found", type.qualified_name(), name)));
}

StatusError no_such_resource() {
  return with_empty_details(
      make(404, "NotFound", "the server could not find the requested resource"));
}

StatusError method_not_allowed() {
  return with_empty_details(make(
      405, "MethodNotAllowed", "the server does not allow this method on the requested resource"));
}

StatusError not_acceptable(std::string_view accepted) {
  return with_empty_details(
      make(406, "NotAcceptable",
           fmt::format("only the following media types are accepted: {}", accepted)));
}

StatusError unsupported_media_type(std::string_view accepted) {
  return make(415, "UnsupportedMediaType",
              fmt::format("the body of the request was in an unknown format - accepted media types "
                          "include: {}",
                          accepted));
}

StatusError already_exists(const ResourceType& type, std::string_view name) {
  return about(type, name, type.plural,
               make(409, "AlreadyExists",
                    fmt::format("{} \"{}\" already exists", type.qualified_name(), name)));
}

StatusError conflict(const ResourceType& type, std::string_view name, std::string_view why) {
  return about(type, name, type.plural,
               make(409, "Conflict",
                    fmt::format("Operation cannot be fulfilled on {} \"{}\": {}",
                                type.qualified_name(), name, why)));
}

StatusError precondition_failed(const ResourceType& type, std::string_view name,
                                std::string_view why) {
  return about(type, name, type.kind,
               make(409, "Conflict",
                    fmt::format("Operation cannot be fulfilled on {} \"{}\": {}",
                                qualified_kind(type), name, why)));
}

StatusError forbidden(const ResourceType& type, std::string_view name, std::string_view why) {
  return about(type, name, type.plural,
               make(403, "Forbidden",
                    name.empty() ? fmt::format("{} is forbidden: {}", type.qualified_name(), why)
                                 : fmt::format("{} \"{}\" is forbidden: {}", type.qualified_name(),
                                               name, why)));
}

StatusError invalid(const ResourceType& type, std::string_view name,
                    const std::vector<FieldError>& errors) {
  std::string list;
  json::array causes;
  for (const auto& error : errors) {
    if (!list.empty()) list += ", ";
    list += error.field + ": " + error.message;
    causes.push_back({{"reason", error.type}, {"message", error.message}, {"field", error.field}});
  }
  if (errors.size() > 1) list = "[" + list + "]";
  auto status =
      about(type, name, type.kind,
            make(422, "Invalid",
                 fmt::format("{} \"{}\" is invalid: {}", qualified_kind(type), name, list)));
  status.details["causes"] = std::move(causes);
  return status;
}

StatusError unprocessable() {
  return with_empty_details(
      make(422, "Invalid", "the server rejected our request due to an error in our request"));
}

StatusError expired(std::string message, std::string continue_token) {
  auto status = make(410, "Expired", std::move(message));
  status.continue_token = std::move(continue_token);
  return status;
}

StatusError version_too_large(std::uint64_t wanted, std::uint64_t current) {
  auto status =
      make(504, "Timeout",
           fmt::format("Timeout: Too large resource version: {}, current: {}", wanted, current));
  status.has_details = true;
  status.details["causes"] = json::array{
      {{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}}};
  status.retry_after_seconds = 1;
  return status;
}

StatusError internal_error(std::string message) {
  return make(500, "InternalError", "Internal error occurred: " + std::move(message));
}

}  // namespace antrea::kube
