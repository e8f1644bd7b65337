#include "egress_events.h"

#include <fmt/chrono.h>

#include <boost/json.hpp>

namespace antrea::agent {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::awaitable;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMostPending = 1000;
constexpr Duration kRetryEvent = 5s;

}  // namespace

EgressEvents::EgressEvents(asio::any_io_executor executor, kube::RestClient& api, std::string node,
                           Logger logger)
    : api_(api),
      node_(std::move(node)),
      logger_(std::move(logger)),
      changed_(std::move(executor)) {}

void EgressEvents::set(const std::map<std::string, api::crd::Egress>& egresses,
                       const std::set<IpAddress>& owned) {
  std::map<std::string, Assigned> now;
  for (const auto& [name, egress] : egresses) {
    Assigned here{egress.metadata.uid, {}};
    for (const auto& address : egress.spec.addresses)
      if (address.ip && owned.contains(*address.ip)) here.ips.insert(*address.ip);
    if (!here.ips.empty()) now.emplace(name, std::move(here));
    if (known_ || egress.status.egress_node != node_) continue;
    if (const auto said = IpAddress::parse(egress.status.egress_ip))
      assigned_[name] = {egress.metadata.uid, {*said}};
  }
  known_ = true;
  for (const auto& [name, before] : assigned_) {
    const auto after = now.find(name);
    for (const IpAddress& ip : before.ips)
      if (after == now.end() || !after->second.ips.contains(ip)) tell(name, before.uid, false, ip);
  }
  for (const auto& [name, after] : now) {
    const auto before = assigned_.find(name);
    for (const IpAddress& ip : after.ips)
      if (before == assigned_.end() || !before->second.ips.contains(ip))
        tell(name, after.uid, true, ip);
  }
  assigned_ = std::move(now);
}

void EgressEvents::tell(const std::string& egress, const std::string& uid, bool assigned,
                        const IpAddress& ip) {
  if (pending_.size() == kMostPending) pending_.pop_front();
  const auto time = std::chrono::system_clock::now();
  const std::string timestamp =
      fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
  const std::string message =
      fmt::format("{} Egress {} with IP {} {} Node {}", assigned ? "Assigned" : "Unassigned",
                  egress, ip.to_string(), assigned ? "on" : "from", node_);
  // An Event on what is in no namespace is in the default one.
  pending_.push_back(json::object{
      {"apiVersion", "v1"},
      {"kind", "Event"},
      {"metadata",
       {{"namespace", "default"},
        {"name", fmt::format("{}.{}.{:x}", egress, node_, time.time_since_epoch().count())}}},
      {"involvedObject",
       {{"apiVersion", "crd.antrea.io/v1beta1"},
        {"kind", "Egress"},
        {"name", egress},
        {"uid", uid}}},
      {"type", "Normal"},
      {"reason", assigned ? "IPAssigned" : "IPUnassigned"},
      {"message", message},
      {"source", {{"component", "AntreaAgentEgressController"}, {"host", node_}}},
      {"reportingComponent", "AntreaAgentEgressController"},
      {"reportingInstance", node_},
      {"firstTimestamp", timestamp},
      {"lastTimestamp", timestamp},
      {"count", 1}});
  changed_.notify();
}

awaitable<void> EgressEvents::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  TimePoint retry = TimePoint::max();
  for (;;) {
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return;
    if (pending_.empty() || retry != TimePoint::max()) (void)co_await changed_.wait_until(retry);
    retry = TimePoint::max();
    while (!pending_.empty()) {
      const json::value event = pending_.front();
      kube::ApiRequest request;
      request.method = "POST";
      request.target = "/api/v1/namespaces/default/events";
      request.content_type = "application/json";
      request.body = json::serialize(event);
      const auto written = co_await kube::call(api_, std::move(request));
      if (!written) {
        logger_->warn("event {}: {}", json::serialize(event.at("metadata").at("name")),
                      written.error().to_string());
        if (written.error().code == Errc::kUnavailable || written.error().code == Errc::kTimeout) {
          retry = std::chrono::steady_clock::now() + kRetryEvent;
          break;
        }
      }
      // Others may have come behind it meanwhile, and pushed it out.
      if (!pending_.empty() && pending_.front() == event) pending_.pop_front();
    }
  }
}

}  // namespace antrea::agent
