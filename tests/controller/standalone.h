#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <thread>

extern char** environ;

/// A standalone controller, and a stock kubectl to drive it.
namespace antrea::controller {

namespace fs = std::filesystem;

struct Output {
  int status = -1;
  std::string text;  // standard output and error
};

inline Output run(const std::string& command) {
  Output output;
  FILE* const pipe = ::popen(("timeout 60 " + command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[4096];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe))
    output.text.append(buffer, count);
  const int status = ::pclose(pipe);
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return output;
}

inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

/// A controller with everything in memory.
class Standalone : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(run("which kubectl").status, 0) << "no kubectl on PATH";
    char folder[] = "/tmp/antrea-controller-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    const std::string program = ANTREA_BIN_DIR "/antrea-controller", config = kubeconfig();
    const char* const argv[] = {program.c_str(),    "--standalone", "--listen", "127.0.0.1:0",
                                "--kubeconfig-out", config.c_str(), nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    const std::string log = (folder_ / "log").string();
    ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_CREAT | O_WRONLY, 0600);
    ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
    ASSERT_EQ(::posix_spawn(&id_, program.c_str(), &actions, nullptr,
                            const_cast<char* const*>(argv), environ),
              0);
    ::posix_spawn_file_actions_destroy(&actions);
    ASSERT_TRUE(eventually([&] { return kubectl("get --raw /readyz").status == 0; }));
  }
  void TearDown() override {
    if (id_ > 0) {
      ::kill(id_, SIGTERM);
      ::waitpid(id_, nullptr, 0);
    }
    if (HasFailure()) std::cerr << std::ifstream(folder_ / "log").rdbuf();
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  std::string kubeconfig() const { return (folder_ / "kubeconfig").string(); }
  Output kubectl(const std::string& arguments) const {
    return run("env HOME=" + folder_.string() + " kubectl --kubeconfig " + kubeconfig() + " " +
               arguments);
  }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  void apply(const std::string& yaml) const {
    const auto applied = kubectl("apply -f " + file("manifest.yaml", yaml));
    ASSERT_EQ(applied.status, 0) << applied.text;
  }
  std::string refusal(const std::string& yaml) const {
    const auto applied = kubectl("apply -f " + file("manifest.yaml", yaml));
    EXPECT_EQ(applied.status, 1) << yaml;
    return applied.text;
  }

  pid_t id_ = -1;
  fs::path folder_;
};

// A text that begins with a brace would be JSON to kubectl.
inline std::string crd(const std::string& kind, const std::string& name, const std::string& spec) {
  return "apiVersion: crd.antrea.io/v1beta1\nkind: " + kind + "\nmetadata: {name: " + name +
         "}\nspec: " + spec + "\n";
}

}  // namespace antrea::controller
