#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "antrea/api/yaml.h"
#include "yaml_scalar.h"

namespace antrea::api {
namespace json = boost::json;
namespace {

// Whether the text needs no quotes: nothing in it is YAML syntax and it reads back as text.
bool is_plain(std::string_view text) {
  constexpr std::string_view kNotFirst = "!&*-?:,[]{}#|>@`\"'%=<";
  if (text.empty() || text.front() == ' ' || text.back() == ' ') return false;
  const bool dash_word = text.size() > 1 && text[0] == '-' && text[1] != ' ' && text[1] != '-';
  if (kNotFirst.find(text.front()) != std::string_view::npos && !dash_word) return false;
  if (text.back() == ':' || text.find(": ") != std::string_view::npos ||
      text.find(" #") != std::string_view::npos)
    return false;
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(text, control)) return false;
  // A date would be read as text here, but as a time by others.
  const bool date = text.size() >= 8 && text[4] == '-' &&
                    std::all_of(text.begin(), text.begin() + 4,
                                [](unsigned char c) { return c >= '0' && c <= '9'; });
  return !date && detail::resolve_plain_scalar(text).is_string();
}

// Whether the text can stand as lines below a "|".
bool is_block(std::string_view text) {
  const auto fits = [](unsigned char c) { return c == '\n' || (c >= 0x20 && c != 0x7f); };
  return text.find('\n') != std::string_view::npos && text.front() != ' ' && text.front() != '\n' &&
         std::ranges::all_of(text, fits);
}

class Printer {
 public:
  void print(const json::value& value, std::size_t indent) {
    if (const auto* object = value.if_object(); object != nullptr && !object->empty())
      return print_object(*object, indent, indent);
    if (const auto* array = value.if_array(); array != nullptr && !array->empty())
      return print_array(*array, indent, indent);
    print_scalar(value, indent);
  }

  std::string take() && { return std::move(out_); }

 private:
  // `first`: how far the first line is indented; less than `indent` if something stands there
  // already.
  void print_object(const json::object& object, std::size_t indent, std::size_t first) {
    std::vector<const json::key_value_pair*> members;
    for (const auto& member : object) members.push_back(&member);
    std::ranges::sort(members, {}, [](const auto* member) { return member->key(); });
    for (const auto* member : members) {
      out_.append(first, ' ');
      first = indent;
      print_text(member->key(), indent);
      out_ += ':';
      print_member(member->value(), indent);
    }
  }

  void print_member(const json::value& value, std::size_t indent) {
    if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
      out_ += '\n';
      print_object(*object, indent + 2, indent + 2);
    } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
      out_ += '\n';
      print_array(*array, indent, indent);
    } else {
      out_ += ' ';
      print_scalar(value, indent + 2);
    }
  }

  void print_array(const json::array& array, std::size_t indent, std::size_t first) {
    for (const auto& element : array) {
      out_.append(first, ' ');
      first = indent;
      out_ += "- ";
      if (const auto* object = element.if_object(); object != nullptr && !object->empty())
        print_object(*object, indent + 2, 0);
      else if (const auto* inner = element.if_array(); inner != nullptr && !inner->empty())
        print_array(*inner, indent + 2, 0);
      else
        print_scalar(element, indent + 2);
    }
  }

  void print_scalar(const json::value& value, std::size_t indent) {
    if (const auto* text = value.if_string())
      print_text(*text, indent, true);
    else if (const auto* number = value.if_double())
      out_ += fmt::format("{}", *number);
    else
      out_ += json::serialize(value);
    out_ += '\n';
  }

  void print_text(std::string_view text, std::size_t indent, bool may_be_block = false) {
    if (is_plain(text)) {
      out_ += text;
    } else if (may_be_block && is_block(text)) {
      print_block(text, indent);
    } else {
      out_ += json::serialize(json::string(text));  // JSON's quoting is YAML's
    }
  }

  void print_block(std::string_view text, std::size_t indent) {
    out_ += text.ends_with("\n\n") ? "|+" : text.ends_with('\n') ? "|" : "|-";
    if (text.ends_with('\n')) text.remove_suffix(1);
    while (true) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      out_ += '\n';
      if (!line.empty()) out_.append(indent, ' ').append(line);
      if (end == std::string_view::npos) return;
      text.remove_prefix(end + 1);
    }
  }

  std::string out_;
};

}  // namespace

std::string to_yaml(const json::value& json) {
  Printer printer;
  printer.print(json, 0);
  return std::move(printer).take();
}

}  // namespace antrea::api
