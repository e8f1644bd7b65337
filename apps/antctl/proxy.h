#pragma once

#include <map>
#include <string>
#include <vector>

#include "antrea/api/core.h"
#include "output.h"
#include "sources.h"

namespace antrea::antctl {

/// What the commands of `antctl proxy` look at.
struct ProxyObjects {
  std::map<api::ObjectKey, api::Service> services;
  std::map<api::ObjectKey, api::EndpointSlice> slices;
  std::map<api::ObjectKey, api::Pod> pods;
  std::map<std::string, api::Node> nodes;
};

/// From files, from all *.yaml, *.yml and *.json of folders, or from the live cluster ("cluster:").
/// Services with a selector that no EndpointSlice belongs to get one, made of the Pods that it
/// selects. Pods and Services without address get one from 198.18.0.0/15, which is said on standard
/// error. Errors name file and object.
Result<ProxyObjects> load_proxy_objects(const std::vector<std::string>& paths,
                                        const Sources& sources);

/// `antctl proxy ARGUMENTS...`; the exit code: 0 done, 1 failed, 2 not understood.
int run_proxy(const std::vector<std::string>& arguments);

}  // namespace antrea::antctl
