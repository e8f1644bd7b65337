#include <gmock/gmock.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <filesystem>

#include "antrea/base/asio.h"
#include "antrea/controlplane/client.h"
#include "antrea/controlplane/server.h"
#include "tests/controlplane/world.h"

// Server and client over real sockets.
namespace antrea::controlplane {
namespace {

using namespace api::controlplane;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace fs = std::filesystem;
using test::World;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// What the rule cache would know.
struct Known {
  std::map<std::string, NetworkPolicy> policies;
  std::map<std::string, std::vector<GroupMember>> address_groups, applied_to_groups;
  std::size_t full_sets = 0, batches = 0;
  std::vector<std::size_t> batch_sizes;

  Result<> apply(const std::vector<policy::RuleInput>& batch) {
    ++batches;
    batch_sizes.push_back(batch.size());
    for (const auto& input : batch) ANTREA_CHECK(std::visit(*this, input));
    return {};
  }

  Result<> operator()(const policy::PolicyUpserted& policy) {
    policies[policy->metadata.name] = *policy;
    return {};
  }
  Result<> operator()(const policy::PolicyDeleted& gone) {
    policies.erase(gone.name);
    return {};
  }
  Result<> operator()(const policy::AddressGroupUpserted& group) {
    address_groups[group->metadata.name] = group->members;
    return {};
  }
  Result<> operator()(const policy::AppliedToGroupUpserted& group) {
    applied_to_groups[group->metadata.name] = group->members;
    return {};
  }
  Result<> operator()(const policy::AddressGroupDeleted& gone) {
    address_groups.erase(gone.name);
    return {};
  }
  Result<> operator()(const policy::AppliedToGroupDeleted& gone) {
    applied_to_groups.erase(gone.name);
    return {};
  }
  Result<> operator()(const policy::AddressGroupPatched& patched) {
    return patch(patched.patch, address_groups);
  }
  Result<> operator()(const policy::AppliedToGroupPatched& patched) {
    return patch(patched.patch, applied_to_groups);
  }
  Result<> operator()(const policy::PoliciesReplaced& all) { return replace(all, policies); }
  Result<> operator()(const policy::AddressGroupsReplaced& all) {
    return replace(all, address_groups);
  }
  Result<> operator()(const policy::AppliedToGroupsReplaced& all) {
    return replace(all, applied_to_groups);
  }
  Result<> operator()(const auto&) { return make_error(Errc::kInternal, "no such input"); }

 private:
  template <typename All, typename Map>
  Result<> replace(const All& all, Map& map) {
    map.clear();
    ++full_sets;
    for (const auto& object : all.objects) ANTREA_CHECK((*this)(object));
    return {};
  }
  static Result<> patch(const GroupPatch& patch,
                        std::map<std::string, std::vector<GroupMember>>& groups) {
    const auto found = groups.find(patch.metadata.name);
    if (found == groups.end()) return make_error(Errc::kNotFound, "patch of an unknown group");
    api::controlplane::apply({patch.added, patch.removed}, found->second);
    return {};
  }
};

/// The real way, which breaks streams off after some bytes when it is told to, or says no more.
class CuttingTransport final : public kube::ApiTransport {
 public:
  explicit CuttingTransport(std::unique_ptr<kube::RestClient> real) : real_(std::move(real)) {}

  std::optional<std::size_t> cut_after, mute_after;
  std::size_t streams = 0;

  asio::awaitable<Result<kube::ApiResponse>> send(kube::ApiRequest request) override {
    return real_->send(std::move(request));
  }
  asio::awaitable<Result<>> stream(kube::ApiRequest request, kube::StreamSink sink,
                                   Duration idle) override {
    ++streams;
    std::size_t passed = 0;
    auto cutting = [this, &sink, &passed](std::string_view bytes) -> Result<> {
      if (cut_after && passed + bytes.size() > *cut_after) {
        ANTREA_CHECK(sink(bytes.substr(0, *cut_after - std::min(passed, *cut_after))));
        return make_error(Errc::kUnavailable, "the test cut the stream");
      }
      if (mute_after) bytes = bytes.substr(0, *mute_after - std::min(passed, *mute_after));
      passed += bytes.size();
      return sink(bytes);
    };
    co_return co_await real_->stream(std::move(request), cutting, idle);
  }

