#include "output.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "antrea/api/yaml.h"

namespace antrea::antctl {
namespace {

std::string table(const Report& report) {
  std::vector<std::size_t> widths;
  for (const auto& column : report.columns) widths.push_back(column.size());
  for (const auto& row : report.rows) {
    if (row.size() == 1) continue;  // a line of its own
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  const auto put = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i)
      line += fmt::format("{:<{}}   ", cells[i], i < widths.size() ? widths[i] : 0);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  if (!report.columns.empty()) put(report.columns);
  for (const auto& row : report.rows) put(row);
  return text;
}

}  // namespace

Result<Format> parse_format(std::string_view text) {
  if (text == "table") return Format::kTable;
  if (text == "json") return Format::kJson;
  if (text == "yaml") return Format::kYaml;
  return make_error(Errc::kInvalidArgument,
                    fmt::format("--output \"{}\": expected table, json or yaml", text));
}

std::string render(const Report& report, Format format) {
  switch (format) {
    case Format::kJson:
      return boost::json::serialize(report.data) + "\n";
    case Format::kYaml:
      return api::to_yaml(report.data);
    case Format::kTable:
      break;
  }
  return table(report);
}

}  // namespace antrea::antctl
