#pragma once

#include <string>
#include <string_view>

#include "antrea/kube/http_server.h"

// The text of HTTP that needs no sockets.
namespace antrea::kube {

bool equals_ignoring_case(std::string_view a, std::string_view b);
/// "%41" and, in a query, "+": decoded. Broken escapes stay as they are.
std::string percent_decode(std::string_view text, bool in_query);
/// Splits "/path?a=b&c" and decodes both parts.
void parse_target(std::string_view target, std::string& path, HttpFields& query);
/// "Name: value\r\n"; control characters in the value become blanks.
void append_field(std::string& head, std::string_view name, std::string_view value);
/// Now, as the Date header has it.
std::string http_date();

}  // namespace antrea::kube