 private:
  std::unique_ptr<kube::RestClient> real_;
};

class Wire : public testing::Test {
 protected:
  Wire() {
    std::string name = fs::temp_directory_path() / "antrea-wire-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~Wire() override {
    stop_client();
    stop_server();
    io_.restart();
    io_.poll();
    fs::remove_all(folder_);
  }

  void start_server(std::uint64_t revision = 1, std::uint16_t port = 0) {
    ServerOptions options;
    options.store.first_revision = revision;
    options.on_status = [this](const NetworkPolicyStatus& status) { statuses_.push_back(status); };
    options.on_statistics = [this](const NodeStatsSummary& summary) {
      summaries_.push_back(summary);
    };
    server_ = std::make_unique<Server>(io_.get_executor(), options);
    kube::HttpServerOptions http;
    http.listen = Remote{Remote::Kind::kTcp, "127.0.0.1", port};
    auto started = kube::HttpServer::start(
        io_.get_executor(), std::move(http), [this](kube::HttpRequest request, auto exchange) {
          if (refused_ && request.path.ends_with(*refused_))
            return exchange.respond(kube::HttpResponse::json(
                404, R"({"kind":"Status","apiVersion":"v1","status":"Failure","code":404})"));
          server_->handle(std::move(request), std::move(exchange));
        });
    ASSERT_TRUE(started) << started.error().to_string();
    http_ = *std::move(started);
    port_ = http_->address().port;
  }
  void stop_server() {
    server_.reset();
    http_.reset();
  }

  std::unique_ptr<kube::RestClient> make_transport() {
    kube::ClientConfig config;
    config.host = "127.0.0.1";
    config.port = port_;
    config.tls = false;
    return *kube::RestClient::create(io_.get_executor(), config);
  }

  void start_client(const std::string& node = "n1") {
    if (!transport_) transport_ = std::make_unique<CuttingTransport>(make_transport());
    ClientOptions options;
    options.node = node;
    options.directory = folder_;
    options.first_retry = 5ms;
    options.most_retry = 20ms;
    options.patience = 50ms;
    options.on_rules = [this](const std::vector<policy::RuleInput>& batch) {
      if (refuse_batch_) {
        refuse_batch_ = false;
        return Result<>(make_error(Errc::kNotFound, "the test refuses"));
      }
      return known_.apply(batch);
    };
    options.on_evaluated = [this](auto pods) {
      evaluated_.push_back(std::move(pods));
      policies_when_evaluated_ = known_.policies.size();
      egress_groups_when_evaluated_ = egress_groups_.size();
    };
    options.on_egress_groups = [this](const auto& groups) { egress_groups_ = groups; };
    client_ = std::make_unique<Client>(*transport_, options);
    asio::co_spawn(io_, client_->run(),
                   asio::bind_cancellation_slot(
                       stop_.slot(), [this](std::exception_ptr) { client_ended_ = true; }));
    client_ended_ = false;
  }
  void stop_client() {
    if (!client_) return;
    stop_.emit(asio::cancellation_type::terminal);
    EXPECT_TRUE(until([this] { return client_ended_; }));
    client_.reset();
    transport_.reset();
  }

  /// Runs everything until the condition holds; false if it does not within ten seconds.
  bool until(const std::function<bool()>& condition, Duration patience = 10s) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    io_.restart();
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      io_.run_one_for(20ms);
      if (io_.stopped()) io_.restart();
    }
    return true;
  }

  template <typename T>
  T run(asio::awaitable<T> task) {
    std::optional<T> result;
    asio::co_spawn(io_, std::move(task), [&result](std::exception_ptr error, T value) {
      if (!error) result = std::move(value);
    });
    EXPECT_TRUE(until([&result] { return result.has_value(); }));
    return *std::move(result);
  }

