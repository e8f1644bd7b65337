#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "antrea/lab/namespace.h"

/// What a command and a lab's keeper say to each other over the lab's unix socket: one message
/// there, one back. A message is a length (four bytes, network order), a JSON object, and
/// descriptors that travel with the length.
namespace antrea::lab {

struct Message {
  boost::json::object body;
  std::vector<Fd> fds;
};

/// The kernel takes 253 at once.
constexpr std::size_t kMaxDescriptors = 200;
constexpr std::size_t kMaxMessage = 64U << 20;

/// Both block. Error: kUnavailable when the other side is gone, kMalformed.
Result<> send_message(int sock, const boost::json::object& body, const std::vector<int>& fds);
Result<Message> receive_message(int sock);

/// Connects to a keeper. Error: kUnavailable when there is none.
Result<Fd> connect_to(const std::string& path);

/// The body of a refusal, and back.
boost::json::object encode_error(const Error& error);
Result<Message> check_refusal(Message message);

}  // namespace antrea::lab
