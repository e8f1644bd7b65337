#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "antrea/kube/http_server.h"
#include "status.h"

namespace antrea::kube {

/// How a client wants objects shown.
struct Media {
  enum class Form : std::uint8_t { kPlain, kTable, kMetadata };
  Form form = Form::kPlain;
  std::string group_version = "meta.k8s.io/v1";  ///< of a Table or PartialObjectMetadata
  bool yaml = false;
};

/// One media range of an Accept header: "application/json;as=Table;v=v1;g=meta.k8s.io".
struct MediaRange {
  std::string type;  ///< lower case, without parameters
  HttpFields parameters;

  std::string_view parameter(std::string_view name) const;
};
std::vector<MediaRange> parse_accept(std::string_view accept);

/// The first range that can be served; 406 if there is none.
Outcome<Media> negotiate(std::string_view accept);

/// The body of a request as JSON; `expected` is the kind, for messages. 400 or 415.
Outcome<boost::json::value> decode_body(const HttpRequest& request, std::string_view expected);
/// By what a JSON text in YAML or JSON says, e.g. of an apply patch.
Outcome<boost::json::value> decode_yaml(const std::string& text);

/// Nested up to 160 levels.
Result<boost::json::value> parse_json(std::string_view text);
/// With two blanks a level, as `?pretty=true` shows it.
std::string to_pretty_json(const boost::json::value& value);

std::string base64url_encode(std::string_view bytes);
/// Error: kMalformed.
Result<std::string> base64url_decode(std::string_view text);

}  // namespace antrea::kube
