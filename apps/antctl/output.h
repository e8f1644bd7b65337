#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/result.h"

namespace antrea::antctl {

enum class Format { kTable, kJson, kYaml };
/// "table", "json" or "yaml". Error: kInvalidArgument.
Result<Format> parse_format(std::string_view text);

/// What a command found: rows for people, and the same as data.
struct Report {
  std::vector<std::string> columns;            ///< none: rows without headings
  std::vector<std::vector<std::string>> rows;  ///< one cell: a line of its own
  boost::json::value data;
  int exit_code = 0;  ///< of the process, where the answer is one that scripts branch on
};

/// A table has upper-case headings and columns as wide as their widest cell, as kubectl prints it.
std::string render(const Report& report, Format format);

}  // namespace antrea::antctl
