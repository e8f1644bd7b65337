#include "protobuf_body.h"

#include <algorithm>
#include <array>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/json/array.hpp>
#include <cstdio>
#include <vector>

#include "rest.h"

// The wire format of protobuf, read by tables of the field numbers in Kubernetes' generated.proto
// files.
namespace antrea::kube {
namespace json = boost::json;

namespace {
constexpr int kMaxDepth = 32;

enum class Kind : std::uint8_t {
  kString,
  kInteger,
  kBool,
  kMessage,
  kTime,
  kMicroTime,
  kIntOrString,
  kStringMap,
  kBytesMap
};

struct Message;

struct Field {
  std::uint32_t number;
  std::string_view name;
  Kind kind = Kind::kString;
  const Message* message = nullptr;
  bool repeated = false;
};

struct Message {
  std::string_view kind;  ///< of a top-level object, else empty
  std::vector<Field> fields;
};

Field text(std::uint32_t number, std::string_view name) { return {number, name}; }
Field texts(std::uint32_t number, std::string_view name) {
  return {number, name, Kind::kString, nullptr, true};
}
Field of(std::uint32_t number, std::string_view name, Kind kind) { return {number, name, kind}; }
Field one(std::uint32_t number, std::string_view name, const Message& message) {
  return {number, name, Kind::kMessage, &message};
}
Field many(std::uint32_t number, std::string_view name, const Message& message) {
  return {number, name, Kind::kMessage, &message, true};
}

const Message kOwner{"",
                     {text(1, "kind"), text(3, "name"), text(4, "uid"), text(5, "apiVersion"),
                      of(6, "controller", Kind::kBool), of(7, "blockOwnerDeletion", Kind::kBool)}};
const Message kMetadata{
    "",
    {text(1, "name"), text(2, "generateName"), text(3, "namespace"), text(5, "uid"),
     text(6, "resourceVersion"), of(7, "generation", Kind::kInteger),
     of(8, "creationTimestamp", Kind::kTime), of(9, "deletionTimestamp", Kind::kTime),
     of(10, "deletionGracePeriodSeconds", Kind::kInteger), of(11, "labels", Kind::kStringMap),
     of(12, "annotations", Kind::kStringMap), many(13, "ownerReferences", kOwner),
     texts(14, "finalizers")}};
const Message kReference{"",
                         {text(1, "kind"), text(2, "namespace"), text(3, "name"), text(4, "uid"),
                          text(5, "apiVersion"), text(6, "resourceVersion"), text(7, "fieldPath")}};
const Message kLocalReference{"", {text(1, "name")}};
const Message kSelectorTerm{"", {text(1, "key"), text(2, "operator"), texts(3, "values")}};
const Message kSelector{
    "", {of(1, "matchLabels", Kind::kStringMap), many(2, "matchExpressions", kSelectorTerm)}};
const Message kPreconditions{"", {text(1, "uid"), text(2, "resourceVersion")}};
const Message kDeleteOptions{
    "DeleteOptions",
    {of(1, "gracePeriodSeconds", Kind::kInteger), one(2, "preconditions", kPreconditions),
     of(3, "orphanDependents", Kind::kBool), text(4, "propagationPolicy"), texts(5, "dryRun")}};

const Message kNamespaceSpec{"", {texts(1, "finalizers")}};
const Message kNamespaceStatus{"", {text(1, "phase")}};
const Message kClientIp{"", {of(1, "timeoutSeconds", Kind::kInteger)}};
const Message kAffinity{"", {one(1, "clientIP", kClientIp)}};
const Message kServicePort{"",
                           {text(1, "name"), text(2, "protocol"), of(3, "port", Kind::kInteger),
                            of(4, "targetPort", Kind::kIntOrString),
                            of(5, "nodePort", Kind::kInteger), text(6, "appProtocol")}};
const Message kServiceSpec{"",
                           {many(1, "ports", kServicePort),
                            of(2, "selector", Kind::kStringMap),
                            text(3, "clusterIP"),
                            text(4, "type"),
                            texts(5, "externalIPs"),
                            text(7, "sessionAffinity"),
                            text(8, "loadBalancerIP"),
                            texts(9, "loadBalancerSourceRanges"),
                            text(10, "externalName"),
                            text(11, "externalTrafficPolicy"),
                            of(12, "healthCheckNodePort", Kind::kInteger),
                            of(13, "publishNotReadyAddresses", Kind::kBool),
                            one(14, "sessionAffinityConfig", kAffinity),
                            text(17, "ipFamilyPolicy"),
                            texts(18, "clusterIPs"),
                            texts(19, "ipFamilies"),
                            of(20, "allocateLoadBalancerNodePorts", Kind::kBool),
                            text(21, "loadBalancerClass"),
                            text(22, "internalTrafficPolicy"),
                            text(23, "trafficDistribution")}};
const Message kIpBlock{"", {text(1, "cidr"), texts(2, "except")}};
const Message kPeer{"",
                    {one(1, "podSelector", kSelector), one(2, "namespaceSelector", kSelector),
                     one(3, "ipBlock", kIpBlock)}};
const Message kPolicyPort{
    "", {text(1, "protocol"), of(2, "port", Kind::kIntOrString), of(3, "endPort", Kind::kInteger)}};
const Message kIngress{"", {many(1, "ports", kPolicyPort), many(2, "from", kPeer)}};
const Message kEgress{"", {many(1, "ports", kPolicyPort), many(2, "to", kPeer)}};
const Message kPolicySpec{"",
                          {one(1, "podSelector", kSelector), many(2, "ingress", kIngress),
                           many(3, "egress", kEgress), texts(4, "policyTypes")}};
const Message kLeaseSpec{
    "",
    {text(1, "holderIdentity"), of(2, "leaseDurationSeconds", Kind::kInteger),
     of(3, "acquireTime", Kind::kMicroTime), of(4, "renewTime", Kind::kMicroTime),
     of(5, "leaseTransitions", Kind::kInteger)}};
const Message kResourceAttributes{
    "",
    {text(1, "namespace"), text(2, "verb"), text(3, "group"), text(4, "version"),
     text(5, "resource"), text(6, "subresource"), text(7, "name")}};
const Message kOtherAttributes{"", {text(1, "path"), text(2, "verb")}};
const Message kAccessSpec{"",
                          {one(1, "resourceAttributes", kResourceAttributes),
                           one(2, "nonResourceAttributes", kOtherAttributes)}};
const Message kRulesSpec{"", {text(1, "namespace")}};

const std::array kKinds{
    Message{"Namespace",
            {one(1, "metadata", kMetadata), one(2, "spec", kNamespaceSpec),
             one(3, "status", kNamespaceStatus)}},
    Message{"ConfigMap",
            {one(1, "metadata", kMetadata), of(2, "data", Kind::kStringMap),
             of(3, "binaryData", Kind::kBytesMap), of(4, "immutable", Kind::kBool)}},
    Message{"Secret",
            {one(1, "metadata", kMetadata), of(2, "data", Kind::kBytesMap), text(3, "type"),
             of(4, "stringData", Kind::kStringMap), of(5, "immutable", Kind::kBool)}},
    Message{"ServiceAccount",
            {one(1, "metadata", kMetadata), many(2, "secrets", kReference),
             many(3, "imagePullSecrets", kLocalReference),
             of(4, "automountServiceAccountToken", Kind::kBool)}},
    Message{"Service", {one(1, "metadata", kMetadata), one(2, "spec", kServiceSpec)}},
    Message{"NetworkPolicy", {one(1, "metadata", kMetadata), one(2, "spec", kPolicySpec)}},
    Message{"Lease", {one(1, "metadata", kMetadata), one(2, "spec", kLeaseSpec)}},
    Message{"Binding", {one(1, "metadata", kMetadata), one(2, "target", kReference)}},
    Message{"Eviction", {one(1, "metadata", kMetadata), one(2, "deleteOptions", kDeleteOptions)}},
    Message{"SelfSubjectAccessReview",
            {one(1, "metadata", kMetadata), one(2, "spec", kAccessSpec)}},
    Message{"SelfSubjectRulesReview", {one(1, "metadata", kMetadata), one(2, "spec", kRulesSpec)}},
    Message{"SelfSubjectReview", {one(1, "metadata", kMetadata)}},
    kDeleteOptions,
};

// ---- the wire -----------------------------------------------------------------------------------

Error malformed(std::string_view what) {
  return make_error(Errc::kMalformed, "decode protobuf: " + std::string(what));
}

/// One field as it stands on the wire.
struct WireField {
  std::uint32_t number = 0;
  std::uint64_t integer = 0;
  std::string_view bytes;
  bool delimited = false;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty(); }

