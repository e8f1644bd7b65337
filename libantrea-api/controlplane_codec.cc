#include "antrea/api/controlplane_codec.h"

#include <boost/json.hpp>

#include "antrea/base/bytes.h"
#include "controlplane.pb.h"
#include "controlplane_forms.h"

namespace antrea::api::controlplane {
namespace json = boost::json;
using detail::kApiVersionOf;
using detail::kKind;

namespace {

constexpr std::string_view kMagic{"k8s\0", 4};

constexpr detail::Names<Resource> kPlurals[] = {
    {"networkpolicies", Resource::kNetworkPolicies}, {"addressgroups", Resource::kAddressGroups},
    {"appliedtogroups", Resource::kAppliedToGroups}, {"evaluatedpods", Resource::kEvaluatedPods},
    {"egressgroups", Resource::kEgressGroups},
};

std::string envelope(std::string_view api_version, std::string_view kind, std::string message) {
  pb::Unknown unknown;
  unknown.mutable_type_meta()->set_api_version(std::string(api_version));
  unknown.mutable_type_meta()->set_kind(std::string(kind));
  *unknown.mutable_raw() = std::move(message);
  unknown.set_content_encoding("");
  unknown.set_content_type("");
  std::string body(kMagic);
  unknown.AppendToString(&body);
  return body;
}

Result<pb::Unknown> open_envelope(std::string_view body) {
  if (!body.starts_with(kMagic))
    return make_error(Errc::kMalformed, "decode Protobuf: found no \"k8s\\0\" at the start");
  body.remove_prefix(kMagic.size());
  pb::Unknown unknown;
  if (body.size() > INT32_MAX ||
      !unknown.ParseFromArray(body.data(), static_cast<int>(body.size())))
    return make_error(Errc::kMalformed, "decode Protobuf: found no envelope behind \"k8s\\0\"");
  if (!unknown.content_encoding().empty())
    return make_error(Errc::kUnsupported, "decode Protobuf: found the content encoding \"" +
                                              unknown.content_encoding() + "\", expected none");
  return unknown;
}

Result<json::value> parse_json(std::string_view body) {
  boost::system::error_code error;
  json::value value = json::parse(body, error);
  if (error) return make_error(Errc::kMalformed, "decode JSON: " + error.message());
  return value;
}

std::string_view text_at(const json::value& value, std::string_view key) {
  const auto* object = value.if_object();
  const auto* member = object != nullptr ? object->if_contains(key) : nullptr;
  if (member == nullptr || !member->is_string()) return {};
  return member->get_string();
}

// Calls `decode_one` with a null pointer of the type of that kind.
template <typename Decode, typename... T>
Result<Object> dispatch(std::string_view api_version, std::string_view kind, Decode decode_one,
                        std::variant<T...>*) {
  Result<Object> result =
      make_error(Errc::kUnsupported, "decode: found kind \"" + std::string(kind) + "\" of \"" +
                                         std::string(api_version) + "\", expected one of " +
                                         std::string(kApiVersion));
  const auto attempt = [&]<typename One>(One*) {
    if (kind != kKind<One> || api_version != kApiVersionOf<One>) return;
    Result<One> object = decode_one(static_cast<One*>(nullptr));
    if (object)
      result = Object(*std::move(object));
    else
      result = std::move(object).error();
  };
  (attempt(static_cast<T*>(nullptr)), ...);
  return result;
}
template <typename Decode>
Result<Object> dispatch(std::string_view api_version, std::string_view kind, Decode decode_one) {
  return dispatch(api_version, kind, decode_one, static_cast<Object*>(nullptr));
}

Result<EventType> parse_event_type(std::string_view text) {
  for (const auto& [name, type] : detail::kEventTypes)
    if (name == text) return type;
  return make_error(Errc::kMalformed,
                    "read watch: found an event of type \"" + std::string(text) + "\"");
}

}  // namespace

std::string_view to_string(Resource resource) { return detail::name_in(kPlurals, resource); }

std::string_view kind_of(Resource resource) {
  switch (resource) {
    case Resource::kNetworkPolicies:
      return kKind<NetworkPolicy>;
    case Resource::kAddressGroups:
      return kKind<AddressGroup>;
    case Resource::kAppliedToGroups:
      return kKind<AppliedToGroup>;
    case Resource::kEvaluatedPods:
      return kKind<EvaluatedPods>;
    case Resource::kEgressGroups:
      return kKind<EgressGroup>;
  }
  return {};
}

std::optional<Resource> parse_resource(std::string_view plural) {
  for (const auto& [name, resource] : kPlurals)
    if (name == plural) return resource;
  return std::nullopt;
}

std::string_view content_type(Format format) {
  return format == Format::kJson ? "application/json" : "application/vnd.kubernetes.protobuf";
}

std::string_view watch_content_type(Format format) {
  return format == Format::kJson ? "application/json"
                                 : "application/vnd.kubernetes.protobuf;stream=watch";
}

std::string_view to_string(EventType type) { return detail::name_in(detail::kEventTypes, type); }

template <typename T>
std::string encode(const T& object, Format format) {
  if (format == Format::kJson) return json::serialize(detail::to_json(object));
  return envelope(kApiVersionOf<T>, kKind<T>, detail::to_message(object));
}

Result<Object> decode(std::string_view body, Format format) {
  if (format == Format::kJson) {
    ANTREA_TRY(const json::value value, parse_json(body));
    return dispatch(text_at(value, "apiVersion"), text_at(value, "kind"),
                    [&value]<typename T>(T*) { return detail::from_json<T>(value); });
  }
  ANTREA_TRY(const pb::Unknown unknown, open_envelope(body));
  return dispatch(unknown.type_meta().api_version(), unknown.type_meta().kind(),
                  [&unknown]<typename T>(T*) { return detail::from_message<T>(unknown.raw()); });
}

template <typename T>
std::string encode_list(std::span<const std::shared_ptr<const T>> objects,
                        std::string_view resource_version, Format format) {
  const std::string kind = std::string(kKind<T>) + "List";
  if (format == Format::kProtobuf) {
    pb::List list;
    list.mutable_metadata()->set_resource_version(std::string(resource_version));
    for (const auto& object : objects) list.add_items(detail::to_message(*object));
    return envelope(kApiVersion, kind, list.SerializeAsString());
  }
  json::array items;
  for (const auto& object : objects) items.emplace_back(detail::to_json(*object));
  return json::serialize(json::object{{"kind", kind},
                                      {"apiVersion", kApiVersion},
                                      {"metadata", {{"resourceVersion", resource_version}}},
                                      {"items", std::move(items)}});
}

template <typename T>
Result<std::vector<T>> decode_list(std::string_view body, Format format) {
  std::vector<T> objects;
  const std::string wanted = std::string(kKind<T>) + "List";
  const auto check = [&wanted](std::string_view kind) -> Result<> {
    if (kind == wanted) return {};
    return make_error(Errc::kUnsupported,
                      "decode: found kind \"" + std::string(kind) + "\", expected " + wanted);
  };
  if (format == Format::kProtobuf) {
    ANTREA_TRY(const pb::Unknown unknown, open_envelope(body));
    ANTREA_CHECK(check(unknown.type_meta().kind()));
    pb::List list;
    if (!list.ParseFromString(unknown.raw()))
      return make_error(Errc::kMalformed, "decode Protobuf: found no such message", wanted);
    for (const auto& item : list.items()) {
      ANTREA_TRY(T object, detail::from_message<T>(item));
      objects.push_back(std::move(object));
    }
    return objects;
  }
  ANTREA_TRY(const json::value value, parse_json(body));
  ANTREA_CHECK(check(text_at(value, "kind")));
  const auto* items = value.get_object().if_contains("items");
  if (items == nullptr || items->is_null()) return objects;
  if (!items->is_array())
    return make_error(Errc::kMalformed, "decode JSON: items: expected a list", wanted);
  for (const auto& item : items->get_array()) {
    ANTREA_TRY(T object, detail::from_json<T>(item));
    objects.push_back(std::move(object));
  }
  return objects;
}

std::string encode_frame(EventType type, std::string_view body, Format format) {
  std::string frame;
  if (format == Format::kJson) {
    frame.reserve(body.size() + 40);
    frame.append(R"({"type":")").append(to_string(type)).append(R"(","object":)");
    return frame.append(body).append("}\n");
  }
  pb::WatchEvent event;
  event.set_type(std::string(to_string(type)));
  event.mutable_object()->set_raw(body.data(), body.size());
  const std::size_t size = event.ByteSizeLong();
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(size >> shift & 0xff);
  event.AppendToString(&frame);
  return frame;
}

Result<std::optional<WatchFrame>> FrameReader::next() {
  const std::string_view rest = std::string_view(buffer_).substr(start_);
  const auto wait = [this, rest]() -> Result<std::optional<WatchFrame>> {
    if (rest.size() > kMaxFrameSize + 4)
      return make_error(Errc::kMalformed, "read watch: found a frame of over " +
                                              std::to_string(kMaxFrameSize) + " bytes");
    buffer_.erase(0, start_);
    start_ = 0;
    return std::optional<WatchFrame>();
  };
  if (format_ == Format::kJson) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return wait();
    ANTREA_TRY(const json::value line, parse_json(rest.substr(0, end)));
    ANTREA_TRY(const EventType type, parse_event_type(text_at(line, "type")));
    const auto* object = line.get_object().if_contains("object");
    if (object == nullptr) return make_error(Errc::kMalformed, "read watch: found no object");
    start_ += end + 1;
    return WatchFrame{type, json::serialize(*object)};
  }
  ByteReader reader(as_byte_span(rest));
  const std::size_t size = reader.be32();
  if (!reader.failed() && size > kMaxFrameSize)
    return make_error(Errc::kMalformed, "read watch: found a frame of " + std::to_string(size) +
                                            " bytes, expected at most " +
                                            std::to_string(kMaxFrameSize));
  if (reader.failed() || reader.remaining() < size) return wait();
  pb::WatchEvent event;
  if (!event.ParseFromArray(rest.data() + 4, static_cast<int>(size)))
    return make_error(Errc::kMalformed, "read watch: found no WatchEvent in a frame");
  ANTREA_TRY(const EventType type, parse_event_type(event.type()));
  start_ += 4 + size;
  return WatchFrame{type, std::move(*event.mutable_object()->mutable_raw())};
}

#define ANTREA_OBJECT(T) template ANTREA_API std::string encode<T>(const T&, Format);
#define ANTREA_LISTED(T)                                                                    \
  ANTREA_OBJECT(T)                                                                          \
  template ANTREA_API std::string encode_list<T>(std::span<const std::shared_ptr<const T>>, \
                                                 std::string_view, Format);                 \
  template ANTREA_API Result<std::vector<T>> decode_list<T>(std::string_view, Format);
ANTREA_LISTED(NetworkPolicy)
ANTREA_LISTED(AddressGroup)
ANTREA_LISTED(AppliedToGroup)
ANTREA_LISTED(EvaluatedPods)
ANTREA_LISTED(EgressGroup)
ANTREA_OBJECT(AddressGroupPatch)
ANTREA_OBJECT(AppliedToGroupPatch)
ANTREA_OBJECT(EvaluatedPodsPatch)
ANTREA_OBJECT(EgressGroupPatch)
ANTREA_OBJECT(NetworkPolicyStatus)
ANTREA_OBJECT(NodeStatsSummary)
ANTREA_OBJECT(Status)
#undef ANTREA_OBJECT
#undef ANTREA_LISTED

}  // namespace antrea::api::controlplane
