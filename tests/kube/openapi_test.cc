#include "antrea/kube/openapi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <set>

#include "antrea/kube/builtin_types.h"
#include "tests/kube/recording.h"

namespace antrea::kube {
namespace {

using boost::json::object;
using boost::json::value;

const ResourceTypes& types() {
  static const auto kTypes = make_builtin_types();
  return kTypes;
}

/// What both list, but for singular names and storage hashes.
void expect_same_resources(const object& got, const object& recorded) {
  EXPECT_EQ(got.at("groupVersion"), recorded.at("groupVersion"));
  std::size_t compared = 0;
  for (const auto& entry : got.at("resources").as_array()) {
    for (const auto& want : recorded.at("resources").as_array()) {
      if (want.at("name") != entry.at("name")) continue;
      ++compared;
      for (const auto* key : {"namespaced", "kind", "verbs", "shortNames", "categories", "group"}) {
        const auto* a = entry.as_object().if_contains(key);
        const auto* b = want.as_object().if_contains(key);
        EXPECT_EQ(a == nullptr ? value() : *a, b == nullptr ? value() : *b)
            << entry.at("name").as_string().c_str() << " " << key;
      }
    }
  }
  EXPECT_EQ(compared, got.at("resources").as_array().size());
}

TEST(Discovery, ListsResourcesAsTheRealServerDoes) {
  expect_same_resources(api_resource_list(types(), "", "v1"),
                        Recording("discovery/06-core-v1").response_body());
  expect_same_resources(api_resource_list(types(), "networking.k8s.io", "v1"),
                        Recording("discovery/08-networking-v1").response_body());
  EXPECT_TRUE(api_resource_list(types(), "networking.k8s.io", "v2").empty());
  EXPECT_TRUE(api_group(types(), "no.such.group").empty());
}

TEST(Discovery, AggregatesTheSameResources) {
  std::set<std::string> classic, aggregated;
  const auto groups = api_group_list(types());
  for (const auto& group : groups.at("groups").as_array())
    classic.emplace(group.at("name").as_string());
  const auto document = aggregated_discovery(types(), false, "v2");
  EXPECT_EQ(document.at("apiVersion").as_string(), "apidiscovery.k8s.io/v2");
  for (const auto& item : document.at("items").as_array())
    aggregated.emplace(item.at("metadata").at("name").as_string());
  EXPECT_EQ(classic, aggregated);
  const auto core = aggregated_discovery(types(), true, "v2beta1");
  const auto& resources = core.at("items").at(0).at("versions").at(0).at("resources").as_array();
  EXPECT_EQ(resources.size(), 9U);
}

/// Every "$ref" of the document leads to a definition.
void check_references(const value& at, const std::string& prefix, const object& definitions) {
  if (const auto* list = at.if_array()) {
    for (const auto& item : *list) check_references(item, prefix, definitions);
  } else if (const auto* map = at.if_object()) {
    for (const auto& [key, item] : *map) {
      if (key == "$ref" && item.is_string()) {
        const std::string ref(item.get_string());
        ASSERT_TRUE(ref.starts_with(prefix)) << ref;
        EXPECT_TRUE(definitions.contains(ref.substr(prefix.size()))) << ref;
      } else {
        check_references(item, prefix, definitions);
      }
    }
  }
}

TEST(OpenApi, RefersOnlyToWhatItDefines) {
  const auto v2 = openapi_v2_document(types());
  check_references(v2, "#/definitions/", v2.at("definitions").as_object());
  const auto documents = openapi_v3_documents(types());
  EXPECT_EQ(documents.size(), 4U);
  for (const auto& [path, text] : documents) {
    const auto document = boost::json::parse(text);
    check_references(document, "#/components/schemas/",
                     document.at("components").at("schemas").as_object());
  }
}

TEST(OpenApi, MarksKindsAndMergeKeys) {
  const auto v2 = openapi_v2_document(types());
  const auto& pod = v2.at("definitions").at("io.k8s.api.core.v1.Pod");
  EXPECT_EQ(pod.at("x-kubernetes-group-version-kind").at(0).at("kind").as_string(), "Pod");
  const auto& containers =
      v2.at("definitions").at("io.k8s.api.core.v1.PodSpec").at("properties").at("containers");
  EXPECT_EQ(containers.at("x-kubernetes-patch-merge-key").as_string(), "name");
  const auto& patch = v2.at("paths").at("/api/v1/namespaces/{namespace}/pods/{name}").at("patch");
  EXPECT_EQ(patch.at("x-kubernetes-group-version-kind").at("kind").as_string(), "Pod");
}

TEST(OpenApi, AddressesDocumentsByTheirContent) {
  std::vector<std::pair<std::string, std::string>> documents = {{"api/v1", "{}"}};
  const auto first = openapi_v3_index(documents);
  documents[0].second = "{ }";
  const auto second = openapi_v3_index(documents);
  const auto& url = first.at("paths").at("api/v1").at("serverRelativeURL").as_string();
  EXPECT_TRUE(url.starts_with("/openapi/v3/api/v1?hash="));
  EXPECT_NE(first, second);
}

/// A reader of the wire format that knows nothing of the message.
bool is_proto(std::string_view bytes, int depth = 0) {
  const auto varint = [&](std::uint64_t& out) {
    out = 0;
    for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      out |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  };
  while (!bytes.empty()) {
    std::uint64_t tag = 0, size = 0;
    if (!varint(tag) || tag >> 3 == 0) return false;
    if ((tag & 7) == 0) {
      if (!varint(size)) return false;
    } else if ((tag & 7) == 2) {
      if (!varint(size) || size > bytes.size()) return false;
      if (depth == 0 && tag >> 3 > 1 && !is_proto(bytes.substr(0, size), 1)) return false;
      bytes.remove_prefix(size);
    } else {
      return false;
    }
  }
  return true;
}

TEST(OpenApi, HasAProtobufForm) {
  const auto bytes = openapi_v2_protobuf(openapi_v2_document(types()));
  EXPECT_TRUE(is_proto(bytes));
  EXPECT_TRUE(
      bytes.starts_with("\x0a\x03"
                        "2.0"));
  EXPECT_NE(bytes.find("io.k8s.api.core.v1.PodSpec"), std::string::npos);
  EXPECT_NE(bytes.find("x-kubernetes-patch-merge-key"), std::string::npos);
}

}  // namespace
}  // namespace antrea::kube
