#pragma once

#include <boost/json/object.hpp>
#include <boost/json/stream_parser.hpp>
#include <string_view>
#include <vector>

#include "antrea/base/result.h"

namespace antrea::ovsdb {

/// Cuts a byte stream into JSON objects: they stand one behind the other, with or without white
/// space between.
class ANTREA_API MessageReader {
 public:
  /// `limit` bounds one message, in bytes.
  explicit MessageReader(std::size_t limit = std::size_t{512} << 20);

  /// Takes the next bytes of the stream, cut anywhere, and appends the messages that they complete.
  /// After an error (kMalformed) the stream cannot be followed any more.
  Result<> feed(std::string_view bytes, std::vector<boost::json::object>& messages);

 private:
  boost::json::stream_parser parser_;
  std::size_t limit_;
  std::size_t size_ = 0;  ///< bytes of the message in progress
};

}  // namespace antrea::ovsdb
