// The house has floors: a library uses only what stands below it. This test reads the #include
// lines and says who climbs.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

/// Which of our libraries each one may include.
const std::map<std::string, Names> kAllowed{
    {"base", {}},
    {"openflow", {"base"}},
    {"ovsdb", {"base"}},
    {"api", {"base"}},
    {"kube", {"api", "base"}},
    {"ipam", {"api", "base"}},
    {"egress", {"ipam", "api", "base"}},
    {"proxy", {"openflow", "api", "base"}},
    {"policy", {"openflow", "api", "base"}},
    {"controlplane", {"policy", "kube", "api", "base"}},
    {"visibility", {"openflow", "ovsdb", "controlplane", "api", "kube", "base"}},
    {"node",
     {"openflow", "ovsdb", "ipam", "policy", "proxy", "egress", "controlplane", "api", "base"}},
    {"lab",
     {"node", "visibility", "openflow", "ovsdb", "ipam", "policy", "proxy", "egress",
      "controlplane", "kube", "api", "base"}},
};

/// Third-party headers that drag in I/O. The headers and sources of engines and codecs stay clear
/// of them.
const std::vector<std::string> kShellHeaders{"boost/asio",      "boost/beast", "grpcpp/",
                                             "google/protobuf", "openssl/",    "sqlite3.h",
                                             "netlink/",        "nftables/"};
const Names kEngines{"policy", "proxy", "ipam"};
/// The shell of libantrea-egress: public headers by name, sources by folder. The rest is an engine.
const Names kEgressShell{"include/antrea/egress/announcer.h", "include/antrea/egress/gossip.h",
                         "libantrea-egress/shell/"};
/// Headers of a library's shell, beside its engine or codec.
const Names kShellFiles{"openflow/bundle.h", "openflow/connection.h", "openflow/flow_file.h",
                        "openflow/names.h",  "openflow/readback.h",   "openflow/switch.h"};

struct Include {
  std::string file, included;
};

std::vector<Include> includes_of(const fs::path& file) {
  std::vector<Include> includes;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("#include")) continue;
    const auto begin = line.find_first_of("<\"");
    const auto end = line.find_last_of(">\"");
    if (begin != std::string::npos && end > begin)
      includes.push_back(
          {fs::relative(file, ANTREA_SOURCE_DIR), line.substr(begin + 1, end - begin - 1)});
  }
  return includes;
}

std::vector<Include> includes_below(const fs::path& folder) {
  std::vector<Include> all;
  if (!fs::exists(folder)) return all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto extension = entry.path().extension();
    if (extension != ".h" && extension != ".cc") continue;
    const auto more = includes_of(entry.path());
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

std::vector<Include> includes_of_library(const std::string& library) {
  const fs::path root = ANTREA_SOURCE_DIR;
  auto all = includes_below(root / "include/antrea" / library);
  const auto more = includes_below(root / ("libantrea-" + library));
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// "openflow" of "antrea/openflow/match.h".
std::string library_of(const std::string& included) {
  if (!included.starts_with("antrea/")) return {};
  return included.substr(7, included.find('/', 7) - 7);
}

TEST(House, EveryLibraryHasAPlace) {
  for (const auto& entry : fs::directory_iterator(ANTREA_SOURCE_DIR)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("libantrea-")) continue;
    EXPECT_TRUE(kAllowed.contains(name.substr(10))) << name;
  }
}

TEST(House, NobodyUsesWhatStandsAbove) {
  std::size_t seen = 0;
  for (const auto& [library, allowed] : kAllowed) {
    for (const auto& [file, included] : includes_of_library(library)) {
      const std::string used = library_of(included);
      if (used.empty() || used == library) continue;
      ++seen;
      EXPECT_TRUE(allowed.contains(used)) << file << " includes " << included;
    }
  }
  EXPECT_GT(seen, 100U) << "the walk found too few includes to prove anything";
}

void expect_no_io(const Include& include) {
  const auto& [file, included] = include;
  for (const auto& shell : kShellHeaders)
    EXPECT_FALSE(included.starts_with(shell)) << file << " includes " << included;
  EXPECT_NE(included, "antrea/base/asio.h") << file;
  if (!included.starts_with("antrea/")) return;
  EXPECT_FALSE(kShellFiles.contains(included.substr(7))) << file << " includes " << included;
}

TEST(House, EnginesDoNoIo) {
  for (const auto& engine : kEngines)
    for (const auto& include : includes_of_library(engine)) expect_no_io(include);
}

TEST(House, TheEngineOfEgressDoesNoIo) {
  std::size_t seen = 0;
  for (const auto& include : includes_of_library("egress")) {
    if (std::ranges::any_of(kEgressShell, [&](const auto& shell) {
          return include.file.find(shell) != std::string::npos;
        }))
      continue;
    ++seen;
    expect_no_io(include);
    EXPECT_FALSE(kEgressShell.contains("include/" + include.included))
        << include.file << " includes " << include.included;
  }
  EXPECT_GT(seen, 5U);
}

TEST(House, PublicHeadersStandAlone) {
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(ANTREA_SOURCE_DIR) / "include")) {
    if (entry.path().extension() != ".h") continue;
    std::ifstream in(entry.path());
    std::string first;
    std::getline(in, first);
    EXPECT_EQ(first, "#pragma once") << entry.path();
    for (const auto& [file, included] : includes_of(entry.path()))
      EXPECT_FALSE(included.starts_with("libantrea-"))
          << file << " includes the private " << included;
  }
}

TEST(House, EveryLibraryIsFurnished) {
  const fs::path root = ANTREA_SOURCE_DIR;
  for (const auto& [library, unused] : kAllowed) {
    const fs::path home = root / ("libantrea-" + library);
    if (!fs::exists(home)) continue;
    for (const char* const file : {"README.md", "CHANGELOG.md", "CMakeLists.txt"})
      EXPECT_TRUE(fs::exists(home / file)) << home / file;
    EXPECT_TRUE(fs::exists(root / "tests" / library)) << "tests/" << library;
    EXPECT_TRUE(fs::exists(root / "bench" / library)) << "bench/" << library;
  }
}

}  // namespace
