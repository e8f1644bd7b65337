// One address in and out of a store that already holds N, beside the host-local plugin doing the
// same on a folder of its own (a process per call; Debian package containernetworking-plugins).
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "antrea/ipam/host_local_store.h"

namespace {

namespace fs = std::filesystem;
using antrea::ipam::HostLocalStore;
using antrea::ipam::make_range;
using antrea::ipam::RangeSet;

struct Folder {
  Folder() {
    char name[] = "/tmp/antrea-ipam-bench-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  void reserve(int count) const {
    fs::create_directories(path / "net");
    auto address = antrea::IpAddress::parse("10.8.0.2").value();
    for (int i = 0; i < count; ++i, address = address.plus(1))
      std::ofstream(path / "net" / address.to_string()) << "old" << i << "\r\neth0";
    std::ofstream(path / "net" / "last_reserved_ip.0") << address.minus(1).to_string();
  }
  fs::path path;
};

void AddAndDel(benchmark::State& state) {
  const Folder folder;
  folder.reserve(static_cast<int>(state.range(0)));
  auto store = HostLocalStore::open(folder.path, "net").value();
  const std::vector sets{RangeSet::make({make_range({"10.8.0.0/16", "", "", ""}).value()}).value()};
  for (auto _ : state) {
    benchmark::DoNotOptimize(store.allocate({"id", "eth0"}, sets));
    benchmark::DoNotOptimize(store.release({"id", "eth0"}));
  }
}
BENCHMARK(AddAndDel)->Name("AddAndDel/reserved")->Arg(0)->Arg(250)->Arg(4000);

void AddAndDelPeer_host_local(benchmark::State& state) {
  const char* plugin = "/usr/lib/cni/host-local";
  if (::access(plugin, X_OK) != 0) {
    state.SkipWithError("install containernetworking-plugins to compare");
    return;
  }
  const Folder folder;
  folder.reserve(static_cast<int>(state.range(0)));
  std::ofstream(folder.path / "conf")
      << R"({"cniVersion":"1.0.0","name":"net","ipam":{"type":"host-local","dataDir":")"
      << folder.path.native() << R"(","subnet":"10.8.0.0/16"}})";
  const auto call = [&](const char* command) {
    const std::string line =
        std::string("CNI_COMMAND=") + command +
        " CNI_CONTAINERID=id CNI_NETNS=/x CNI_IFNAME=eth0 CNI_PATH=/usr/lib/cni " + plugin + " < " +
        (folder.path / "conf").native() + " > /dev/null";
    return std::system(line.c_str());
  };
  for (auto _ : state) {
    if (call("ADD") != 0 || call("DEL") != 0) state.SkipWithError("host-local failed");
  }
}
BENCHMARK(AddAndDelPeer_host_local)
    ->Name("AddAndDelPeer_host_local/reserved")
    ->Arg(0)
    ->Arg(250)
    ->Arg(4000);

}  // namespace
