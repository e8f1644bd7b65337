#include "message_reader.h"

#include <boost/json.hpp>

namespace antrea::ovsdb {
namespace json = boost::json;

MessageReader::MessageReader(std::size_t limit) : parser_({}, {.max_depth = 64}), limit_(limit) {}

Result<> MessageReader::feed(std::string_view bytes, std::vector<json::object>& messages) {
  while (!bytes.empty()) {
    if (size_ == 0) {
      const auto start = bytes.find_first_not_of(" \t\r\n");
      if (start == std::string_view::npos) return {};
      bytes.remove_prefix(start);
      if (bytes.front() != '{')
        return make_error(Errc::kMalformed, "read JSON-RPC: a message that is no object");
      parser_.reset();
    }
    boost::system::error_code code;
    const auto taken = parser_.write_some(bytes.data(), bytes.size(), code);
    if (code)
      return make_error(Errc::kMalformed, "read JSON-RPC: " + code.message() + " in byte " +
                                              std::to_string(size_ + taken) + " of a message");
    size_ += taken;
    bytes.remove_prefix(taken);
    if (parser_.done()) {
      messages.push_back(std::move(parser_.release().as_object()));
      size_ = 0;
    } else if (size_ > limit_) {
      return make_error(Errc::kMalformed, "read JSON-RPC: a message of more than " +
                                              std::to_string(limit_) + " bytes");
    }
  }
  return {};
}

}  // namespace antrea::ovsdb
