#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "antrea/policy/manifest.h"
#include "sources.h"

namespace antrea::antctl {

/// Stands for a live cluster where a file or folder could.
inline constexpr std::string_view kCluster = "cluster:";

using Objects = std::vector<policy::ObjectChange>;

/// The objects in files (or in all *.yaml, *.yml and *.json of folders), or of the live cluster,
/// that policies depend on; completed. An object takes the place of one of its kind and name before
/// it. What was made up is said on standard error. Errors name the file and the object.
Result<Objects> load_objects(const std::vector<std::string>& paths, const Sources& sources);

/// Two sets to be compared, each with `shared` before it; completed alike.
Result<std::pair<Objects, Objects>> load_sets(const std::vector<std::string>& shared,
                                              const std::string& old_path,
                                              const std::string& new_path, const Sources& sources);

}  // namespace antrea::antctl