  Result<WireField> next() {
    ANTREA_TRY(const auto tag, varint());
    WireField field;
    field.number = static_cast<std::uint32_t>(tag >> 3);
    switch (tag & 7) {
      case 0: {
        ANTREA_TRY(field.integer, varint());
        return field;
      }
      case 2: {
        ANTREA_TRY(const auto size, varint());
        field.delimited = true;
        return take(size, field);
      }
      case 1:
        return take(8, field);
      case 5:
        return take(4, field);
      default:
        return malformed("unknown wire type");
    }
  }

 private:
  Result<WireField> take(std::uint64_t size, WireField field) {
    if (size > rest_.size()) return malformed("truncated");
    field.bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return field;
  }
  Result<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return malformed("truncated");
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    return malformed("a number is too long");
  }

  std::string_view rest_;
};

std::string to_base64(std::string_view bytes) {
  namespace base64 = boost::beast::detail::base64;
  std::string text(base64::encoded_size(bytes.size()), '\0');
  text.resize(base64::encode(text.data(), bytes.data(), bytes.size()));
  return text;
}

/// The fields of a small message, by number below 4.
Result<std::array<WireField, 4>> small_message(std::string_view bytes) {
  std::array<WireField, 4> fields;
  for (Reader reader(bytes); !reader.done();) {
    ANTREA_TRY(const WireField field, reader.next());
    if (field.number < fields.size()) fields[field.number] = field;
  }
  return fields;
}

