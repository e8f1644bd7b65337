#pragma once

#include <functional>
#include <string>
#include <vector>

#include "antrea/lab/lab.h"
#include "antrea/lab/reach.h"

/// What several commands do.
namespace antrea::app {

/// Brings a lab up, telling on standard error what it is doing.
Result<> bring_up(const lab::LabDir& dir, unsigned nodes, bool hosts_only);

/// Creates or updates the objects of these files ("-" is standard input). Prints "Kind/name
/// created" and so on.
Result<> apply_files(const lab::LabDir& dir, const std::vector<std::string>& files);
Result<> delete_files(const lab::LabDir& dir, const std::vector<std::string>& files);
/// Returns once every Pod of the lab is Running.
Result<> await_pods(const lab::LabDir& dir);

/// Sends the probes that `choose` picks from what there is, in a process of its own (entering the
/// lab's namespaces is for good, and the caller may want to go on).
Result<std::vector<lab::Reach>> probe_lab(
    const lab::LabDir& dir,
    const std::function<Result<std::vector<lab::Reach>>(const lab::Inventory&)>& choose,
    const lab::ProberOptions& prober = {});

Result<std::string> read_input(const std::string& file);
Result<std::vector<lab::Reach>> read_expectation(const std::string& file);

}  // namespace antrea::app
