#pragma once

#include <boost/json/value.hpp>
#include <string_view>

namespace antrea::api::detail {

/// What an unquoted YAML scalar stands for, as kubectl reads it (sigs.k8s.io/yaml: YAML 1.1 with
/// its booleans y, yes and on, octal 0777 and 0o777, hexadecimal, binary, digits parted by "_";
/// timestamps stay text).
boost::json::value resolve_plain_scalar(std::string_view text);

}  // namespace antrea::api::detail
