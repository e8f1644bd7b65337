#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <filesystem>

#include "antrea/kube/informer.h"
#include "antrea/kube/kubeconfig.h"
#include "tests/kube/recording.h"

namespace antrea::kube {
namespace {

using boost::json::object;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kConfig = R"(apiVersion: v1
kind: Config
current-context: one
clusters:
- name: c1
  cluster:
    server: https://[fd00::1]:6443/base/
    certificate-authority-data: UEVN
    tls-server-name: api
- name: c2
  cluster: {server: "http://10.0.0.1:8080", insecure-skip-tls-verify: true}
users:
- name: u1
  user: {token: secret}
- name: u2
  user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}
- name: u3
  user: {exec: {command: aws}}
- name: u4
  user: {client-certificate-data: Q0VSVA==}
contexts:
- name: one
  context: {cluster: c1, user: u1, namespace: demo}
- name: two
  context: {cluster: c2, user: u2}
- name: program
  context: {cluster: c2, user: u3}
- name: half
  context: {cluster: c2, user: u4}
- name: lost
  context: {cluster: c9, user: u1}
)";

TEST(Kubeconfig, ReadsTheCurrentContext) {
  const auto config = parse_kubeconfig(kConfig, "/etc");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->host, "fd00::1");
  EXPECT_EQ(config->port, 6443);
  EXPECT_EQ(config->base_path, "/base");
  EXPECT_EQ(config->ca, "PEM");
  EXPECT_EQ(config->server_name, "api");
  EXPECT_EQ(config->token, "secret");
  EXPECT_EQ(config->namespace_, "demo");
  EXPECT_EQ(config->url(), "https://[fd00::1]:6443/base");
}

TEST(Kubeconfig, ReadsANamedContextWithACertificate) {
  const auto config = parse_kubeconfig(kConfig, "/etc", "two");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_FALSE(config->tls);
  EXPECT_TRUE(config->skip_verification);
  EXPECT_EQ(config->certificate, "CERT");
  EXPECT_EQ(config->key, "KEY");
  EXPECT_EQ(config->namespace_, "default");
}

struct BadConfig {
  std::string_view name, context, text, object;
  Errc code;
};
void PrintTo(const BadConfig& c, std::ostream* os) { *os << c.name; }
constexpr BadConfig kBadConfigs[] = {
    {"NoSuchContext", "none", kConfig, "context \"none\"", Errc::kNotFound},
    {"NoSuchCluster", "lost", kConfig, "cluster \"c9\"", Errc::kNotFound},
    {"CredentialProgram", "program", kConfig, "user \"u3\"", Errc::kUnsupported},
    {"CertificateWithoutKey", "half", kConfig, "user \"u4\"", Errc::kMalformed},
    {"NoCurrentContext", "", "apiVersion: v1\nkind: Config\n", "kubeconfig", Errc::kNotFound},
};
class KubeconfigFaults : public testing::TestWithParam<BadConfig> {};
TEST_P(KubeconfigFaults, AreNamed) {
  const auto config = parse_kubeconfig(GetParam().text, "/etc", GetParam().context);
  ASSERT_TRUE(config.has_error());
  EXPECT_EQ(config.error().code, GetParam().code) << config.error().to_string();
  EXPECT_EQ(config.error().object, GetParam().object);
}
INSTANTIATE_TEST_SUITE_P(Refused, KubeconfigFaults, testing::ValuesIn(kBadConfigs),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Kubeconfig, RefusesWhatIsNoAddress) {
  for (const auto* url :
       {"", "10.0.0.1:6443", "ftp://host", "https://", "https://host:99999", "https://h ost"})
    EXPECT_TRUE(config_for_url(url).has_error()) << url;
  EXPECT_EQ(config_for_url("https://host")->port, 443);
}

TEST(Kubeconfig, WritesWhatItReads) {
  ClientConfig config;
  config.host = "127.0.0.1";
  config.port = 6443;
  config.ca = "-----BEGIN CERTIFICATE-----\nx\n";
  config.token = "12345";  // a text also where YAML would take it for a number
  config.namespace_ = "demo";
  const auto again = parse_kubeconfig(to_kubeconfig(config, "lab"), "/");
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(*again, config);
}