  kube::ApiResponse get(const std::string& target, const std::string& accept = "application/json") {
    const auto transport = make_transport();
    kube::ApiRequest request;
    request.target = "/apis/controlplane.antrea.io" + target;
    request.accept = accept;
    auto response = run(transport->send(std::move(request)));
    EXPECT_TRUE(response) << response.error().to_string();
    return response ? *response : kube::ApiResponse{};
  }

  bool knows(const World& world, const std::string& node) const {
    std::map<std::string, NetworkPolicy> policies;
    std::map<std::string, std::vector<GroupMember>> address_groups, applied;
    for (const auto& [name, each] : world.policies)
      if (each.second.contains(node)) policies[name] = each.first;
    for (const auto& [name, each] : world.address_groups)
      if (each.second.contains(node)) address_groups[name] = {each.first.begin(), each.first.end()};
    for (const auto& [name, by_node] : world.applied_to_groups)
      if (const auto found = by_node.find(node); found != by_node.end())
        applied[name] = {found->second.begin(), found->second.end()};
    std::map<std::string, std::vector<GroupMember>> egress, known_egress;
    for (const auto& [name, by_node] : world.egress_groups)
      if (const auto found = by_node.find(node); found != by_node.end())
        egress[name] = {found->second.begin(), found->second.end()};
    for (const auto& [name, group] : egress_groups_) known_egress[name] = group.members;
    return known_.policies == policies && known_.address_groups == address_groups &&
           known_.applied_to_groups == applied && known_egress == egress;
  }

  static Changes one_policy(const std::string& name) {
    auto policy = std::make_shared<NetworkPolicy>();
    policy->metadata.name = policy->metadata.uid = name;
    return {.policies = {{policy, {"n1"}, {}}}};
  }

  asio::io_context io_;
  fs::path folder_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<kube::HttpServer> http_;
  std::uint16_t port_ = 0;
  std::unique_ptr<CuttingTransport> transport_;
  std::unique_ptr<Client> client_;
  asio::cancellation_signal stop_;
  bool client_ended_ = false;
  bool refuse_batch_ = false;
  std::optional<std::string> refused_;
  Known known_;
  std::map<std::string, EgressGroup> egress_groups_;
  std::vector<NetworkPolicyStatus> statuses_;
  std::vector<NodeStatsSummary> summaries_;
  std::vector<std::optional<std::vector<EvaluatedPod>>> evaluated_;
  std::size_t policies_when_evaluated_ = 0, egress_groups_when_evaluated_ = 0;
};

TEST_F(Wire, TheClientFollowsTheWorld) {
  start_server();
  World world(1);
  for (int i = 0; i < 20; ++i) server_->publish(world.step());
  start_client();
  ASSERT_TRUE(until([this] { return client_->connected(); }));
  EXPECT_THAT(known_.batch_sizes, ElementsAre(3));  // one batch, so that one bundle can hold it
  EXPECT_TRUE(client_->synced());
  for (int i = 0; i < 50; ++i) {
    server_->publish(world.step());
    ASSERT_TRUE(until([&] { return knows(world, "n1"); })) << i;
  }
  EXPECT_EQ(known_.full_sets, 3U);
}

TEST_F(Wire, CutStreamsLoseNothing) {
  start_server();
  World world(2);
  start_client();
  server_->publish(world.step());
  ASSERT_TRUE(until([this] { return client_->connected(); }));
  for (std::size_t i = 0; i < 30; ++i) {
    transport_->cut_after = i * 37;
    const std::size_t before = transport_->streams;
    ASSERT_TRUE(until([&] {
      server_->publish(world.step());
      return transport_->streams > before + 2;
    }));
    transport_->cut_after.reset();
    ASSERT_TRUE(until([&] { return client_->connected() && knows(world, "n1"); })) << i;
  }
  EXPECT_GT(known_.full_sets, 10U);
}

