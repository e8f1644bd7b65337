#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

/// admission.k8s.io/v1 AdmissionReview: how an API server asks webhooks about a write, and how they
/// answer (k8s.io/api: admission/v1/types.go).
namespace antrea::api {

struct AdmissionRequest {
  enum class Operation : std::uint8_t { kCreate, kUpdate, kDelete, kConnect };
  std::string uid;
  Operation operation = Operation::kCreate;
  std::string user;               ///< userInfo.username
  boost::json::value object;      ///< as it shall be; null if it is deleted
  boost::json::value old_object;  ///< as it is; null if it is created
  bool dry_run = false;           ///< nothing will be written
};

/// An operation "add" of RFC 6902: it replaces what is there.
struct JsonPatchAddition {
  std::string path;  ///< RFC 6901
  boost::json::value value;
};

struct AdmissionResponse {
  std::string uid;  ///< of the request
  bool allowed = true;
  /// If it is refused: HTTP's code, metav1.Status' reason ("Invalid") and message.
  std::int32_t code = 0;
  std::string reason, message;
  std::vector<JsonPatchAddition> patch;  ///< if it is allowed; empty: the object stays as it is
  std::vector<std::string> warnings;     ///< for people
};

/// Errors name the field: kMalformed (another kind, no UID, an operation that does not exist).
ANTREA_API Result<AdmissionRequest> decode_admission_review(const boost::json::value& json);
ANTREA_API boost::json::value encode(const AdmissionResponse& response);

}  // namespace antrea::api
