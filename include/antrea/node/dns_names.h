#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "antrea/base/clock.h"
#include "antrea/node/dns_message.h"
#include "antrea/policy/rule_cache.h"

namespace antrea::node {

/// Engine: the DNS names that rules are about and the addresses they stand for (antrea:
/// pkg/agent/controller/networkpolicy/fqdn.go). Answers that servers gave to Pods, or to the agent
/// itself, go in; what is new goes to `policy::RuleCache`.
///
/// - An address counts from the answer that brought it until its own TTL ends, whether or not later
///   answers have it; a later answer prolongs it.
/// - A name is asked for again shortly before the first of its addresses ends; one that a rule
/// names
///   whole, without `*`, as soon as it is known. A failed attempt is repeated with growing pauses.
/// - Names that only patterns with `*` mean are as many as Pods make them: of each pattern, and of
///   all, the one that no Pod has asked for the longest is forgotten when there are too many.
///
/// Time is an argument and never goes back.
class ANTREA_API DnsNames {
 public:
  struct Options {
    Duration min_ttl{};  ///< least life of an address; at least two seconds whatever this says
    std::size_t most_names = 10'000;
    std::size_t most_names_of_pattern = 1024;
  };
  using Changes = std::vector<policy::NameResolved>;

  DnsNames() : DnsNames(Options{}) {}
  explicit DnsNames(const Options& options) : options_(options) {}

  /// What rules name now, all of it; names that no pattern means any longer are forgotten.
  Changes set_patterns(const std::vector<std::string>& patterns, TimePoint now);
  /// Whether a rule is about the name.
  bool wants(std::string_view name) const;
  /// `by_pod`: a Pod asked, not the agent.
  Changes learn(const DnsAnswer& answer, bool by_pod, TimePoint now);
  /// Takes out the addresses whose time is over.
  Changes expire(TimePoint now);

  /// The names to ask for now. Each is named once, until `learn` or `failed` tells its outcome.
  std::vector<std::string> take_queries(TimePoint now);
  /// Nobody answered.
  void failed(const std::string& name, TimePoint now);
  /// When `expire` or `take_queries` will have something.
  std::optional<TimePoint> next_event() const;

  struct Known {
    std::string name;
    std::map<IpAddress, TimePoint> addresses;  ///< until when each counts
    friend bool operator==(const Known&, const Known&) = default;
  };
  /// What to keep over a restart, and back. `restore` comes first of all, before any pattern is
  /// known: the names count until `set_patterns` decides. Addresses that ended while nobody was
  /// there, at most a minute ago, count for ten seconds more: time to ask again.
  std::vector<Known> all() const;
  Changes restore(const std::vector<Known>& known, TimePoint now);

  struct Counts {
    std::size_t names = 0;
    std::uint64_t evicted_of_pattern = 0, evicted_of_all = 0;
  };
  Counts counts() const { return {names_.size(), evicted_of_pattern_, evicted_of_all_}; }

 private:
  struct Name {
    std::map<IpAddress, TimePoint> addresses;
    std::optional<TimePoint> query;  ///< when to ask; none: asked, and not answered yet
    std::optional<TimePoint> event;  ///< as in `events_`
    unsigned failures = 0;
    bool exact = false;                 ///< a rule names it; else:
    std::uint64_t used = 0;             ///< by a Pod: the order of that
    std::vector<std::string> patterns;  ///< that mean it
  };
  using Names = std::map<std::string, Name, std::less<>>;
  using ByUse = std::set<std::pair<std::uint64_t, std::string>>;

  Name& add(const std::string& text);
  void match(const std::string& text, Name& name);
  void use(const std::string& text, Name& name);
  void leave_order(const std::string& text, const Name& name);
  /// Asks again shortly before the first address ends.
  static void schedule_query(Name& name, TimePoint now);
  void schedule(const std::string& text, Name& name);
  void forget(Names::iterator name, Changes& changes);
  void make_room(const std::string& newcomer, Changes& changes);
  void evict_first(const ByUse& order, const std::string& newcomer, Changes& changes);

  Options options_;
  Names names_;
  std::set<std::string, std::less<>> exact_;
  std::map<std::string, ByUse> patterns_;  ///< those with `*`, and the names that only they mean
  ByUse evictable_;                        ///< all those names
  std::set<std::pair<TimePoint, std::string>> events_;
  std::uint64_t uses_ = 0;
  bool patterns_known_ = false;
  std::uint64_t evicted_of_pattern_ = 0, evicted_of_all_ = 0;
};

}  // namespace antrea::node
