#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <string>

#include "antrea/base/asio.h"
#include "antrea/base/log.h"
#include "antrea/kube/rest_client.h"

namespace antrea::kube {

/// Writes to an API server what a controller wants there, as often as it takes. What is behind
/// another object's failure does not wait for it. Use it from one strand.
class ANTREA_API WriteQueue {
 public:
  /// Between two tries for one object.
  static constexpr Duration kFirstPause = std::chrono::seconds(1),
                            kMostPause = std::chrono::seconds(30);
  /// Objects to be made that wait, at most: the oldest ones are given up.
  static constexpr std::size_t kMostCreations = 1000;

  /// `transport` outlives it.
  WriteQueue(boost::asio::any_io_executor executor, ApiTransport& transport, Logger logger,
             Duration first_pause = kFirstPause);

  /// The merge patch (RFC 7386) that the object at `path` ("/api/v1/namespaces/a/pods/b/status")
  /// gets next, in place of one that it has not got yet. Repeated until it is accepted; an object
  /// that is not there needs none.
  void patch(const std::string& path, boost::json::object patch);
  /// It needs none. One that is under way may still arrive.
  void drop(const std::string& path);
  /// An object to be made at `path` ("/api/v1/namespaces/default/events"), in order where nothing
  /// fails. Repeated until the server is heard: what it refuses is given up.
  void create(const std::string& path, boost::json::object object);
  /// How many are not accepted yet.
  std::size_t size() const { return pending_.size(); }

  /// Until cancelled. To be spawned once by the owner.
  boost::asio::awaitable<void> run();

 private:
  /// Patches of a path, in number 0, before what is to be made.
  struct Key {
    std::uint64_t creation = 0;  // counts them; 0: a patch
    std::string path;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Pending {
    boost::json::object body;
    TimePoint due{};
    Backoff backoff;
  };
  boost::asio::awaitable<Result<>> send(Key key, boost::json::object body);
  boost::asio::awaitable<void> write(Key key);
  void put(Key key, boost::json::object body);
  static bool is_settled(const Key& key, const Result<>& written);

  ApiTransport& transport_;
  Logger logger_;
  Duration first_pause_;
  Signal changed_;
  std::map<Key, Pending> pending_;
  std::uint64_t creations_ = 0;
};

}  // namespace antrea::kube
