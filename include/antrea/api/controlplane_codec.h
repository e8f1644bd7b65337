#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "antrea/api/controlplane.h"
#include "antrea/api/statistics.h"

/// The objects of controlplane.antrea.io/v1beta2 as bytes, in the two forms that an API server
/// speaks: JSON, and Kubernetes' Protobuf envelope ("k8s\0" and an Unknown that holds the message).
/// Bytes of the original are understood, and it understands ours: IPv4 addresses are written as 16
/// bytes and read as 4 or 16.
///
/// Decoders take any bytes. Errors: kMalformed (no such JSON or message, a field of a wrong form),
/// kInvalidArgument (a value the API forbids), kUnsupported (another kind of object, or a content
/// encoding).
namespace antrea::api::controlplane {

inline constexpr std::string_view kGroup = "controlplane.antrea.io";
inline constexpr std::string_view kVersion = "v1beta2";
inline constexpr std::string_view kApiVersion = "controlplane.antrea.io/v1beta2";

/// What is served and watched.
enum class Resource : std::uint8_t {
  kNetworkPolicies,
  kAddressGroups,
  kAppliedToGroups,
  kEvaluatedPods,
  kEgressGroups,
};
inline constexpr std::array kResources{Resource::kNetworkPolicies, Resource::kAddressGroups,
                                       Resource::kAppliedToGroups, Resource::kEvaluatedPods,
                                       Resource::kEgressGroups};
ANTREA_API std::string_view to_string(Resource resource);  ///< "networkpolicies", as in a path
ANTREA_API std::string_view kind_of(Resource resource);    ///< "NetworkPolicy"
ANTREA_API std::optional<Resource> parse_resource(std::string_view plural);

enum class Format : std::uint8_t { kJson, kProtobuf };
ANTREA_API std::string_view content_type(Format format);
/// That of a watch's answer.
ANTREA_API std::string_view watch_content_type(Format format);

/// One object with its kind.
using Object = std::variant<NetworkPolicy, AddressGroup, AppliedToGroup, EvaluatedPods, EgressGroup,
                            AddressGroupPatch, AppliedToGroupPatch, EvaluatedPodsPatch,
                            EgressGroupPatch, NetworkPolicyStatus, NodeStatsSummary, Status>;

/// The body of a request or an answer. Defined for the members of `Object`.
template <typename T>
ANTREA_API std::string encode(const T& object, Format format);

/// The object in a body, whatever kind of ours it says it is.
ANTREA_API Result<Object> decode(std::string_view body, Format format);

/// The object in a body that must be a `T`.
template <typename T>
Result<T> decode_as(std::string_view body, Format format) {
  ANTREA_TRY(Object object, decode(body, format));
  if (auto* wanted = std::get_if<T>(&object)) return std::move(*wanted);
  return make_error(Errc::kUnsupported, "decode: found another kind of object than was asked for");
}

/// A List, for the resources. Null pointers are not allowed.
template <typename T>
ANTREA_API std::string encode_list(std::span<const std::shared_ptr<const T>> objects,
                                   std::string_view resource_version, Format format);
template <typename T>
ANTREA_API Result<std::vector<T>> decode_list(std::string_view body, Format format);

enum class EventType : std::uint8_t { kAdded, kModified, kDeleted, kBookmark, kError };
ANTREA_API std::string_view to_string(EventType type);  ///< "ADDED", …

/// One event of a watch. `body` is what `decode` takes; of an error event it holds a Status.
struct WatchFrame {
  EventType type = EventType::kAdded;
  std::string body;
  friend bool operator==(const WatchFrame&, const WatchFrame&) = default;
};

/// As it stands in a watch's answer: a line of JSON, or a length in four bytes and a WatchEvent.
ANTREA_API std::string encode_frame(EventType type, std::string_view body, Format format);

/// Finds the frames in the bytes of a watch's answer, however they are cut.
class ANTREA_API FrameReader {
 public:
  /// A longer frame is an error: a peer must not make us keep whatever it sends.
  static constexpr std::size_t kMaxFrameSize = std::size_t{64} << 20;

  explicit FrameReader(Format format) : format_(format) {}

  void feed(std::string_view bytes) { buffer_ += bytes; }
  /// The next complete frame, or nothing until more is fed. After an error the stream is of no use.
  Result<std::optional<WatchFrame>> next();
  /// Whether the bytes so far end between two frames.
  bool at_boundary() const { return start_ == buffer_.size(); }

 private:
  Format format_;
  std::string buffer_;
  std::size_t start_ = 0;  // of what has not been returned yet
};

}  // namespace antrea::api::controlplane
