#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "antrea/base/ip.h"

namespace antrea::apps {

/// The options of a daemon, each with what is expected of it. What is not as expected is thrown as
/// a boost::program_options::error, one line that names the option, where `read_command_line` reads
/// them. What is told of here must live until then.
class OptionList {
 public:
  /// Takes the text of an option; returns what is wrong with it, "" for nothing.
  using Read = std::function<std::string(const std::string& text)>;

  /// What a number has to be, both included.
  struct Range {
    std::uint64_t first = 0, last = 0;
  };

  void text(const char* name, std::string& to, const std::string& initial, const char* argument,
            const char* about) {
    add(name, boost::program_options::value(&to)->default_value(initial)->value_name(argument),
        about);
  }

  /// One of a few words.
  void word(const char* name, std::string& to, const std::string& initial,
            std::vector<std::string> known, const char* argument, const char* about) {
    parsed(name, initial, argument, about, [&to, known = std::move(known)](const auto& text) {
      to = text;
      if (std::ranges::find(known, text) != known.end()) return std::string();
      return fmt::format("expected one of {}", fmt::join(known, ", "));
    });
  }

  /// A text that is more than that: also the initial one is read.
  void parsed(const char* name, const std::string& initial, const char* argument, const char* about,
              Read read) {
    add(name,
        boost::program_options::value<std::string>()
            ->default_value(initial)
            ->value_name(argument)
            ->notifier([name = std::string(name), read = std::move(read)](const auto& text) {
              refuse_unless_good(name, text, read(text));
            }),
        about);
  }

  /// The same, once for each time that it is given.
  void each(const char* name, const char* argument, const char* about, Read read) {
    add(name,
        boost::program_options::value<std::vector<std::string>>()
            ->composing()
            ->value_name(argument)
            ->notifier([name = std::string(name), read = std::move(read)](const auto& texts) {
              for (const auto& text : texts) refuse_unless_good(name, text, read(text));
            }),
        about);
  }

  void cidrs(const char* name, std::vector<IpPrefix>& to, const char* about) {
    each(name, "CIDR", about, [&to](const std::string& text) {
      const auto cidr = IpPrefix::parse(text);
      if (!cidr) return "not a CIDR";
      to.push_back(*cidr);
      return "";
    });
  }

  template <typename Number>
  void number(const char* name, Number& to, Number initial, const char* argument,
              const char* about) {
    add(name, boost::program_options::value(&to)->default_value(initial)->value_name(argument),
        about);
  }

  /// `Number` is unsigned; `take` is handed one that is in the range.
  template <typename Number, typename Take>
  void number(const char* name, Number initial, Range range, const char* argument,
              const char* about, Take take) {
    add(name,
        boost::program_options::value<Number>()
            ->default_value(initial)
            ->value_name(argument)
            ->notifier([name = std::string(name), range, take](Number number) {
              if (number < range.first || number > range.last)
                throw boost::program_options::error(fmt::format("--{} {}: expected {} to {}", name,
                                                                number, range.first, range.last));
              take(number);
            }),
        about);
  }

  /// True where it is given.
  void flag(const char* name, bool& to, const char* about) {
    add(name, boost::program_options::bool_switch(&to), about);
  }
  /// False where it is given.
  void no_flag(const char* name, bool& to, const char* about) {
    add(name, boost::program_options::bool_switch()->notifier([&to](bool given) { to = !given; }),
        about);
  }
  /// True unless it is said to be false.
  void unless_false(const char* name, bool& to, const char* about) {
    add(name, boost::program_options::value(&to)->default_value(true, "true")->value_name("BOOL"),
        about);
  }

  const boost::program_options::options_description& description() const { return description_; }

 private:
  void add(const char* name, const boost::program_options::value_semantic* value,
           const char* about) {
    description_.add_options()(name, value, about);
  }

  static void refuse_unless_good(const std::string& name, const std::string& text,
                                 const std::string& cause) {
    if (!cause.empty())
      throw boost::program_options::error(fmt::format("--{} \"{}\": {}", name, text, cause));
  }

  boost::program_options::options_description description_;
};

}  // namespace antrea::apps
