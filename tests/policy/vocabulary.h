#pragma once

#include <string>
#include <vector>

#include "antrea/api/core.h"

/// The few words that random clusters are made of, so that things meet.
namespace antrea::policy::testing {

inline const std::vector<std::string> kKeys{"app", "tier", "env"};
inline const std::vector<std::string> kValues{"x", "y", "z"};
inline const std::vector<std::string> kNamespaces{"red", "green", "blue"};
inline const std::vector<std::string> kPortNames{"web", "dns"};
inline const std::vector<int> kPorts{53, 80, 81, 443, 8080, 65535, 1};
inline const std::vector<api::Protocol> kProtocols{api::Protocol::kTcp, api::Protocol::kUdp,
                                                   api::Protocol::kSctp};
inline const std::vector<std::string> kAccounts{"default", "robot"};
inline const std::vector<std::string> kGroupNames{"g-1", "g-2", "g-3", "g-4"};
inline const std::vector<std::string> kServiceNames{"svc-1", "svc-2"};
inline const std::vector<std::string> kTierNames{"emergency", "platform", "application",
                                                 "baseline",  "gold",     "silver"};
inline const std::vector<std::string> kPatterns{"*.example.com", "www.example.com", "*",
                                                "api.*.org", "nobody.net"};
inline const std::vector<std::string> kNames{"www.example.com", "a.b.example.com", "example.com",
                                             "api.my.org", "other.net"};

}  // namespace antrea::policy::testing
