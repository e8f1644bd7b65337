#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "antrea/base/export.h"

namespace antrea {

/// What a caller branches on. The texts of an `Error` are for people.
enum class Errc : std::uint8_t {
  kOk,
  kInvalidArgument,   ///< the caller's input cannot be right: fix it, a retry is useless
  kMalformed,         ///< bytes or text of a peer, a file or a user that do not parse
  kNotFound,          ///< the named object does not exist
  kAlreadyExists,     ///< the name, address or port is taken
  kConflict,          ///< somebody else changed it meanwhile: read again and retry
  kExhausted,         ///< no address, id or space left
  kPermissionDenied,  ///< privileges or credentials are missing
  kUnauthenticated,   ///< the peer does not know who we are
  kUnsupported,       ///< valid, but not by this peer, kernel or version
  kUnavailable,       ///< the peer is away: retry later
  kTimeout,           ///< no answer in time; whether it took effect is unknown
  kCancelled,         ///< we stopped it ourselves
  kIo,                ///< the operating system refused
  kRejected,          ///< a peer understood the request and refused it
  kInternal,          ///< a fault of ours
};

/// The enumerator without its `k`, e.g. "NotFound".
ANTREA_API std::string_view to_string(Errc code);

/// Why something did not happen, as a value: what was wrong, with which object, and what would
/// help.
///
/// `cause` tells what was being done, what was found and what was expected, e.g. "parse CIDR:
/// prefix length 33, expected 0 to 32". `object` names the thing at fault ("NetworkPolicy
/// default/web", "10.0.0.0/33", "br-int"); `remedy` what the reader can do; both may be empty. No
/// text ends in a period or holds a newline.
struct [[nodiscard]] Error {
  Errc code = Errc::kOk;
  std::string cause;
  std::string object;
  std::string remedy;

  /// One line: "object: cause (remedy)".
  ANTREA_API std::string to_string() const;

  /// The same error seen from further up: "doing: cause". Names the object unless one is named
  /// already.
  ANTREA_API Error within(std::string_view doing, std::string_view outer_object = {}) &&;

  friend bool operator==(const Error&, const Error&) = default;
};

/// Never called: code tests a result and dereferences it. Needed by boost::system::result::value().
[[noreturn]] ANTREA_API void throw_exception_from_error(const Error& error,
                                                        const boost::source_location& where);

/// A value, or the reason why there is none.
template <typename T = void>
using Result = boost::system::result<T, Error>;

inline Error make_error(Errc code, std::string cause, std::string object = {},
                        std::string remedy = {}) {
  return Error{code, std::move(cause), std::move(object), std::move(remedy)};
}

/// The error of a failed system call, from errno: "open: No such file or directory" with a fitting
/// code.
ANTREA_API Error errno_error(std::string_view doing, std::string_view object = {});
ANTREA_API Error errno_error(int number, std::string_view doing, std::string_view object = {});

}  // namespace antrea

#define ANTREA_CONCAT_(a, b) a##b
#define ANTREA_CONCAT(a, b) ANTREA_CONCAT_(a, b)
#define ANTREA_TRY_IMPL_(tmp, decl, expr)             \
  auto tmp = (expr);                                  \
  if (tmp.has_error()) return std::move(tmp).error(); \
  decl = *std::move(tmp)
#define ANTREA_CO_TRY_IMPL_(tmp, decl, expr)             \
  auto tmp = (expr);                                     \
  if (tmp.has_error()) co_return std::move(tmp).error(); \
  decl = *std::move(tmp)
/// `ANTREA_TRY(auto x, f());` binds x to the value of f(), or returns its error from the enclosing
/// function.
#define ANTREA_TRY(decl, expr) ANTREA_TRY_IMPL_(ANTREA_CONCAT(antrea_try_, __LINE__), decl, expr)
/// The same for a `Result<>` without a value.
#define ANTREA_CHECK(expr)                                                  \
  do {                                                                      \
    auto antrea_check_ = (expr);                                            \
    if (antrea_check_.has_error()) return std::move(antrea_check_).error(); \
  } while (false)
/// Both inside a coroutine.
#define ANTREA_CO_TRY(decl, expr) \
  ANTREA_CO_TRY_IMPL_(ANTREA_CONCAT(antrea_try_, __LINE__), decl, expr)
#define ANTREA_CO_CHECK(expr)                                                  \
  do {                                                                         \
    auto antrea_check_ = (expr);                                               \
    if (antrea_check_.has_error()) co_return std::move(antrea_check_).error(); \
  } while (false)
