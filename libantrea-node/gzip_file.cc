#include "gzip_file.h"

#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstdio>
#include <fstream>

namespace antrea::node {
namespace {

/// Whether all of it was written, and the file is whole.
bool write_compressed(std::ifstream& in, const std::string& to) {
  const gzFile out = ::gzopen(to.c_str(), "wbe");
  if (out == nullptr) return false;
  std::array<char, 65536> buffer;
  bool written = true;
  while (written && in) {
    in.read(buffer.data(), buffer.size());
    const auto size = static_cast<unsigned>(in.gcount());
    written = size == 0 || ::gzwrite(out, buffer.data(), size) == static_cast<int>(size);
  }
  return ::gzclose(out) == Z_OK && written && in.eof();
}

}  // namespace

Result<> compress_file(const std::string& path) {
  const std::string part = path + ".gz.part";
  std::ifstream in(path, std::ios::binary);
  if (!in) return errno_error("compress a file", path);
  if (!write_compressed(in, part) || ::rename(part.c_str(), (path + ".gz").c_str()) != 0) {
    Error error = errno_error("compress a file", path);
    ::unlink(part.c_str());
    return error;
  }
  ::unlink(path.c_str());
  return {};
}

}  // namespace antrea::node
