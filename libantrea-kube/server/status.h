#pragma once

#include <boost/json/object.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/result.h"
#include "antrea/kube/resource_type.h"

namespace antrea::kube {

/// Why a request was refused, in the terms of the API: metav1.Status.
struct [[nodiscard]] StatusError {
  int code = 500;
  std::string reason;
  std::string message;
  boost::json::object
      details;  ///< as it goes out; absent from the Status when `has_details` is false
  bool has_details = false;
  std::string continue_token;  ///< of an expired list
  int retry_after_seconds = 0;

  boost::json::object to_json() const;
};
[[noreturn]] void throw_exception_from_error(const StatusError& error,
                                             const boost::source_location& where);

template <typename T = void>
using Outcome = boost::system::result<T, StatusError>;

/// For in-process callers.
Error to_error(const StatusError& status, std::string object = {});

StatusError bad_request(std::string message);
StatusError unauthorized();
StatusError not_found(const ResourceType& type, std::string_view name);
/// The path names a resource that is not served.
StatusError no_such_resource();
StatusError method_not_allowed();
StatusError not_acceptable(std::string_view accepted);
StatusError unsupported_media_type(std::string_view accepted);
StatusError already_exists(const ResourceType& type, std::string_view name);
/// `why` is a clause: "the object has been modified; ...".
StatusError conflict(const ResourceType& type, std::string_view name, std::string_view why);
/// The same about a precondition, which names the kind instead of the resource.
StatusError precondition_failed(const ResourceType& type, std::string_view name,
                                std::string_view why);
StatusError forbidden(const ResourceType& type, std::string_view name, std::string_view why);
StatusError invalid(const ResourceType& type, std::string_view name,
                    const std::vector<FieldError>& errors);
/// A patch that does not fit the object.
StatusError unprocessable();
StatusError expired(std::string message, std::string continue_token = {});
StatusError version_too_large(std::uint64_t wanted, std::uint64_t current);
StatusError internal_error(std::string message);

}  // namespace antrea::kube
