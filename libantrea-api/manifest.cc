#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <sstream>
#include <unordered_set>

#include "antrea/api/json.h"
#include "yaml_scalar.h"

namespace antrea::api {
namespace json = boost::json;
namespace {

// Aliases let a small text stand for a huge tree, or for one without end.
constexpr std::size_t kMaxValues = 1'000'000;
constexpr std::size_t kMaxDepth = 100;

Error at_line(std::string_view source, int line, std::string what) {
  std::string object(source);
  if (line >= 0) object += ':' + std::to_string(line + 1);
  return make_error(Errc::kMalformed, "read manifest: " + std::move(what), std::move(object));
}

class YamlToJson {
 public:
  explicit YamlToJson(std::string_view source) : source_(source) {}

  Result<json::value> convert(const YAML::Node& node, std::size_t depth = 0) {
    if (depth > kMaxDepth)
      return fault(node, "found over " + std::to_string(kMaxDepth) + " levels of nesting");
    if (++count_ > kMaxValues)
      return fault(node, "found over " + std::to_string(kMaxValues) + " values, aliases included");
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return scalar(node);
      case YAML::NodeType::Sequence:
        return sequence(node, depth);
      case YAML::NodeType::Map:
        return map(node, depth);
      default:
        return json::value(nullptr);
    }
  }

 private:
  Error fault(const YAML::Node& node, std::string what) const {
    return at_line(source_, node.Mark().line, std::move(what));
  }

  // Quoted scalars carry the tag "!", plain ones "?".
  Result<json::value> scalar(const YAML::Node& node) const {
    const std::string& tag = node.Tag();
    const std::string& text = node.Scalar();
    const std::string core = "tag:yaml.org,2002:";
    if (tag == "!" || tag == core + "str") return json::value(json::string(text));
    json::value value = detail::resolve_plain_scalar(text);
    const bool fits = tag == "?" || tag.empty() || (tag == core + "int" && value.is_int64()) ||
                      (tag == core + "float" && value.is_number()) ||
                      (tag == core + "bool" && value.is_bool()) ||
                      (tag == core + "null" && value.is_null()) || tag == core + "timestamp";
    if (!fits) return fault(node, "found \"" + text + "\" with the tag " + tag);
    return value;
  }

  Result<json::value> sequence(const YAML::Node& node, std::size_t depth) {
    json::array array;
    for (const auto& element : node) {
      ANTREA_TRY(json::value value, convert(element, depth + 1));
      array.push_back(std::move(value));
    }
    return json::value(std::move(array));
  }

  Result<json::value> map(const YAML::Node& node, std::size_t depth) {
    json::object object;
    std::vector<YAML::Node> merged;
    for (const auto& member : node) {
      if (!member.first.IsScalar()) return fault(member.first, "found a key that is no scalar");
      if (member.first.Tag() == "?" && member.first.Scalar() == "<<") {
        merged.push_back(member.second);
        continue;
      }
      ANTREA_TRY(json::value key, scalar(member.first));
      ANTREA_TRY(json::value value, convert(member.second, depth + 1));
      const std::string name =
          key.is_string() ? std::string(key.get_string()) : json::serialize(key);
      if (!object.emplace(name, std::move(value)).second)
        return fault(member.first, "found the key \"" + name + "\" a second time");
    }
    for (const auto& other : merged) ANTREA_CHECK(merge(other, object, depth));
    return json::value(std::move(object));
  }

  // "<<": what the maps behind it have and this one has not; earlier maps win.
  Result<> merge(const YAML::Node& node, json::object& into, std::size_t depth) {
    if (!node.IsMap() && !node.IsSequence())
      return fault(node, "found \"<<\" before something that is no map");
    ANTREA_TRY(json::value value, convert(node, depth + 1));
    if (value.is_object()) {
      for (auto& member : value.get_object()) into.emplace(member.key(), member.value());
      return {};
    }
    for (auto& each : value.get_array()) {
      if (!each.is_object()) return fault(node, "found \"<<\" before something that is no map");
      for (auto& member : each.get_object()) into.emplace(member.key(), member.value());
    }
    return {};
  }

