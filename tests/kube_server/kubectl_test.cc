#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <thread>

// What a user does with a stock kubectl, against the server in a process of its own. Two kubectl:
// the one on PATH, and Debian 12's 1.20, whose path is in ANTREA_KUBECTL_120 (scripts/test provides
// it).
extern char** environ;

namespace antrea::kube {
namespace {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

std::string read_file(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A child process, ended when this goes. Its output goes to a file.
class Process {
 public:
  Process(std::vector<std::string> command, fs::path output) : output_(std::move(output)) {
    std::vector<char*> argv;
    for (auto& word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, 1, output_.c_str(), O_CREAT | O_TRUNC | O_WRONLY,
                                       0600);
    ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (::posix_spawnp(&id_, argv[0], &actions, nullptr, argv.data(), environ) != 0) id_ = -1;
    ::posix_spawn_file_actions_destroy(&actions);
  }
  ~Process() {
    if (id_ <= 0) return;
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool started() const { return id_ > 0; }
  std::string output() const { return read_file(output_); }
  /// The exit status; killed after two minutes.
  int wait() {
    const auto deadline = Clock::now() + std::chrono::minutes(2);
    int status = 0;
    while (::waitpid(id_, &status, WNOHANG) == 0) {
      if (Clock::now() > deadline) return -1;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    id_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t id_ = -1;
  fs::path output_;
};

struct Kubectl {
  std::string_view name;
  std::string (*path)();
};
void PrintTo(const Kubectl& each, std::ostream* os) { *os << each.name; }

class StockKubectl : public testing::TestWithParam<Kubectl> {
 protected:
  void SetUp() override {
    kubectl_ = GetParam().path();
    ASSERT_FALSE(kubectl_.empty())
        << "no kubectl: install Debian's kubernetes-client, unpacked anywhere, and set "
           "ANTREA_KUBECTL_120 to its usr/bin/kubectl; or put a kubectl on PATH";
    char folder[] = "/tmp/antrea-kubectl-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    ::setenv("HOME", folder, 1);
    ::unsetenv("KUBECONFIG");
    server_.emplace(std::vector<std::string>{ANTREA_KUBE_SERVE, folder_.string()},
                    folder_ / "server.log");
    ASSERT_TRUE(server_->started());
    expect_soon([&] { return fs::exists(folder_ / "kubeconfig"); });
  }
  void TearDown() override {
    if (HasFailure() && server_) std::cerr << "server: " << server_->output() << "\n";
    server_.reset();
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  void expect_soon(const std::function<bool()>& condition) {
    const auto deadline = Clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      ASSERT_LT(Clock::now(), deadline);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  std::vector<std::string> command(const std::vector<std::string>& words) const {
    std::vector<std::string> all{kubectl_, "--kubeconfig", (folder_ / "kubeconfig").string()};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }

  /// Runs kubectl; its output, if it ends as expected.
  std::string run(const std::vector<std::string>& words, int status = 0) {
    Process process(command(words), folder_ / "output");
    const int got = process.wait();
    std::string line;
    for (const auto& word : words) line += " " + word;
    EXPECT_EQ(got, status) << "kubectl" << line << "\n" << process.output();
    return process.output();
  }

  std::string file(std::string_view name, std::string_view text) {
    const auto path = folder_ / name;
    std::ofstream(path) << text;
    return path.string();
  }

  std::string kubectl_;
  fs::path folder_;
  std::optional<Process> server_;
};

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << text

constexpr std::string_view kPod = R"(apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  containers:
  - name: main
    image: registry.example/web:1
    ports:
    - containerPort: 80
)";
constexpr std::string_view kPolicy = R"(apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: allow
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
  - from: [{podSelector: {matchLabels: {role: front}}}]
    ports: [{port: 80, protocol: TCP}]
)";

TEST_P(StockKubectl, AppliesGetsAndDeletes) {
  const auto all = file("all.yaml", std::string(kPod) + "---\n" + std::string(kPolicy));
  auto out = run({"apply", "-f", all});
  EXPECT_HAS(out, "pod/web created");
  EXPECT_HAS(out, "networkpolicy.networking.k8s.io/allow created");
  out = run({"apply", "-f", all});
  EXPECT_HAS(out, "pod/web unchanged");
  EXPECT_HAS(out, "networkpolicy.networking.k8s.io/allow unchanged");
  const auto changed =
      file("changed.yaml",
           std::regex_replace(std::string(kPolicy), std::regex("port: 80, protocol: TCP"),
                              "port: 81, protocol: UDP"));
  EXPECT_HAS(run({"apply", "-f", changed}), "networkpolicy.networking.k8s.io/allow configured");
  EXPECT_EQ(run({"get", "netpol", "allow", "-o", "jsonpath={.spec.ingress[0].ports}"}),
            R"([{"port":81,"protocol":"UDP"}])");

  out = run({"get", "pods"});
  EXPECT_TRUE(std::regex_search(out, std::regex("NAME +READY +STATUS +RESTARTS +AGE\nweb ")))
      << out;
  EXPECT_HAS(run({"get", "pods", "-o", "wide"}), "NODE");
  EXPECT_HAS(run({"get", "pods", "-o", "yaml"}), "image: registry.example/web:1");
  EXPECT_HAS(run({"get", "pod/web", "-o", "json"}), "\"kind\": \"Pod\"");
  EXPECT_EQ(run({"get", "pods", "-o", "name"}), "pod/web\n");
  EXPECT_HAS(run({"get", "pods", "-A"}), "default");
  EXPECT_EQ(run({"get", "pods", "-l", "app=web", "-o", "name"}), "pod/web\n");
  EXPECT_EQ(run({"get", "pods", "-l", "app notin (web)", "-o", "name"}), "");
  EXPECT_EQ(run({"get", "pods", "--field-selector", "spec.nodeName=", "-o", "name"}), "pod/web\n");
  EXPECT_EQ(run({"get", "pods", "--field-selector", "spec.nodeName=x", "-o", "name"}), "");
  EXPECT_HAS(run({"get", "ns", "--show-labels"}), "kubernetes.io/metadata.name=kube-system");
  EXPECT_HAS(run({"get", "pods,netpol"}), "networkpolicy.networking.k8s.io/allow");
  EXPECT_HAS(run({"get", "pod", "none"}, 1), "(NotFound): pods \"none\" not found");

  EXPECT_HAS(run({"delete", "-f", all}), "pod \"web\" deleted");
  EXPECT_HAS(run({"get", "pods"}), "No resources found in default namespace.");
}

TEST_P(StockKubectl, ChangesObjects) {
  run({"apply", "-f", file("pod.yaml", kPod)});
  EXPECT_HAS(run({"label", "pod", "web", "tier=front"}), "pod/web labeled");
  EXPECT_HAS(run({"annotate", "pod", "web", "note=x"}), "pod/web annotated");
  EXPECT_HAS(run({"label", "pod", "web", "tier-"}), "pod/web");
  EXPECT_EQ(run({"get", "pod", "web", "-o", "jsonpath={.metadata.labels}"}), R"({"app":"web"})");

  run({"patch", "pod", "web", "-p",
       R"({"spec":{"containers":[{"name":"main","image":"registry.example/web:2"}]}})"});
  const std::vector<std::string> image{"get", "pod", "web", "-o",
                                       "jsonpath={.spec.containers[*].image}"};
  EXPECT_EQ(run(image), "registry.example/web:2");
  run({"patch", "pod", "web", "--type", "json", "-p",
       R"([{"op":"replace","path":"/spec/containers/0/image","value":"registry.example/web:3"}])"});
  EXPECT_EQ(run(image), "registry.example/web:3");
  run({"patch", "pod", "web", "--type", "merge", "-p", R"({"metadata":{"labels":{"x":"old"}}})"});
  EXPECT_EQ(run({"get", "pod", "web", "-o", "jsonpath={.metadata.labels.x}"}), "old");
  EXPECT_HAS(run({"set", "image", "pod/web", "main=registry.example/web:4"}), "image updated");
  EXPECT_EQ(run(image), "registry.example/web:4");

  const auto editor = file("editor", "#!/bin/sh\nsed -i 's/x: old/x: edited/' \"$1\"\n");
  fs::permissions(editor, fs::perms::owner_all);
  ::setenv("KUBE_EDITOR", editor.c_str(), 1);
  EXPECT_HAS(run({"edit", "pod", "web"}), "pod/web edited");
  ::unsetenv("KUBE_EDITOR");
  EXPECT_EQ(run({"get", "pod", "web", "-o", "jsonpath={.metadata.labels.x}"}), "edited");

  EXPECT_HAS(run({"replace", "--force", "-f", file("pod.yaml", kPod)}), "pod/web replaced");
  EXPECT_HAS(
      run({"apply", "--server-side", "--field-manager", "rec", "-f", file("netpol.yaml", kPolicy)}),
      "networkpolicy.networking.k8s.io/allow serverside-applied");
  const auto described = run({"describe", "pod", "web"});
  EXPECT_HAS(described, "registry.example/web:1");
  EXPECT_HAS(run({"describe", "netpol", "allow"}), "PodSelector:     app=web");
  EXPECT_HAS(run({"diff", "-f",
                  file("netpol2.yaml",
                       std::regex_replace(std::string(kPolicy), std::regex("front"), "back"))},
                 1),
             "+          role: back");
}

TEST_P(StockKubectl, CreatesByCommand) {
  EXPECT_HAS(run({"create", "namespace", "prod"}), "namespace/prod created");
  EXPECT_HAS(run({"-n", "prod", "create", "configmap", "c", "--from-literal", "a=b"}),
             "configmap/c created");
  EXPECT_HAS(run({"-n", "prod", "create", "secret", "generic", "s", "--from-literal", "a=b"}),
             "secret/s created");
  EXPECT_HAS(run({"-n", "prod", "create", "serviceaccount", "sa"}), "serviceaccount/sa created");
  EXPECT_HAS(run({"-n", "prod", "create", "service", "clusterip", "web", "--tcp", "80:8080"}),
             "service/web created");
  EXPECT_HAS(run({"-n", "prod", "run", "p", "--image", "x"}), "pod/p created");
  EXPECT_HAS(run({"-n", "prod", "expose", "pod", "p", "--port", "80"}), "service/p exposed");
  EXPECT_HAS(run({"-n", "prod", "get", "pods,services,configmaps,secrets,sa"}), "service/web");
  EXPECT_HAS(run({"-n", "none", "create", "configmap", "c"}, 1), "namespaces \"none\" not found");
  EXPECT_HAS(run({"auth", "can-i", "create", "pods"}), "yes");
  EXPECT_HAS(run({"delete", "namespace", "prod"}), "namespace \"prod\" deleted");
  EXPECT_HAS(run({"get", "pods", "-A"}), "No resources found");
  EXPECT_HAS(run({"get", "namespace", "prod"}, 1), "NotFound");
}

TEST_P(StockKubectl, Discovers) {
  const auto resources = run({"api-resources"});
  for (const auto* name : {"pods", "networkpolicies", "endpointslices", "leases", "namespaces"})
    EXPECT_HAS(resources, name);
  EXPECT_HAS(run({"api-versions"}), "networking.k8s.io/v1");
  EXPECT_HAS(run({"version"}), "Server Version");
  EXPECT_HAS(run({"explain", "networkpolicy.spec.ingress"}), "from");
  EXPECT_HAS(run({"explain", "pod.spec.containers.ports"}), "containerPort");
  EXPECT_HAS(run({"cluster-info"}), "is running at");
  EXPECT_EQ(run({"get", "--raw", "/healthz"}), "ok");
}

TEST_P(StockKubectl, NamesUnknownFieldsAndBadValues) {
  EXPECT_HAS(run({"apply", "-f",
                  file("bad.yaml",
                       std::regex_replace(std::string(kPod), std::regex("image:"), "imagee:"))},
                 1),
             "imagee");
  EXPECT_HAS(run({"apply", "-f",
                  file("bad2.yaml", std::regex_replace(std::string(kPod), std::regex("name: web"),
                                                       "name: Web_1"))},
                 1),
             "metadata.name: Invalid value: \"Web_1\"");
}

TEST_P(StockKubectl, WatchesAndWaits) {
  Process watch(command({"get", "pods", "-w"}), folder_ / "watch");
  Process wait(command({"wait", "--for=condition=Ready", "pod/web", "--timeout=60s"}),
               folder_ / "wait-early");
  run({"apply", "-f", file("pod.yaml", kPod)});
  expect_soon([&] { return watch.output().find("web ") != std::string::npos; });
  EXPECT_HAS(watch.output(), "Pending");
  Process ready(command({"wait", "--for=condition=Ready", "pod/web", "--timeout=60s"}),
                folder_ / "wait");
  run({"get", "--raw", "/api/v1/namespaces/default/pods/web/status"});
  const auto status =
      file("status.json",
           R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"default"},
      "status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}})");
  run({"replace", "--raw", "/api/v1/namespaces/default/pods/web/status", "-f", status});
  EXPECT_EQ(ready.wait(), 0) << ready.output();
  EXPECT_HAS(ready.output(), "pod/web condition met");
  expect_soon([&] { return watch.output().find("Running") != std::string::npos; });
  EXPECT_HAS(run({"delete", "pod", "web", "--timeout=60s"}), "pod \"web\" deleted");
}

std::string on_path() {
  for (const auto* folder : {"/usr/local/bin", "/usr/bin", "/bin"})
    if (fs::exists(fs::path(folder) / "kubectl")) return (fs::path(folder) / "kubectl").string();
  return {};
}
std::string from_environment() {
  const char* path = std::getenv("ANTREA_KUBECTL_120");
  return path && fs::exists(path) ? path : "";
}
INSTANTIATE_TEST_SUITE_P(All, StockKubectl,
                         testing::Values(Kubectl{"OnPath", on_path},
                                         Kubectl{"Debian120", from_environment}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace antrea::kube
