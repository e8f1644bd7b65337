#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <span>
#include <string>

#include "tests/ovs/fixture.h"

// The ovs-ofctl that is installed, as a reader of bytes.
namespace antrea::openflow::testing {

inline bool ovs_ofctl_installed() {
  return std::system("ovs-ofctl --version >/dev/null 2>&1") == 0;  // NOLINT(concurrency-mt-unsafe)
}

/// The same in every run, unless ANTREA_DIFFERENTIAL_SEED says another seed.
inline std::mt19937 differential_random() {
  const char* const wanted = getenv("ANTREA_DIFFERENTIAL_SEED");  // NOLINT(concurrency-mt-unsafe)
  return std::mt19937(wanted == nullptr ? 20150326U : static_cast<std::uint32_t>(atol(wanted)));
}

/// What `ovs-ofctl COMMAND FILE` prints of a file with these bytes.
inline std::string ovs_ofctl(const std::string& command, std::span<const std::byte> bytes) {
  const antrea::testing::TempDir folder;
  const std::string path = folder / "input";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  FILE* const pipe = popen(("ovs-ofctl " + command + ' ' + path + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return {};
  std::string output;
  std::array<char, 1 << 16> buffer;
  while (const std::size_t size = fread(buffer.data(), 1, buffer.size(), pipe))
    output.append(buffer.data(), size);
  pclose(pipe);
  return output;
}

}  // namespace antrea::openflow::testing