  std::string_view source_;
  std::size_t count_ = 0;
};

// Counts documents and keeps nothing.
class DocumentCounter : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    line_ = mark.line;
    ++count_;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  std::size_t count() const { return count_; }
  int line() const { return line_; }

 private:
  std::size_t count_ = 0;
  int line_ = -1;
};

// yaml-cpp does not get past a stray "," between documents, but finds empty ones there without end.
// As a document begins on a line of its own, there are no more of them than lines.
Result<> expect_an_end(const std::string& text, std::string_view source) {
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentCounter documents;
  while (parser.HandleNextDocument(documents))
    if (documents.count() > lines + 1)
      return at_line(source, documents.line(), "found \",\" outside of any list or object");
  return {};
}

// An object of a kind "…List" stands for its items; those of a typed list lack their own type.
Result<> append_objects(json::value value, std::string_view source, int line,
                        std::vector<json::value>& objects) {
  if (value.is_null()) return {};
  auto* object = value.if_object();
  if (object == nullptr) return at_line(source, line, "found no object, expected one with a kind");
  const auto* kind = object->if_contains("kind");
  if (kind == nullptr || !kind->is_string() || kind->get_string().empty())
    return at_line(source, line, "found no kind, expected an object with apiVersion and kind");
  const auto* version = object->if_contains("apiVersion");
  if (version == nullptr || !version->is_string() || version->get_string().empty())
    return at_line(source, line,
                   "found no apiVersion, expected an object with apiVersion and kind");
  auto* items = object->if_contains("items");
  if (!kind->get_string().ends_with("List") || items == nullptr || !items->is_array()) {
    objects.push_back(std::move(value));
    return {};
  }
  const std::string list_kind(kind->get_string());
  const std::string item_kind = list_kind.substr(0, list_kind.size() - 4);
  const std::string item_version(version->get_string());
  json::array elements = std::move(items->get_array());
  for (auto& element : elements) {
    if (auto* item = element.if_object(); item != nullptr && !item_kind.empty()) {
      if (!item->contains("kind")) (*item)["kind"] = item_kind;
      if (!item->contains("apiVersion")) (*item)["apiVersion"] = item_version;
    }
    if (element.is_null()) return at_line(source, line, "found an empty item in a " + list_kind);
    ANTREA_CHECK(append_objects(std::move(element), source, line, objects));
  }
  return {};
}

// One or more JSON objects in a row; nothing if the text is not that.
std::optional<std::vector<json::value>> parse_json(std::string_view text) {
  std::vector<json::value> values;
  constexpr std::string_view kBlank = " \t\r\n";
  for (std::size_t at = text.find_first_not_of(kBlank); at < text.size();
       at = text.find_first_not_of(kBlank, at)) {
    json::stream_parser parser;
    boost::system::error_code error;
    at += parser.write_some(text.data() + at, text.size() - at, error);
    if (error || !parser.done()) return std::nullopt;
    values.push_back(parser.release());
  }
  return values;
}

}  // namespace

Result<std::vector<json::value>> decode_manifest(std::string_view text, std::string_view source) {
  std::vector<json::value> objects;
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && text[start] == '{') {
    if (auto values = parse_json(text)) {
      for (auto& value : *values)
        ANTREA_CHECK(append_objects(std::move(value), source, -1, objects));
      return objects;
    }
  }
  try {
    const std::string yaml(text);
    ANTREA_CHECK(expect_an_end(yaml, source));
    for (const auto& document : YAML::LoadAll(yaml)) {
      ANTREA_TRY(json::value value, YamlToJson(source).convert(document));
      ANTREA_CHECK(append_objects(std::move(value), source, document.Mark().line, objects));
    }
  } catch (const YAML::Exception& error) {
    return at_line(source, error.mark.line, error.msg);
  }
  return objects;
}

}  // namespace antrea::api
