#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "antrea/kube/http_server.h"
#include "antrea/kube/resource_type.h"

namespace antrea::kube {

/// Discovery, OpenAPI and version: what a server tells of itself. Made at the first request, then
/// kept.
class Documents {
 public:
  Documents(const ResourceTypes& types, std::string address, std::string version_suffix)
      : types_(types), address_(std::move(address)), version_suffix_(std::move(version_suffix)) {}

  /// Discovery lists these as well; others serve them.
  void list_too(std::vector<ResourceType> resources);
  /// The answer to a GET, or nothing if the path is none of a document.
  std::optional<HttpResponse> answer(const HttpRequest& request);
  /// Group versions that are served beside `types`, so that "/apis" lists them.
  bool serves(std::string_view group, std::string_view version) const;

 private:
  struct Document {
    std::string content_type, body, etag;
  };
  const Document& document(const std::string& key, std::string_view content_type,
                           const std::function<std::string()>& make);
  std::optional<HttpResponse> openapi_v3(const HttpRequest& request);
  std::optional<HttpResponse> discovery(const HttpRequest& request);

  const ResourceTypes& types_;
  ResourceTypes elsewhere_;
  std::string address_, version_suffix_;
  std::map<std::string, Document> documents_;
  std::optional<std::map<std::string, std::string, std::less<>>> openapi_v3_;
  std::string openapi_v3_index_;
};

}  // namespace antrea::kube
