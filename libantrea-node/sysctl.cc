#include "sysctl.h"

#include <fstream>
#include <iterator>

namespace antrea::node {

std::optional<std::string> read_sysctl(const std::string& path) {
  std::ifstream file("/proc/sys/" + path);
  if (!file) return {};
  std::string text{std::istreambuf_iterator<char>(file), {}};
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

Result<> write_sysctl(const std::string& path, const std::string& value) {
  std::ofstream file("/proc/sys/" + path);
  file << value << std::flush;
  if (!file) return errno_error("set sysctl to " + value, path);
  return {};
}

}  // namespace antrea::node
