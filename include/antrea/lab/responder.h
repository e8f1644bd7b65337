#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/lab/namespace.h"
#include "antrea/lab/prober.h"

namespace antrea::lab {

struct ResponderPort {
  std::uint16_t port = 0;
  Protocol protocol = Protocol::kTcp;
  friend auto operator<=>(const ResponderPort&, const ResponderPort&) = default;
};

/// Answers, inside one namespace, on every given port with one line: "NAME HOST CLIENT-ADDRESS".
/// TCP answers the first line it gets (to a "GET ..." as HTTP/1.0, so curl shows the line too), or
/// after a second of silence, and closes. UDP answers each datagram from the address that was
/// asked. SCTP answers INIT with INIT-ACK, or with ABORT on a port that was not given; no
/// association comes of it.
///
/// Ends when destroyed; connections being answered end by themselves within seconds.
class ANTREA_API Responder {
 public:
  /// Sockets are made in `ns` and served by `io`. Error: kAlreadyExists for a taken port, naming
  /// it.
  static Result<std::unique_ptr<Responder>> start(boost::asio::io_context& io,
                                                  const NetNamespace& ns, std::string name,
                                                  std::string host,
                                                  const std::vector<ResponderPort>& ports);
  ~Responder();
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

 private:
  Responder() = default;
  std::vector<std::function<void()>> close_;
};

}  // namespace antrea::lab