Result<json::value> decode_time(std::string_view bytes, bool micro) {
  ANTREA_TRY(const auto fields, small_message(bytes));
  const auto seconds = static_cast<std::int64_t>(fields[1].integer);
  constexpr std::int64_t kEndOfYear9999 = 253402300799;
  if (seconds == 0 && fields[2].integer == 0) return json::value(nullptr);
  if (seconds < -62135596800 || seconds > kEndOfYear9999) return malformed("a time out of range");
  std::string time = format_time(std::chrono::system_clock::time_point(
      std::chrono::seconds(std::clamp<std::int64_t>(seconds, -9'000'000'000, 9'000'000'000))));
  if (micro) {
    char fraction[16];
    std::snprintf(fraction, sizeof fraction, ".%06uZ",
                  static_cast<unsigned>(fields[2].integer / 1000 % 1'000'000));
    time.replace(time.size() - 1, 1, fraction);
  }
  return json::value(time);
}

Result<json::object> decode(const Message& message, std::string_view bytes, int depth);

Result<json::value> decode_field(const Field& field, const WireField& wire, int depth) {
  switch (field.kind) {
    case Kind::kString:
      return json::value(wire.bytes);
    case Kind::kInteger:
      return json::value(static_cast<std::int64_t>(wire.integer));
    case Kind::kBool:
      return json::value(wire.integer != 0);
    case Kind::kTime:
      return decode_time(wire.bytes, false);
    case Kind::kMicroTime:
      return decode_time(wire.bytes, true);
    case Kind::kIntOrString: {
      ANTREA_TRY(const auto parts, small_message(wire.bytes));
      if (parts[1].integer == 1) return json::value(parts[3].bytes);
      return json::value(static_cast<std::int32_t>(parts[2].integer));
    }
    case Kind::kMessage: {
      ANTREA_TRY(auto object, decode(*field.message, wire.bytes, depth + 1));
      return json::value(std::move(object));
    }
    case Kind::kStringMap:
    case Kind::kBytesMap:
      break;
  }
  return malformed("a map in the wrong place");
}

Result<json::object> decode(const Message& message, std::string_view bytes, int depth) {
  if (depth > kMaxDepth) return malformed("nested too deeply");
  json::object object;
  for (Reader reader(bytes); !reader.done();) {
    ANTREA_TRY(const WireField wire, reader.next());
    const auto field = std::ranges::find(message.fields, wire.number, &Field::number);
    if (field == message.fields.end()) continue;
    const bool number = field->kind == Kind::kInteger || field->kind == Kind::kBool;
    if (number == wire.delimited) return malformed("a field has the wrong wire type");
    if (field->kind == Kind::kStringMap || field->kind == Kind::kBytesMap) {
      ANTREA_TRY(const auto entry, small_message(wire.bytes));
      auto& map = object[field->name];
      if (!map.is_object()) map.emplace_object();
      map.get_object()[entry[1].bytes] = field->kind == Kind::kBytesMap
                                             ? json::value(to_base64(entry[2].bytes))
                                             : json::value(entry[2].bytes);
      continue;
    }
    ANTREA_TRY(auto value, decode_field(*field, wire, depth));
    if (!field->repeated) {
      // Go's generated code writes strings that are not set too.
      const bool unset = value.is_null() || (value.is_string() && value.get_string().empty());
      if (!unset) object[field->name] = std::move(value);
      continue;
    }
    auto& list = object[field->name];
    if (!list.is_array()) list.emplace_array();
    list.get_array().push_back(std::move(value));
  }
  return object;
}
}  // namespace

Result<json::object> decode_protobuf_body(std::string_view bytes) {
  constexpr std::string_view kMagic("k8s\0", 4);
  if (!bytes.starts_with(kMagic)) return malformed("the body does not start with k8s\\0");
  ANTREA_TRY(const auto unknown, small_message(bytes.substr(kMagic.size())));
  ANTREA_TRY(const auto type, small_message(unknown[1].bytes));
  const auto message = std::ranges::find(kKinds, type[2].bytes, &Message::kind);
  if (message == kKinds.end())
    return make_error(Errc::kUnsupported, "decode protobuf: a kind without table",
                      std::string(type[2].bytes));
  ANTREA_TRY(json::object decoded, decode(*message, unknown[2].bytes, 0));
  json::object object{{"kind", type[2].bytes}, {"apiVersion", type[1].bytes}};
  for (auto& [key, value] : decoded) object[key] = std::move(value);
  return object;
}

}  // namespace antrea::kube
