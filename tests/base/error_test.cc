#include <gtest/gtest.h>

#include <cerrno>

#include "antrea/base/log.h"
#include "antrea/base/result.h"

namespace antrea {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0)
    return make_error(Errc::kInvalidArgument, "halve: expected an even number",
                      std::to_string(value), "add one");
  return value / 2;
}

Result<int> quarter(int value) {
  ANTREA_TRY(const int once, half(value));
  ANTREA_CHECK(half(once));
  return *half(once);
}

TEST(Error, SaysObjectCauseAndRemedyInOneLine) {
  EXPECT_EQ(half(3).error().to_string(), "3: halve: expected an even number (add one)");
}

TEST(Error, KeepsTheInnerObjectWhenSeenFromFurtherUp) {
  const Error outer = half(3).error().within("quarter", "the order");
  EXPECT_EQ(outer.to_string(), "3: quarter: halve: expected an even number (add one)");
  EXPECT_EQ(make_error(Errc::kIo, "read").within("load", "file").to_string(), "file: load: read");
}

TEST(Error, TryReturnsTheFirstError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().object, "3");
}

TEST(Error, MapsErrno) {
  EXPECT_EQ(errno_error(EPERM, "open").code, Errc::kPermissionDenied);
  EXPECT_EQ(errno_error(EADDRINUSE, "bind").code, Errc::kAlreadyExists);
  EXPECT_EQ(errno_error(EIO, "read", "x").to_string(), "x: read: Input/output error");
}

TEST(Log, RejectsAnUnknownLevel) {
  const Logger logger = null_logger();
  EXPECT_TRUE(set_level(logger, "error"));
  EXPECT_EQ(logger->level(), spdlog::level::err);
  EXPECT_FALSE(set_level(logger, "loud"));
}

}  // namespace
}  // namespace antrea
