#include <cstdio>
#include <filesystem>

#include "vectors.h"

// Writes the vectors as seeds of the fuzz targets: seed_corpus FOLDER makes FOLDER/message, /match,
// /actions (with instructions) and /group.
int main(int argc, char** argv) {
  using namespace antrea;
  if (argc != 2) {
    std::fprintf(stderr, "usage: seed_corpus FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::size_t count = 0;
  const auto put = [&](const char* target, std::span<const std::byte> bytes) {
    std::filesystem::create_directories(folder / target);
    std::ofstream out(folder / target / std::to_string(count++), std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
  };
  for (const auto& vector : openflow::testing::load_vectors()) {
    const auto bytes = vector.bytes();
    if (vector.kind == "match") put("match", bytes);
    if (vector.kind == "actions" || vector.kind == "instructions") put("actions", bytes);
    if (vector.kind == "message") put("message", bytes);
    if (vector.type == "OFPT_GROUP_MOD" && bytes.size() > 8)
      put("group", std::span(bytes).subspan(8));
  }
  std::printf("%zu seeds written\n", count);
  return count == 0 ? 1 : 0;
}
