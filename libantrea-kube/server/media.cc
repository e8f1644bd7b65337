#include "media.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "antrea/api/json.h"
#include "http_text.h"
#include "protobuf_body.h"

namespace antrea::kube {
namespace json = boost::json;

namespace {
constexpr std::size_t kMaxDepth = 160;
constexpr std::string_view kServed = "application/json, application/yaml";

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// Calls `take` with each trimmed part between separators.
template <typename Take>
void split(std::string_view text, char separator, Take take) {
  while (!text.empty()) {
    const auto end = text.find(separator);
    take(trim(text.substr(0, end)));
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
  }
}

MediaRange parse_range(std::string_view text) {
  MediaRange range;
  split(text, ';', [&](std::string_view part) {
    if (range.type.empty()) {
      range.type = part;
      std::ranges::transform(range.type, range.type.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      });
      return;
    }
    const auto equals = part.find('=');
    range.parameters.emplace_back(trim(part.substr(0, equals)),
                                  equals == part.npos ? "" : trim(part.substr(equals + 1)));
  });
  return range;
}

void print_pretty(std::string& out, const json::value& value, std::size_t indent) {
  const auto line = [&](std::size_t by) { out.append("\n").append(by, ' '); };
  if (const auto* object = value.if_object(); object && !object->empty()) {
    const char* separator = "{";
    for (const auto& [key, member] : *object) {
      out += std::exchange(separator, ",");
      line(indent + 2);
      out += json::serialize(json::string(key)) + ": ";
      print_pretty(out, member, indent + 2);
    }
    line(indent);
    out += '}';
  } else if (const auto* array = value.if_array(); array && !array->empty()) {
    const char* separator = "[";
    for (const auto& element : *array) {
      out += std::exchange(separator, ",");
      line(indent + 2);
      print_pretty(out, element, indent + 2);
    }
    line(indent);
    out += ']';
  } else {
    out += json::serialize(value);
  }
}
}  // namespace

std::string_view MediaRange::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters)
    if (equals_ignoring_case(key, name)) return value;
  return {};
}

std::vector<MediaRange> parse_accept(std::string_view accept) {
  std::vector<MediaRange> ranges;
  split(accept, ',', [&](std::string_view part) {
    if (!part.empty()) ranges.push_back(parse_range(part));
  });
  return ranges;
}

Outcome<Media> negotiate(std::string_view accept) {
  const auto ranges = parse_accept(accept);
  if (ranges.empty()) return Media{};
  for (const auto& range : ranges) {
    Media media;
    media.yaml = range.type == "application/yaml";
    const bool json =
        range.type == "application/json" || range.type == "*/*" || range.type == "application/*";
    if (!json && !media.yaml) continue;
    const auto as = range.parameter("as");
    if (as.empty()) return media;
    if (range.parameter("g") != "meta.k8s.io") continue;
    const auto version = range.parameter("v");
    if (version != "v1" && version != "v1beta1") continue;
    media.group_version = fmt::format("meta.k8s.io/{}", version);
    if (as == "Table")
      media.form = Media::Form::kTable;
    else if (as == "PartialObjectMetadata" || as == "PartialObjectMetadataList")
      media.form = Media::Form::kMetadata;
    else
      continue;
    return media;
  }
  return not_acceptable(kServed);
}

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code code;
  auto value = json::parse(text, code, {}, options);
  if (code) return make_error(Errc::kMalformed, "parse JSON: " + code.message());
  return value;
}

Outcome<json::value> decode_yaml(const std::string& text) {
  auto documents = api::decode_manifest(text, "body");
  if (!documents) return bad_request("error decoding YAML: " + documents.error().to_string());
  if (documents->size() != 1)
    return bad_request(
        fmt::format("error decoding YAML: expected one object, got {}", documents->size()));
  return std::move(documents->front());
}

Outcome<json::value> decode_body(const HttpRequest& request, std::string_view expected) {
  const auto range = parse_range(request.header("Content-Type"));
  if (range.type == "application/yaml") return decode_yaml(request.body);
  if (range.type == "application/vnd.kubernetes.protobuf") {
    auto object = decode_protobuf_body(request.body);
    if (object) return json::value(*std::move(object));
    return object.error().code == Errc::kUnsupported ? unsupported_media_type(kServed)
                                                     : bad_request(object.error().to_string());
  }
  if (!range.type.empty() && range.type != "application/json")
    return unsupported_media_type(kServed);
  auto value = parse_json(request.body);
  if (!value)
    return bad_request(
        fmt::format("the object provided is unrecognized (must be of type {}): couldn't get "
                    "version/kind; json parse error: {} ({})",
                    expected, value.error().cause, request.body.substr(0, 128)));
  return *std::move(value);
}

std::string to_pretty_json(const json::value& value) {
  std::string out;
  print_pretty(out, value, 0);
  return out;
}

namespace {
constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
}

std::string base64url_encode(std::string_view bytes) {
  std::string text;
  std::uint32_t bits = 0;
  int held = 0;
  for (const unsigned char byte : bytes) {
    bits = bits << 8 | byte;
    for (held += 8; held >= 6;) text += kDigits[bits >> (held -= 6) & 63];
  }
  if (held > 0) text += kDigits[bits << (6 - held) & 63];
  return text;
}

Result<std::string> base64url_decode(std::string_view text) {
  std::string bytes;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const auto digit = kDigits.find(c);
    if (digit == kDigits.npos) return make_error(Errc::kMalformed, "decode base64url");
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    if ((held += 6) >= 8) bytes += static_cast<char>(bits >> (held -= 8) & 0xff);
  }
  return bytes;
}

}  // namespace antrea::kube
