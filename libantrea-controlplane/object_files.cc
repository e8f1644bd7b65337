#include "antrea/controlplane/object_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>

#include "antrea/api/controlplane_changes.h"
#include "antrea/base/hash.h"

namespace antrea::controlplane {

using namespace api::controlplane;
namespace fs = std::filesystem;

namespace {

template <typename T>
inline constexpr std::string_view kFolder{};
template <>
inline constexpr std::string_view kFolder<NetworkPolicy> = "network-policies";
template <>
inline constexpr std::string_view kFolder<AppliedToGroup> = "applied-to-groups";
template <>
inline constexpr std::string_view kFolder<AddressGroup> = "address-groups";

/// Of a file that is being written; such names are never read.
constexpr std::string_view kPartSuffix = ".part";

/// The UID. What could not be a file name, which no controller sends, goes by its digest.
std::string file_name(const Metadata& meta) {
  const std::string& uid = meta.uid.empty() ? meta.name : meta.uid;
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; };
  if (!uid.empty() && uid.size() <= 200 && std::ranges::all_of(uid, plain)) return uid;
  return sha1_hex(uid);
}

Result<> write_file(const fs::path& path, std::string_view bytes) {
  const std::string part = path.string() + std::string(kPartSuffix);
  const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return errno_error("create file", part);
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      Error error = errno_error("write file", part);
      ::close(file);
      ::unlink(part.c_str());
      return error;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  ::close(file);
  if (::rename(part.c_str(), path.c_str()) != 0) return errno_error("rename file", path.string());
  return {};
}

Result<std::string> read_file(const fs::path& path) {
  std::error_code code;
  if (fs::exists(path, code) && !fs::is_regular_file(path, code))
    return make_error(Errc::kIo, "read file: it is none", path.string());
  std::ifstream in(path, std::ios::binary);
  if (!in) return errno_error("open file", path.string());
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) return make_error(Errc::kIo, "read file", path.string());
  return bytes;
}

Result<> make_folder(const fs::path& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (!code) return {};
  return errno_error(code.value(), "create folder", path.string());
}

}  // namespace

ObjectFiles::ObjectFiles(std::string directory, Logger logger)
    : directory_(std::move(directory)), logger_(logger ? std::move(logger) : null_logger()) {}

template <typename T>
Result<> ObjectFiles::replace(const std::vector<std::shared_ptr<const T>>& objects) {
  const fs::path folder = fs::path(directory_) / kFolder<T>;
  ANTREA_CHECK(make_folder(folder));
  std::set<std::string> kept;
  for (const auto& object : objects) {
    const std::string name = file_name(object->metadata);
    kept.insert(name);
    const std::string bytes = encode(*object, Format::kProtobuf);
    const auto found = read_file(folder / name);
    if (found && *found == bytes) continue;
    ANTREA_CHECK(write_file(folder / name, bytes));
  }
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code))
    if (!kept.contains(entry.path().filename().string())) fs::remove(entry.path(), code);
  return {};
}

template <typename T>
Result<> ObjectFiles::put(const T& object) {
  const fs::path folder = fs::path(directory_) / kFolder<T>;
  ANTREA_CHECK(make_folder(folder));
  return write_file(folder / file_name(object.metadata), encode(object, Format::kProtobuf));
}

template <typename T>
Result<> ObjectFiles::patch(const GroupPatch& patch) {
  const fs::path path = fs::path(directory_) / kFolder<T> / file_name(patch.metadata);
  ANTREA_TRY(const std::string bytes, read_file(path));
  ANTREA_TRY(T group, decode_as<T>(bytes, Format::kProtobuf));
  MemberDelta delta{patch.added, patch.removed};
  std::ranges::sort(delta.added);
  std::ranges::sort(delta.removed);
  api::controlplane::apply(std::move(delta), group.members);
  return put(group);
}

template <typename T>
Result<> ObjectFiles::remove(const Metadata& meta) {
  const fs::path path = fs::path(directory_) / kFolder<T> / file_name(meta);
  std::error_code code;
  fs::remove(path, code);
  if (!code) return {};
  return errno_error(code.value(), "remove file", path.string());
}

template <typename T>
Result<std::vector<std::shared_ptr<const T>>> ObjectFiles::load() const {
  const fs::path folder = fs::path(directory_) / kFolder<T>;
  std::error_code code;
  fs::directory_iterator files(folder, code);
  if (code) return errno_error(code.value(), "read folder", folder.string());
  std::vector<std::shared_ptr<const T>> objects;
  for (const auto& entry : files) {
    if (entry.path().filename().string().ends_with(kPartSuffix)) continue;
    const auto bytes = read_file(entry.path());
    auto object = bytes ? decode_as<T>(*bytes, Format::kProtobuf) : Result<T>(bytes.error());
    if (object)
      objects.push_back(std::make_shared<const T>(*std::move(object)));
    else
      logger_->warn("file {} is skipped: {}", entry.path().string(), object.error().to_string());
  }
  std::ranges::sort(objects, {}, [](const auto& object) { return object->metadata.name; });
  return objects;
}

#define ANTREA_FILED(T)                                                 \
  template ANTREA_API Result<> ObjectFiles::replace<T>(                 \
      const std::vector<std::shared_ptr<const T>>&);                    \
  template ANTREA_API Result<> ObjectFiles::put<T>(const T&);           \
  template ANTREA_API Result<> ObjectFiles::remove<T>(const Metadata&); \
  template ANTREA_API Result<std::vector<std::shared_ptr<const T>>> ObjectFiles::load<T>() const;
ANTREA_FILED(NetworkPolicy)
ANTREA_FILED(AddressGroup)
ANTREA_FILED(AppliedToGroup)
#undef ANTREA_FILED
template ANTREA_API Result<> ObjectFiles::patch<AddressGroup>(const GroupPatch&);
template ANTREA_API Result<> ObjectFiles::patch<AppliedToGroup>(const GroupPatch&);

}  // namespace antrea::controlplane
