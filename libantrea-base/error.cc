#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "antrea/base/result.h"

namespace antrea {
namespace {

Errc from_errno(int number) {
  switch (number) {
    case EACCES:
    case EPERM:
      return Errc::kPermissionDenied;
    case ENOENT:
    case ESRCH:
    case ENODEV:
      return Errc::kNotFound;
    case EEXIST:
    case EADDRINUSE:
      return Errc::kAlreadyExists;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
      return Errc::kUnavailable;
    case ETIMEDOUT:
      return Errc::kTimeout;
    case ENOSPC:
    case EMFILE:
    case ENFILE:
      return Errc::kExhausted;
    case EOPNOTSUPP:
    case ENOSYS:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
      return Errc::kUnsupported;
    default:
      return Errc::kIo;
  }
}

}  // namespace

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::kOk:
      return "Ok";
    case Errc::kInvalidArgument:
      return "InvalidArgument";
    case Errc::kMalformed:
      return "Malformed";
    case Errc::kNotFound:
      return "NotFound";
    case Errc::kAlreadyExists:
      return "AlreadyExists";
    case Errc::kConflict:
      return "Conflict";
    case Errc::kExhausted:
      return "Exhausted";
    case Errc::kPermissionDenied:
      return "PermissionDenied";
    case Errc::kUnauthenticated:
      return "Unauthenticated";
    case Errc::kUnsupported:
      return "Unsupported";
    case Errc::kUnavailable:
      return "Unavailable";
    case Errc::kTimeout:
      return "Timeout";
    case Errc::kCancelled:
      return "Cancelled";
    case Errc::kIo:
      return "Io";
    case Errc::kRejected:
      return "Rejected";
    case Errc::kInternal:
      return "Internal";
  }
  return "Unknown";
}

std::string Error::to_string() const {
  std::string text;
  if (!object.empty()) text = object + ": ";
  text += cause;
  if (!remedy.empty()) text += " (" + remedy + ")";
  return text;
}

Error Error::within(std::string_view doing, std::string_view outer_object) && {
  cause = std::string(doing) + ": " + cause;
  if (object.empty()) object = outer_object;
  return std::move(*this);
}

void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::logic_error("an error was used as a value: " + error.to_string());
}

Error errno_error(std::string_view doing, std::string_view object) {
  return errno_error(errno, doing, object);
}

Error errno_error(int number, std::string_view doing, std::string_view object) {
  return Error{from_errno(number),
               std::string(doing) + ": " + std::generic_category().message(number),
               std::string(object),
               {}};
}

}  // namespace antrea
