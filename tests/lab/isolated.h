#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "antrea/lab/namespace.h"

namespace antrea::lab {

/// Runs `body` as process 1 of namespaces of its own, so that whatever it makes or starts is gone
/// afterwards. Failed assertions inside fail the test.
template <typename F>
void isolated(F body) {
  std::fflush(nullptr);
  const pid_t outer = fork();
  ASSERT_GE(outer, 0);
  if (outer == 0) {
    if (auto left = leave_the_machine(); left.has_error()) {
      std::fprintf(stderr, "%s\n", left.error().to_string().c_str());
      _exit(2);
    }
    const pid_t inner = fork();
    if (inner == 0) {
      mount_own_proc();
      body();
      std::fflush(nullptr);
      _exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 0;
    waitpid(inner, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
  }
  int status = 0;
  waitpid(outer, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0) << "in the isolated process; see above";
}

/// A folder that goes with its owner.
class ScratchDir {
 public:
  ScratchDir() {
    char name[] = "/tmp/antrea-lab-test-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~ScratchDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace antrea::lab

/// Asserts that a Result has a value, or prints its error.
#define ASSERT_OK(result) ASSERT_TRUE((result).has_value()) << (result).error().to_string()
#define EXPECT_OK(result) EXPECT_TRUE((result).has_value()) << (result).error().to_string()
