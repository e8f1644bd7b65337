#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <string>

#include "antrea/base/asio.h"
#include "antrea/base/log.h"
#include "antrea/kube/rest_client.h"

namespace antrea::kube {

/// Writes into objects of an API server what a controller wants there, by merge patches (RFC 7386)
/// that are repeated until they are accepted. What is behind another object's failure does not wait
/// for it. Use it from one strand.
class ANTREA_API PatchQueue {
 public:
  /// Between two tries for one object.
  static constexpr Duration kFirstPause = std::chrono::seconds(1),
                            kMostPause = std::chrono::seconds(30);

  /// `transport` outlives it.
  PatchQueue(boost::asio::any_io_executor executor, ApiTransport& transport, Logger logger,
             Duration first_pause = kFirstPause);

  /// The patch that the object at `path` ("/api/v1/namespaces/a/pods/b/status") gets next, in place
  /// of one that it has not got yet.
  void set(const std::string& path, boost::json::object patch);
  /// It needs none. One that is under way may still arrive.
  void drop(const std::string& path);
  /// How many are not accepted yet.
  std::size_t size() const { return pending_.size(); }

  /// Until cancelled. To be spawned once by the owner. An object that is not there needs no patch.
  boost::asio::awaitable<void> run();

 private:
  struct Pending {
    boost::json::object patch;
    TimePoint due{};
    Backoff backoff;
  };
  boost::asio::awaitable<Result<>> send(std::string path, boost::json::object patch);
  boost::asio::awaitable<void> write(std::string path);

  ApiTransport& transport_;
  Logger logger_;
  Duration first_pause_;
  Signal changed_;
  std::map<std::string, Pending> pending_;  // by path
};

}  // namespace antrea::kube