TEST_F(Wire, NothingIsTakenBackWhileTheControllerIsAway) {
  start_server();
  server_->publish(one_policy("p"));
  start_client();
  ASSERT_TRUE(until([this] { return known_.policies.contains("p"); }));
  stop_server();
  ASSERT_TRUE(until([this, before = transport_->streams] {
    return !client_->connected() && transport_->streams > before + 3;
  }));
  EXPECT_TRUE(known_.policies.contains("p"));
  // The next controller knows nothing yet and must not be believed to know that there is nothing.
  start_server(1000, port_);
  ASSERT_TRUE(
      until([this, before = transport_->streams] { return transport_->streams > before + 3; }));
  EXPECT_TRUE(known_.policies.contains("p"));
  server_->publish(one_policy("q"));
  ASSERT_TRUE(until([this] { return known_.policies.contains("q"); }));
  EXPECT_FALSE(known_.policies.contains("p"));
}

TEST_F(Wire, ARefusedBatchBeginsTheWatchAnew) {
  start_server();
  server_->publish({});
  start_client();
  ASSERT_TRUE(until([this] { return client_->connected(); }));
  refuse_batch_ = true;
  server_->publish(one_policy("p"));
  ASSERT_TRUE(until([this] { return known_.policies.contains("p"); }));
  EXPECT_EQ(known_.full_sets, 4U);
}

TEST_F(Wire, AStartWithoutControllerTakesTheFiles) {
  start_server();
  World world(3);
  for (int i = 0; i < 30; ++i) server_->publish(world.step());
  start_client();
  ASSERT_TRUE(until([this] { return client_->connected(); }));
  for (int i = 0; i < 30; ++i) server_->publish(world.step());
  ASSERT_TRUE(until([&] { return knows(world, "n1"); }));
  stop_client();
  stop_server();
  known_ = {};
  start_client();
  ASSERT_TRUE(until([this] { return client_->synced(); }));
  EXPECT_FALSE(client_->connected());
  EXPECT_TRUE(knows(world, "n1"));
}

TEST_F(Wire, WithoutControllerAndFilesNothingIsKnown) {
  start_server();  // publishes nothing
  start_client();
  ASSERT_TRUE(until([this] { return transport_->streams > 8; }));
  EXPECT_FALSE(client_->synced());
  EXPECT_EQ(known_.batches, 0U);
  server_->publish({});
  EXPECT_TRUE(until([this] { return client_->synced(); }));
}

// Egress: antrea #3360, #3378.
TEST_F(Wire, EvaluatedPodsComeAfterTheirPoliciesAndEgressGroups) {
  start_server();
  server_->publish({});
  start_client();
  ASSERT_TRUE(until([this] { return client_->connected() && !evaluated_.empty(); }));
  EXPECT_TRUE(evaluated_.back()->empty());
  for (int i = 0; i < 20; ++i) {
    Changes changes = one_policy("p" + std::to_string(i));
    const api::ObjectKey pod{"ns", "pod" + std::to_string(i)};
    changes.evaluated_pods = {{"n1", {{pod, "u"}}, {}}};
    changes.egress_groups = {{{"e" + pod.name, false, {{"n1", {.key = pod}}}, {}}}};
    server_->publish(changes);
    const std::size_t count = static_cast<std::size_t>(i) + 1;
    ASSERT_TRUE(until([&] { return evaluated_.back()->size() == count; })) << i;
    EXPECT_EQ(policies_when_evaluated_, count);
    EXPECT_EQ(egress_groups_when_evaluated_, count);
  }
  server_->publish({.evaluated_pods = {{"n1", {}, {{{"ns", "pod0"}, "u"}}}}});
  EXPECT_TRUE(until([&] { return evaluated_.back()->size() == 19; }));
}

TEST_F(Wire, AControllerThatTellsNoEvaluatedPodsIsNoticed) {
  refused_ = "/evaluatedpods";
  start_server();
  server_->publish({});
  start_client();
  ASSERT_TRUE(until([this] { return !evaluated_.empty(); }));
  EXPECT_EQ(evaluated_.back(), std::nullopt);
  EXPECT_TRUE(until([this] { return client_->connected(); }));
}

