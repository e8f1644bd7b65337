#include "antrea/egress/keyring.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <optional>

namespace antrea::egress {
namespace {

constexpr std::size_t kNonceSize = 12, kTagSize = 16, kBlock = 16;
constexpr std::uint8_t kPadded = 0, kNewest = 1;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const EVP_CIPHER* cipher_for(const Bytes& key) {
  switch (key.size()) {
    case 16:
      return EVP_aes_128_gcm();
    case 24:
      return EVP_aes_192_gcm();
    case 32:
      return EVP_aes_256_gcm();
    default:
      return nullptr;
  }
}

const unsigned char* raw(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}
int size_of(std::span<const std::byte> bytes) { return static_cast<int>(bytes.size()); }

/// Empty when the tag does not fit the key.
std::optional<Bytes> open_with(const Bytes& key, std::span<const std::byte> nonce,
                               std::span<const std::byte> encrypted, std::span<const std::byte> tag,
                               std::span<const std::byte> associated) {
  const Context context(EVP_CIPHER_CTX_new());
  Bytes plain(encrypted.size() + kBlock), mutable_tag(tag.begin(), tag.end());
  int done = 0, rest = 0;
  const bool good =
      EVP_DecryptInit_ex(context.get(), cipher_for(key), nullptr, raw(std::span(key)),
                         raw(nonce)) == 1 &&
      (associated.empty() || EVP_DecryptUpdate(context.get(), nullptr, &rest, raw(associated),
                                               size_of(associated)) == 1) &&
      EVP_DecryptUpdate(context.get(), raw(std::span(plain)), &done, raw(encrypted),
                        size_of(encrypted)) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, mutable_tag.data()) == 1 &&
      EVP_DecryptFinal_ex(
          context.get(), raw(std::span(plain).subspan(static_cast<std::size_t>(done))), &rest) == 1;
  if (!good) return std::nullopt;
  plain.resize(static_cast<std::size_t>(done + rest));
  return plain;
}

Error malformed(std::string cause) {
  return make_error(Errc::kMalformed, "decrypt gossip: " + std::move(cause));
}

}  // namespace

Result<Keyring> Keyring::create(std::vector<Bytes> keys) {
  for (const auto& key : keys)
    if (cipher_for(key) == nullptr)
      return make_error(Errc::kInvalidArgument, "read gossip key: " + std::to_string(key.size()) +
                                                    " bytes, expected 16, 24 or 32");
  Keyring ring;
  for (auto& key : keys)
    if (std::ranges::find(ring.keys_, key) == ring.keys_.end())
      ring.keys_.push_back(std::move(key));
  return ring;
}

Result<Keyring> Keyring::parse(std::string_view lines) {
  std::vector<Bytes> keys;
  for (std::size_t number = 1; !lines.empty(); ++number) {
    const auto end = std::min(lines.find('\n'), lines.size());
    auto line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())))
      line.remove_suffix(1);
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.front())))
      line.remove_prefix(1);
    if (line.empty()) continue;
    Bytes key(line.size() / 4 * 3 + 3);
    const int size = line.size() % 4 != 0
                         ? -1
                         : EVP_DecodeBlock(raw(std::span(key)), raw(as_byte_span(line)),
                                           static_cast<int>(line.size()));
    const auto where = "line " + std::to_string(number) + " of the gossip keys";
    if (size < 0) return make_error(Errc::kMalformed, "read gossip key: not base64", where);
    const auto padding = line.ends_with("==") ? 2U : line.ends_with('=') ? 1U : 0U;
    key.resize(static_cast<std::size_t>(size) - padding);
    if (cipher_for(key) == nullptr)
      return make_error(
          Errc::kInvalidArgument,
          "read gossip key: " + std::to_string(key.size()) + " bytes, expected 16, 24 or 32",
          where);
    keys.push_back(std::move(key));
  }
  return create(std::move(keys));
}

Result<Bytes> Keyring::seal(std::span<const std::byte> plain, std::span<const std::byte> associated,
                            std::uint8_t version) const {
  Nonce nonce;
  if (RAND_bytes(raw(std::span<std::byte>(nonce)), static_cast<int>(nonce.size())) != 1)
    return make_error(Errc::kInternal, "encrypt gossip: no random numbers");
  return seal_with(nonce, plain, associated, version);
}

Result<Bytes> Keyring::seal_with(const Nonce& nonce, std::span<const std::byte> plain,
                                 std::span<const std::byte> associated,
                                 std::uint8_t version) const {
  if (keys_.empty()) return make_error(Errc::kInvalidArgument, "encrypt gossip: no key");
  if (version > kNewest)
    return make_error(Errc::kInvalidArgument, "encrypt gossip: version " + std::to_string(version));
  Bytes padded;
  if (version == kPadded) {  // PKCS #7
    padded.assign(plain.begin(), plain.end());
    const auto more = kBlock - plain.size() % kBlock;
    padded.resize(plain.size() + more, std::byte(more));
    plain = padded;
  }
  Bytes out;
  out.reserve(1 + kNonceSize + plain.size() + kTagSize);
  out.push_back(std::byte{version});
  out.insert(out.end(), nonce.begin(), nonce.end());
  const auto head = out.size();
  out.resize(head + plain.size() + kTagSize);
  const auto body = std::span(out).subspan(head);
  const Context context(EVP_CIPHER_CTX_new());
  int done = 0, rest = 0;
  const auto& key = keys_.front();
  const bool good =
      EVP_EncryptInit_ex(context.get(), cipher_for(key), nullptr, raw(std::span(key)),
                         raw(std::span<const std::byte>(nonce))) == 1 &&
      (associated.empty() || EVP_EncryptUpdate(context.get(), nullptr, &rest, raw(associated),
                                               size_of(associated)) == 1) &&
      EVP_EncryptUpdate(context.get(), raw(body), &done, raw(plain), size_of(plain)) == 1 &&
      EVP_EncryptFinal_ex(context.get(), raw(body.subspan(static_cast<std::size_t>(done))),
                          &rest) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagSize,
                          raw(body.subspan(plain.size()))) == 1;
  if (!good) return make_error(Errc::kInternal, "encrypt gossip: OpenSSL refused");
  return out;
}

Result<Bytes> Keyring::open(std::span<const std::byte> sealed,
                            std::span<const std::byte> associated) const {
  if (sealed.size() < 1 + kNonceSize + kTagSize)
    return malformed(std::to_string(sealed.size()) + " bytes, expected at least 29");
  const auto version = std::to_integer<std::uint8_t>(sealed[0]);
  if (version > kNewest)
    return malformed("version " + std::to_string(version) + ", expected 0 or 1");
  const auto nonce = sealed.subspan(1, kNonceSize);
  const auto tag = sealed.last(kTagSize);
  const auto body = sealed.subspan(1 + kNonceSize, sealed.size() - 1 - kNonceSize - kTagSize);
  for (const auto& key : keys_) {
    auto plain = open_with(key, nonce, body, tag, associated);
    if (!plain) continue;
    if (version == kPadded) {
      const auto more = plain->empty() ? 0 : std::to_integer<std::size_t>(plain->back());
      if (more == 0 || more > kBlock || more > plain->size()) return malformed("wrong padding");
      plain->resize(plain->size() - more);
    }
    return std::move(*plain);
  }
  return make_error(Errc::kUnauthenticated,
                    "decrypt gossip: none of " + std::to_string(keys_.size()) + " keys fits");
}

}  // namespace antrea::egress