TEST(Kubeconfig, NamesTheFileThatIsNotThere) {
  const auto config = load_kubeconfig("/nowhere/config");
  ASSERT_TRUE(config.has_error());
  EXPECT_EQ(config.error().code, Errc::kNotFound);
  EXPECT_THAT(config.error().to_string(), HasSubstr("/nowhere/config"));
}

TEST(StatusError, TellsWhatToDo) {
  const auto code = [](int status, const std::string& body) {
    return status_error(ApiResponse{status, "application/json", body}).code;
  };
  EXPECT_EQ(code(404, R"({"kind":"Status","message":"pods \"a\" not found"})"), Errc::kNotFound);
  EXPECT_EQ(code(409, R"({"kind":"Status","reason":"AlreadyExists"})"), Errc::kAlreadyExists);
  EXPECT_EQ(code(409, R"({"kind":"Status","reason":"Conflict"})"), Errc::kConflict);
  EXPECT_EQ(code(410, "{}"), Errc::kExhausted);
  EXPECT_EQ(code(503, "<html>"), Errc::kUnavailable);
  EXPECT_EQ(status_error(ApiResponse{404, "", "404 page not found\nmore"}).cause,
            "the API server answers 404: 404 page not found");
}

TEST(EncodeQuery, EscapesValuesAndLeavesEmptyOnesOut) {
  EXPECT_EQ(encode_query({{"labelSelector", "a in (b, c)"}, {"limit", ""}, {"x", "1"}}),
            "labelSelector=a%20in%20%28b%2C%20c%29&x=1");
}

// ---- decoder

TEST(WatchDecoder, CutsARecordedWatchWhereverTheReadsWere) {
  const Recording recording{"watch/02-json-add-modify-delete-bookmark"};
  std::string stream;
  for (const auto& chunk : recording.document.at("response").at("chunks").as_array())
    stream += chunk.at("data").as_string();
  std::vector<std::string> whole;
  WatchDecoder decoder;
  const auto events = decoder.feed(stream);
  ASSERT_TRUE(events);
  for (const auto& event : *events) whole.push_back(boost::json::serialize(event));
  ASSERT_GT(whole.size(), 3U);
  for (const std::size_t size : {1U, 7U, 100U}) {
    WatchDecoder other;
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < stream.size(); at += size) {
      const auto part = other.feed(std::string_view(stream).substr(at, size));
      ASSERT_TRUE(part);
      for (const auto& event : *part) pieces.push_back(boost::json::serialize(event));
    }
    EXPECT_EQ(pieces, whole);
  }
}

TEST(WatchDecoder, RefusesWhatIsNoEvent) {
  for (const auto* bad : {"{\n", "[]\n", "nonsense\n", "{} {}\n"}) {
    WatchDecoder decoder;
    EXPECT_TRUE(decoder.feed(bad).has_error()) << bad;
  }
  WatchDecoder small(16);
  EXPECT_TRUE(small.feed(std::string(17, ' ')).has_error());
}

// ---- cache

object pod(std::string_view name, int version, std::string_view uid = "u") {
  return {{"metadata", object{{"namespace", "a"},
                              {"name", std::string(name)},
                              {"uid", std::string(uid)},
                              {"resourceVersion", std::to_string(version)}}}};
}

object list_of(std::initializer_list<object> items, int version, std::string_view next = "") {
  boost::json::array all;
  for (const auto& item : items) all.push_back(item);
  return {{"kind", "PodList"},
          {"apiVersion", "v1"},
          {"metadata",
           object{{"resourceVersion", std::to_string(version)}, {"continue", std::string(next)}}},
          {"items", std::move(all)}};
}

object event(std::string_view type, object inner) {
  return {{"type", std::string(type)}, {"object", std::move(inner)}};
}

std::vector<std::string> told(const std::vector<Change>& changes) {
  std::vector<std::string> texts;
  for (const auto& change : changes) {
    const char* sign = change.type == Change::Type::kAdded     ? "+"
                       : change.type == Change::Type::kUpdated ? "~"
                                                               : "-";
    texts.push_back(sign + std::string(change.object->at("metadata").at("name").as_string()));
  }
  return texts;
}

std::vector<Change> relist(WatchCache& cache, object page) {
  cache.begin_list();
  EXPECT_TRUE(cache.add_page(std::move(page)));
  return cache.finish_list();
}