// A watch that tells objects and never that these were all kept Pods without network for ever.
TEST_F(Wire, AWatchWithoutBookmarkBeginsAnew) {
  start_server();
  server_->publish(one_policy("p"));
  start_client();
  ASSERT_TRUE(until([this] { return client_->connected(); }));  // and files are there
  stop_client();
  known_ = {};
  transport_ = std::make_unique<CuttingTransport>(make_transport());
  transport_->mute_after = 20;
  start_client();
  ASSERT_TRUE(until([this] { return client_->synced(); })) << "the files are better than nothing";
  EXPECT_FALSE(client_->connected());
  EXPECT_TRUE(known_.policies.contains("p"));
  ASSERT_TRUE(until([this] { return transport_->streams > 10; }));
  transport_->mute_after.reset();
  server_->publish(one_policy("q"));
  EXPECT_TRUE(until([this] { return client_->connected() && known_.policies.contains("q"); }));
  // Once everything was told, silence is as it should be.
  const std::size_t streams = transport_->streams;
  EXPECT_FALSE(until([&] { return transport_->streams > streams; }, 200ms));
}

TEST_F(Wire, StatusIsReported) {
  start_server();
  server_->publish({});
  start_client();
  NetworkPolicyStatus status;
  status.metadata.name = "p";
  status.nodes = {{"n1", 3, false, {}}};
  const auto reported = run(client_->report(status));
  EXPECT_TRUE(reported) << reported.error().to_string();
  EXPECT_THAT(statuses_, ElementsAre(status));

  NodeStatsSummary summary;
  summary.metadata.name = "n1";
  summary.network_policies = {{{{}, "shop", "p", "p"}, {3, 30, 1}, {}}};
  const auto counted = run(client_->report(summary));
  EXPECT_TRUE(counted) << counted.error().to_string();
  EXPECT_THAT(summaries_, ElementsAre(summary));
}

TEST_F(Wire, ApiAnswers) {
  start_server();
  const std::string all = "/v1beta2/networkpolicies";
  EXPECT_EQ(get(all).status, 503);
  EXPECT_THAT(get("").body, testing::HasSubstr("\"kind\":\"APIGroup\""));
  EXPECT_THAT(get("/v1beta2").body, testing::HasSubstr("\"name\":\"addressgroups\""));
  server_->publish(one_policy("p"));
  server_->publish(one_policy("q"));

  const auto names = [](const kube::ApiResponse& response, Format format) {
    std::vector<std::string> names;
    const auto objects = decode_list<NetworkPolicy>(response.body, format);
    if (objects)
      for (const auto& object : *objects) names.push_back(object.metadata.name);
    return names;
  };
  EXPECT_THAT(names(get(all), Format::kJson), ElementsAre("p", "q"));
  const auto protobuf = get(all, "application/vnd.kubernetes.protobuf,application/json");
  EXPECT_EQ(protobuf.content_type, "application/vnd.kubernetes.protobuf");
  EXPECT_THAT(names(protobuf, Format::kProtobuf), ElementsAre("p", "q"));
  EXPECT_THAT(names(get(all + "?fieldSelector=metadata.name%3Dq"), Format::kJson),
              ElementsAre("q"));
  EXPECT_THAT(names(get(all + "?fieldSelector=nodeName%3Dn1"), Format::kJson),
              ElementsAre("p", "q"));
  EXPECT_THAT(names(get(all + "?fieldSelector=nodeName%3Dn2"), Format::kJson), IsEmpty());
  EXPECT_EQ(decode_as<NetworkPolicy>(get(all + "/p").body, Format::kJson)->metadata.name, "p");

  EXPECT_EQ(get(all + "/none").status, 404);
  EXPECT_EQ(get("/v1beta2/pods").status, 404);
  EXPECT_EQ(get("/v1/networkpolicies").status, 404);
  EXPECT_EQ(get(all + "/p/status").status, 405);
  EXPECT_EQ(get(all, "text/html").status, 406);
  const auto bad = get(all + "?fieldSelector=spec.x%3D1");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(decode_as<api::Status>(bad.body, Format::kJson)->reason, "BadRequest");
  EXPECT_EQ(get(all + "?watch=1&timeoutSeconds=1").status, 200);  // ends by itself
}

}  // namespace
}  // namespace antrea::controlplane
