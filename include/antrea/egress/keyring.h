#pragma once

// Encryption of gossip: AES-GCM as memberlist v0.6.0 has it (security.go, keyring.go).

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/result.h"
#include "antrea/egress/gossip_message.h"

namespace antrea::egress {

/// Keys of 16, 24 or 32 bytes. The first one encrypts, all decrypt; so a new key is first added
/// everywhere, then made the first everywhere, and then the old one removed.
class ANTREA_API Keyring {
 public:
  using Nonce = std::array<std::byte, 12>;

  /// No keys: nothing is encrypted. Error: kInvalidArgument for a key of another length.
  static Result<Keyring> create(std::vector<Bytes> keys);
  /// Lines of base64, the first one the primary; blank ones are skipped, as in the Secret
  /// `antrea-memberlist-keys`. Error: kMalformed, kInvalidArgument, with the number of the line.
  static Result<Keyring> parse(std::string_view lines);
  Keyring() = default;

  bool empty() const { return keys_.empty(); }
  const std::vector<Bytes>& keys() const { return keys_; }
  friend bool operator==(const Keyring&, const Keyring&) = default;

  /// Bytes that encryption adds, in version 1.
  static constexpr std::size_t kOverhead = 29;
  /// Version byte, nonce, ciphertext, tag. Version 0 pads the plaintext to blocks, 1 does not.
  /// `associated` is authenticated, not sent. Error: kInvalidArgument without keys; kInternal.
  Result<Bytes> seal(std::span<const std::byte> plain, std::span<const std::byte> associated,
                     std::uint8_t version = 1) const;
  /// The same with a nonce that is known, which must never serve twice.
  Result<Bytes> seal_with(const Nonce& nonce, std::span<const std::byte> plain,
                          std::span<const std::byte> associated, std::uint8_t version) const;
  /// Tries all keys. Error: kMalformed; kUnauthenticated when no key fits.
  Result<Bytes> open(std::span<const std::byte> sealed,
                     std::span<const std::byte> associated) const;

 private:
  std::vector<Bytes> keys_;
};

}  // namespace antrea::egress
