#pragma once

#include <boost/json/array.hpp>
#include <functional>
#include <string>
#include <vector>

#include "antrea/base/result.h"

/// The cases of tests/policy/conformance: what a cluster must do, as objects and a table of who may
/// talk to whom. kubernetes.yaml tells how they are written.
namespace antrea::conformance {

struct Traffic {
  std::uint16_t port;
  std::string protocol;
};
inline const std::vector<Traffic> kTraffic{{80, "TCP"}, {81, "TCP"}, {80, "UDP"}};

/// "x/a"
inline const std::vector<std::string> kPods{"x/a", "x/b", "x/c", "w/a", "w/b",
                                            "w/c", "z/a", "z/b", "z/c"};

/// "SOURCE > TARGET [TRAFFIC]: VERDICT"
struct Expectation {
  std::string from, to;  ///< "x/a", "x/*" or "*"
  std::string traffic;   ///< "80/TCP"; empty: all
  std::string verdict;   ///< "allowed", "dropped" or "rejected"
};

struct Step {
  boost::json::array objects;           ///< to be laid over those before
  std::vector<std::string> gone;        ///< "KIND NAMESPACE/NAME"
  std::vector<std::string> relabelled;  ///< "NAMESPACE/POD KEY=VALUE"
  std::vector<Expectation> expected;    ///< the last that fits counts; none: allowed

  std::string verdict(const std::string& from, const std::string& to, const Traffic& traffic) const;
};

struct Case {
  std::string name;
  std::vector<Step> steps;
};

using AddressOf = std::function<std::string(const std::string& pod)>;

/// Reads one file of the folder; `address_of` gives the address of "x/a".
Result<std::vector<Case>> read_cases(const std::string& file, const AddressOf& address_of);
/// One NetworkPolicy, with one thing of it changed at a time: its target, rules, peers and pairs of
/// peers, ports and pairs of ports; policies that contradict one another; changes of them and of
/// labels. What is expected is what tests/policy/oracle.h reads in them.
std::vector<Case> generate_cases(const AddressOf& address_of);
/// The text of one file of the folder.
std::string read_text(const std::string& file);

}  // namespace antrea::conformance
