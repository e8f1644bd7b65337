#pragma once

#include <list>
#include <map>
#include <memory>

#include "antrea/kube/api_server.h"
#include "documents.h"
#include "media.h"
#include "representation.h"
#include "rest.h"
#include "watch.h"

namespace antrea::kube {

/// A request under way: what was asked for, and how to answer.
struct Call {
  HttpRequest request;
  HttpExchange exchange;
  ObjectPath path;
  bool watch_path = false;  ///< the old "/watch/" form
  Media media;
  Rest::Warnings warnings;

  /// "1", "true" or empty.
  bool flag(std::string_view name) const;
  std::string_view parameter(std::string_view name) const;
};

struct ApiServer::State : std::enable_shared_from_this<ApiServer::State> {
  State(boost::asio::any_io_executor executor, const ResourceTypes& types, Store& store,
        ApiServerOptions options);

  void handle(HttpRequest request, HttpExchange exchange);
  void refuse(Call& call, const StatusError& status);
  /// The text of one JSON object, in the form and with the headers the call asked for.
  void answer(Call& call, int code, const std::string& text);
  void answer_object(Call& call, int code, const StoredObject& object);

  void get(Call call);
  void list(Call call);
  void create(Call call);
  void update(Call call);
  void patch(Call call);
  void remove(Call call);
  void remove_collection(Call call);
  void watch(Call call);
  /// Answers a POST of a question to the authorizer or authenticator; false if it is none.
  bool review(Call& call);

  /// `objects` from the store that a list's or collection's parameters ask for.
  struct Selection {
    std::vector<ObjectPtr> objects;
    Representation::ListMeta meta;
  };
  Outcome<ObjectFilter> filter_of(const Call& call) const;
  Outcome<Selection> select(const Call& call) const;
  Outcome<WriteOptions> write_options(const Call& call) const;
  Representation representation(const Call& call) const;
  /// Calls when the store has reached the version, or after three seconds.
  void when_reached(std::uint64_t version, std::function<void()> then);
  void tick_bookmarks();
  void after_round();
  std::int64_t now_seconds() const;

  boost::asio::any_io_executor executor;
  const ResourceTypes& types;
  Store& store;
  ApiServerOptions options;
  Rest rest;
  WatchHub hub;
  Documents documents;
  std::vector<std::pair<std::string, HttpHandler>> mounts;

  struct Waiter;
  std::list<std::shared_ptr<Waiter>> waiters;
  class HttpWatch;
  std::vector<std::weak_ptr<HttpWatch>> http_watches;
  std::shared_ptr<void> bookmark_timer;
};

/// What a request path names; `served` is false for groups and versions that are not there at all.
struct ParsedPath {
  bool served = false;
  bool watch = false;
  ObjectPath path;  ///< type is null if there is no such resource
};
ParsedPath parse_path(const ResourceTypes& types, std::string_view path);

Outcome<ObjectFilter> make_filter(const ObjectPath& path, std::string_view labels,
                                  std::string_view fields);

}  // namespace antrea::kube
