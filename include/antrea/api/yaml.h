#pragma once

#include <boost/json/fwd.hpp>
#include <string>

#include "antrea/base/export.h"

namespace antrea::api {

/// The value as kubectl prints it with `-o yaml`: block style, keys sorted, lists not indented,
/// texts quoted where they would be read back as something else. Ends in a newline.
ANTREA_API std::string to_yaml(const boost::json::value& json);

}  // namespace antrea::api
