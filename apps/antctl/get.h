#pragma once

#include <span>
#include <string>
#include <string_view>

#include "output.h"
#include "sources.h"

namespace antrea::antctl {

/// What narrows a `get`.
struct Filter {
  std::string name;   ///< of one object: NAME, or NAMESPACE/NAME of a Pod
  std::string table;  ///< --table, of ovsflows
  std::string pod;    ///< --pod NAMESPACE/NAME, of ovsflows
};

/// One kind of thing that `antctl get` shows.
struct View {
  std::string_view name;
  std::string_view also;  ///< another name, mostly the plural
  std::string_view about;
  Result<Report> (*get)(const Sources& sources, const Filter& filter);
};

std::span<const View> views();
const View* find_view(std::string_view name);

}  // namespace antrea::antctl
