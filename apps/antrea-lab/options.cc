#include "options.h"

#include <algorithm>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>
#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace antrea::app {

namespace po = boost::program_options;

Parsed::Parsed(const Command& command, const Args& args, po::options_description options,
               int min_positional, int max_positional) {
  options.add_options()("help,h", "show this help");
  const auto dashes = std::find(args.begin(), args.end(), "--");
  const Args mine(args.begin(), dashes);
  if (dashes != args.end()) behind_.assign(dashes + 1, args.end());

  po::options_description all;
  all.add(options);
  all.add_options()("argument", po::value<Args>());
  po::positional_options_description positional;
  positional.add("argument", -1);
  try {
    const auto style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(mine).options(all).positional(positional).style(style).run(),
              values_);
    po::notify(values_);
  } catch (const po::error& e) {
    throw UsageError(e.what());
  }
  help_ = has("help");
  if (help_) {
    std::cout << "usage: antrea-lab " << command.name << " " << command.usage << "\n\n"
              << command.description << "\n\n"
              << options;
    return;
  }
  if (has("argument")) positional_ = get<Args>("argument");
  const auto count = static_cast<int>(positional_.size());
  if (count < min_positional) throw UsageError("an argument is missing");
  if (max_positional >= 0 && count > max_positional)
    throw UsageError("one argument too many: '" + positional_.back() + "'");
}

std::vector<std::string> Parsed::list(const std::string& flag) const {
  std::vector<std::string> out;
  if (!has(flag)) return out;
  for (const auto& value : get<Args>(flag)) {  // --to a,b and --to a --to b
    for (std::size_t at = 0; at <= value.size();) {
      const auto comma = std::min(value.find(',', at), value.size());
      if (comma > at) out.push_back(value.substr(at, comma - at));
      at = comma + 1;
    }
  }
  return out;
}

std::string Parsed::lab() const {
  if (has("name")) return get<std::string>("name");
  const char* set = std::getenv("ANTREA_LAB");
  return set != nullptr && *set != '\0' ? set : "default";
}

po::options_description lab_options() {
  po::options_description options("options");
  options.add_options()("name,n", po::value<std::string>()->value_name("NAME"),
                        "the lab ($ANTREA_LAB, else \"default\")");
  return options;
}

int fail(const Command& command, const Error& error) {
  std::fprintf(stderr, "antrea-lab %s: %s\n", command.name, error.to_string().c_str());
  return 1;
}

}  // namespace antrea::app
