#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "sources.h"

namespace antrea::antctl {

/// Stands for a live cluster where a file or folder could.
inline constexpr std::string_view kCluster = "cluster:";

/// What to ask a live cluster for.
struct Listing {
  const char* target;
  bool required;  ///< every cluster serves it
};

/// Hands on each object of a PATH: a file, all *.yaml, *.yml and *.json of a folder, or the
/// listings of the live cluster. Errors, those of `take` too, are one line and name file and
/// object.
Result<> read_manifests(const std::string& path, const Sources& sources,
                        std::span<const Listing> listings,
                        const std::function<Result<>(const boost::json::value& object)>& take);

}  // namespace antrea::antctl