TEST(WatchCache, TellsOnlyTheDifferenceOfASecondList) {
  WatchCache cache;
  EXPECT_THAT(told(relist(cache, list_of({pod("x", 1), pod("y", 2), pod("z", 3)}, 3))),
              ElementsAre("+x", "+y", "+z"));
  EXPECT_TRUE(cache.synced());
  EXPECT_THAT(told(relist(cache, list_of({pod("x", 1), pod("y", 9), pod("w", 4)}, 10))),
              ElementsAre("+w", "~y", "-z"));
  EXPECT_THAT(relist(cache, list_of({pod("x", 1), pod("y", 9), pod("w", 4)}, 11)), IsEmpty());
  EXPECT_EQ(cache.resource_version(), "11");
  EXPECT_EQ(cache.find("a/x")->at("kind").as_string(), "Pod");
}

TEST(WatchCache, KeepsWhatItHasWhileAListIsUnfinished) {
  WatchCache cache;
  relist(cache, list_of({pod("x", 1)}, 1));
  cache.begin_list();
  ASSERT_TRUE(cache.add_page(list_of({pod("y", 2)}, 2, "more")));
  EXPECT_EQ(cache.next_page(), "more");
  EXPECT_NE(cache.find("a/x"), nullptr);
  EXPECT_THAT(told(relist(cache, list_of({pod("x", 1)}, 3))), IsEmpty());
}

TEST(WatchCache, TellsAnObjectThatWasReplacedUnderItsName) {
  WatchCache cache;
  relist(cache, list_of({pod("x", 1, "old")}, 1));
  EXPECT_THAT(told(relist(cache, list_of({pod("x", 5, "new")}, 5))), ElementsAre("-x", "+x"));
}

TEST(WatchCache, FollowsEventsAndIgnoresRepeatedOnes) {
  WatchCache cache;
  relist(cache, list_of({pod("x", 1)}, 1));
  EXPECT_THAT(told(*cache.apply(event("ADDED", pod("x", 1)))), IsEmpty());
  EXPECT_THAT(told(*cache.apply(event("ADDED", pod("y", 2)))), ElementsAre("+y"));
  const auto changes = *cache.apply(event("MODIFIED", pod("x", 3)));
  ASSERT_THAT(told(changes), ElementsAre("~x"));
  EXPECT_EQ(changes[0].old->at("metadata").at("resourceVersion").as_string(), "1");
  EXPECT_THAT(told(*cache.apply(event("DELETED", pod("x", 4)))), ElementsAre("-x"));
  EXPECT_THAT(told(*cache.apply(event("DELETED", pod("x", 4)))), IsEmpty());
  EXPECT_THAT(
      *cache.apply(event("BOOKMARK", object{{"metadata", object{{"resourceVersion", "9"}}}})),
      IsEmpty());
  EXPECT_EQ(cache.resource_version(), "9");
  EXPECT_EQ(cache.size(), 1U);
}

TEST(WatchCache, TellsThatItsVersionIsTooOld) {
  const Recording recording{"watch/11-expired-410"};
  const auto& chunk = recording.document.at("response").at("chunks").at(0).at("data").as_string();
  WatchDecoder decoder;
  const auto events = decoder.feed(std::string_view(chunk));
  ASSERT_TRUE(events);
  WatchCache cache;
  const auto applied = cache.apply(events->at(0));
  ASSERT_TRUE(applied.has_error());
  EXPECT_EQ(applied.error().code, Errc::kExhausted);
}

TEST(WatchCache, RefusesWhatIsNeitherListNorEvent) {
  WatchCache cache;
  EXPECT_TRUE(cache.add_page({}).has_error());
  EXPECT_TRUE(cache.add_page({{"metadata", object{}}, {"items", 1}}).has_error());
  EXPECT_TRUE(cache.add_page({{"metadata", object{}}, {"items", boost::json::array{object{}}}})
                  .has_error());
  EXPECT_TRUE(cache.apply({}).has_error());
  EXPECT_TRUE(cache.apply(event("GONE", pod("x", 1))).has_error());
  EXPECT_TRUE(cache.apply(event("ADDED", {})).has_error());
}

TEST(WatchCache, KeepsTheTransformedObject) {
  WatchCache cache(drop_managed_fields);
  auto with_fields = pod("x", 1);
  with_fields["metadata"].as_object()["managedFields"] = boost::json::array{1};
  relist(cache, list_of({with_fields}, 1));
  EXPECT_FALSE(cache.find("a/x")->at("metadata").as_object().contains("managedFields"));
}

}  // namespace
}  // namespace antrea::kube
