#include "documents.h"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "antrea/base/hash.h"
#include "antrea/kube/openapi.h"
#include "media.h"

namespace antrea::kube {
namespace json = boost::json;

namespace {
constexpr std::string_view kJson = "application/json";
// Asked for with an "@" in place of the second dot, which an answer's type must not have.
constexpr std::string_view kOpenApiV2Protobuf =
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

HttpResponse answer_with(const HttpRequest& request, std::string_view content_type,
                         const std::string& body, const std::string& etag, HttpFields more = {}) {
  HttpResponse response;
  response.headers = std::move(more);
  if (!etag.empty()) response.headers.emplace_back("Etag", etag);
  if (!etag.empty() && request.header("If-None-Match") == etag) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("Content-Type", content_type);
  response.body = body;
  return response;
}
}  // namespace

const Documents::Document& Documents::document(const std::string& key,
                                               std::string_view content_type,
                                               const std::function<std::string()>& make) {
  const auto it = documents_.find(key);
  if (it != documents_.end()) return it->second;
  Document made{std::string(content_type), make(), {}};
  made.etag = "\"" + sha1_hex(made.body) + "\"";
  return documents_.emplace(key, std::move(made)).first->second;
}

bool Documents::serves(std::string_view group, std::string_view version) const {
  return std::ranges::any_of(types_.all(), [&](const auto& type) {
    return type->group == group && (version.empty() || type->version == version);
  });
}

std::optional<HttpResponse> Documents::openapi_v3(const HttpRequest& request) {
  if (!openapi_v3_) {
    const auto documents = openapi_v3_documents(types_);
    openapi_v3_index_ = json::serialize(openapi_v3_index(documents));
    openapi_v3_.emplace(documents.begin(), documents.end());
  }
  constexpr std::string_view kRoot = "/openapi/v3";
  if (request.path == kRoot) return HttpResponse::json(200, openapi_v3_index_);
  const auto it = openapi_v3_->find(std::string_view(request.path).substr(kRoot.size() + 1));
  if (it == openapi_v3_->end()) return std::nullopt;
  // Addressed by the hash of its content, it never changes.
  HttpFields caching;
  if (request.parameter("hash")) caching.emplace_back("Cache-Control", "public, immutable");
  return answer_with(request, kJson, it->second, "\"" + sha1_hex(it->second) + "\"",
                     std::move(caching));
}

void Documents::list_too(std::vector<ResourceType> resources) {
  for (ResourceType& type : resources) elsewhere_.add(std::move(type));
  documents_.clear();
}

namespace {
json::object with_entries_of(json::object document, const json::object& other,
                             std::string_view key) {
  const json::array& more = other.at(key).as_array();
  json::array& entries = document.at(key).as_array();
  entries.insert(entries.end(), more.begin(), more.end());
  return document;
}
}  // namespace

/// "/api", "/apis" and what lies between them and the resources.
std::optional<HttpResponse> Documents::discovery(const HttpRequest& request) {
  std::string_view path = request.path;
  if (path.ends_with('/')) path.remove_suffix(1);
  const bool core = path == "/api";
  if (core || path == "/apis") {
    for (const auto& range : parse_accept(request.header("Accept"))) {
      const auto version = range.parameter("v");
      const bool aggregated = range.type == kJson &&
                              range.parameter("g") == "apidiscovery.k8s.io" &&
                              range.parameter("as") == "APIGroupDiscoveryList";
      if (!aggregated || (version != "v2" && version != "v2beta1")) {
        if (range.type == kJson && range.parameters.empty()) break;
        continue;
      }
      const std::string type = "application/json;g=apidiscovery.k8s.io;v=" + std::string(version) +
                               ";as=APIGroupDiscoveryList";
      const auto& made = document(std::string(path) + "?" + std::string(version), type, [&] {
        json::object document = aggregated_discovery(types_, core, version);
        if (core) return json::serialize(document);
        return json::serialize(with_entries_of(
            std::move(document), aggregated_discovery(elsewhere_, core, version), "items"));
      });
      return answer_with(request, type, made.body, made.etag, {{"Vary", "Accept"}});
    }
    const auto& made = document(std::string(path), kJson, [&] {
      return json::serialize(
          core ? api_versions_document(address_)
               : with_entries_of(api_group_list(types_), api_group_list(elsewhere_), "groups"));
    });
    return answer_with(request, kJson, made.body, {});
  }
  // "/api/v1", "/apis/GROUP", "/apis/GROUP/VERSION"
  std::string_view group, version;
  if (path.starts_with("/api/")) {
    version = path.substr(5);
  } else {
    const auto rest = path.substr(6);
    const auto slash = rest.find('/');
    group = rest.substr(0, slash);
    if (slash != rest.npos) version = rest.substr(slash + 1);
  }
  if (version.find('/') != version.npos) return std::nullopt;
  const bool whole_group = version.empty();
  json::object found =
      whole_group ? api_group(types_, group) : api_resource_list(types_, group, version);
  if (found.empty()) return std::nullopt;
  return HttpResponse::json(200, json::serialize(found));
}

std::optional<HttpResponse> Documents::answer(const HttpRequest& request) {
  const std::string_view path = request.path;
  if (path == "/version" || path == "/version/")
    return HttpResponse::json(200, to_pretty_json(version_document(version_suffix_)));
  if (path == "/openapi/v2") {
    const auto accept = request.header("Accept");
    if (accept.find("proto-openapi") != accept.npos) {
      const auto& made = document("/openapi/v2.pb", kOpenApiV2Protobuf,
                                  [&] { return openapi_v2_protobuf(openapi_v2_document(types_)); });
      return answer_with(request, made.content_type, made.body, made.etag);
    }
    const auto& made = document("/openapi/v2", kJson,
                                [&] { return json::serialize(openapi_v2_document(types_)); });
    return answer_with(request, kJson, made.body, made.etag);
  }
  if (path == "/openapi/v3" || path.starts_with("/openapi/v3/")) return openapi_v3(request);
  if (path == "/api" || path == "/apis" || path.starts_with("/api/") || path.starts_with("/apis/"))
    return discovery(request);
  return std::nullopt;
}

}  // namespace antrea::kube
