#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <cctype>

#include "../schema/json.h"
#include "antrea/kube/rest_client.h"

namespace antrea::kube {
namespace {

Errc code_of(int status, std::string_view reason) {
  switch (status) {
    case 400:
    case 422:
      return Errc::kInvalidArgument;
    case 401:
      return Errc::kUnauthenticated;
    case 403:
      return Errc::kPermissionDenied;
    case 404:
      return Errc::kNotFound;
    case 409:
      return reason == "AlreadyExists" ? Errc::kAlreadyExists : Errc::kConflict;
    case 410:
      return Errc::kExhausted;
    case 429:
      return Errc::kUnavailable;
    case 504:
      return Errc::kTimeout;
    default:
      return status >= 500 ? Errc::kUnavailable : Errc::kRejected;
  }
}

/// One line, not too long: what servers send may be a page of HTML.
std::string first_line(std::string_view text) {
  constexpr std::size_t kMost = 400;
  return std::string(text.substr(0, std::min(text.find('\n'), kMost)));
}

}  // namespace

Error status_error(const boost::json::object& status) {
  const auto code = static_cast<int>(integer_at(status, "code"));
  auto text = first_line(text_at(status, "message"));
  if (text.empty()) text = fmt::format("the API server answers {}", code);
  return make_error(code_of(code, text_at(status, "reason")), std::move(text));
}

Error status_error(const ApiResponse& response) {
  boost::system::error_code error;
  const auto body = boost::json::parse(response.body, error);
  if (!error && body.is_object() && text_at(body.get_object(), "kind") == "Status") {
    auto status = body.get_object();
    status["code"] = response.status;
    return status_error(status);
  }
  return make_error(
      code_of(response.status, {}),
      fmt::format("the API server answers {}: {}", response.status, first_line(response.body)));
}

std::string encode_query(
    std::initializer_list<std::pair<std::string_view, std::string_view>> parameters) {
  std::string query;
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    if (!query.empty()) query += '&';
    query += name;
    query += '=';
    for (const unsigned char c : value) {
      if (std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '~')
        query += static_cast<char>(c);
      else
        query += fmt::format("%{:02X}", c);
    }
  }
  return query;
}

}  // namespace antrea::kube
