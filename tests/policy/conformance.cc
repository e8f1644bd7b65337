#include "conformance.h"

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "antrea/api/json.h"

namespace antrea::conformance {
namespace {

namespace json = boost::json;

std::vector<std::string> texts(const json::object& object, std::string_view key) {
  std::vector<std::string> all;
  if (const auto* list = object.if_contains(key); list != nullptr && list->is_array())
    for (const auto& each : list->get_array()) all.emplace_back(each.as_string());
  return all;
}

/// "x/a" is in "x/a", "x/*" and "*".
bool is_in(const std::string& pod, const std::string& pattern) {
  return pattern == "*" || pattern == pod ||
         (pattern.ends_with("/*") && pod.starts_with(pattern.substr(0, pattern.size() - 1)));
}

Expectation expectation(const std::string& line) {
  Expectation read;
  std::string arrow;
  std::istringstream words(line);
  words >> read.from >> arrow >> read.to;
  if (read.to.ends_with(":")) {
    read.to.pop_back();
  } else {
    words >> read.traffic;
    read.traffic.pop_back();
  }
  words >> read.verdict;
  return read;
}

}  // namespace

std::string read_text(const std::string& file) {
  std::ifstream in(ANTREA_SOURCE_DIR "/tests/policy/conformance/" + file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string Step::verdict(const std::string& from, const std::string& to,
                          const Traffic& traffic) const {
  const std::string what = std::to_string(traffic.port) + "/" + traffic.protocol;
  std::string verdict = "allowed";
  for (const Expectation& each : expected)
    if (is_in(from, each.from) && is_in(to, each.to) &&
        (each.traffic.empty() || each.traffic == what))
      verdict = each.verdict;
  return verdict;
}

Result<std::vector<Case>> read_cases(const std::string& file, const AddressOf& address_of) {
  std::string text = read_text(file);
  const std::string mark = "ADDRESS-OF-";
  for (std::size_t at; (at = text.find(mark)) != std::string::npos;)
    text.replace(at, mark.size() + 3, address_of(text.substr(at + mark.size(), 3)));
  ANTREA_TRY(const auto documents, api::decode_manifest(text, file));
  std::vector<Case> cases;
  for (const json::value& document : documents) {
    const json::object& object = document.as_object();
    Case& made = cases.emplace_back();
    made.name = std::string(object.at("name").as_string());
    for (const json::value& each : object.at("steps").as_array()) {
      const json::object& step = each.as_object();
      Step& to = made.steps.emplace_back();
      if (const auto* objects = step.if_contains("objects")) to.objects = objects->as_array();
      to.gone = texts(step, "gone");
      to.relabelled = texts(step, "relabel");
      for (const std::string& line : texts(step, "expect"))
        to.expected.push_back(expectation(line));
    }
  }
  return cases;
}

}  // namespace antrea::conformance
