#include "antrea/egress/key_folder.h"

#include <cerrno>
#include <fstream>
#include <iterator>

namespace antrea::egress {

Result<Keyring> KeyFolder::read() const {
  errno = 0;
  std::ifstream file(file_);
  if (!file) return errno_error(errno != 0 ? errno : EIO, "read gossip keys", file_);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return errno_error(EIO, "read gossip keys", file_);
  auto keys = Keyring::parse(text);
  if (!keys) {
    Error error = std::move(keys).error();
    error.object += " in " + file_;
    return error;
  }
  if (keys->empty()) return make_error(Errc::kNotFound, "read gossip keys: no key in it", file_);
  return keys;
}

Result<std::optional<Keyring>> KeyFolder::poll() {
  auto keys = read();
  if (!keys) {
    const bool told = std::exchange(fault_, keys.error().to_string()) == keys.error().to_string();
    if (told) return std::optional<Keyring>();
    return std::move(keys).error();
  }
  fault_.clear();
  if (*keys == keys_) return std::optional<Keyring>();
  keys_ = *keys;
  return std::optional(*std::move(keys));
}

}  // namespace antrea::egress
