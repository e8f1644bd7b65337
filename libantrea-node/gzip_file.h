#pragma once

#include <string>

#include "antrea/base/result.h"

namespace antrea::node {

/// Puts `path`.gz in the place of `path`, in one step once it is whole. Error: kIo and others of
/// the system, naming the file; `path` is then as it was.
Result<> compress_file(const std::string& path);

}  // namespace antrea::node
