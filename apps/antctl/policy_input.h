#pragma once

#include <string>
#include <utility>
#include <vector>

#include "antrea/policy/manifest.h"
#include "manifest_input.h"

namespace antrea::antctl {

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
