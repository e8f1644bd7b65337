#include "antrea/ovsdb/vswitch.h"

#include <algorithm>
#include <boost/json.hpp>

#include "antrea/base/asio.h"

namespace antrea::ovsdb {
namespace asio = boost::asio;
namespace json = boost::json;
using asio::awaitable;

namespace {

constexpr int kAttempts = 5;
constexpr std::int64_t kLocalPort = 65534;

TimePoint now() { return std::chrono::steady_clock::now(); }

/// The keys of `wanted` that `present` lacks or holds with another value.
StringMap missing(const StringMap& wanted, const StringMap& present) {
  StringMap lacking;
  for (const auto& [key, value] : wanted) {
    const auto found = present.find(key);
    if (found == present.end() || found->second != value) lacking.emplace(key, value);
  }
  return lacking;
}

/// Worth another look at the replica and a new plan: somebody else was faster, or the session was
/// lost.
bool may_retry(const Error& error) {
  return error.code == Errc::kConflict || error.code == Errc::kUnavailable ||
         (error.code == Errc::kRejected &&
          error.cause.find("constraint violation") != std::string::npos);
}

}  // namespace

std::vector<TableSelection> VSwitch::monitored() {
  return {{"Open_vSwitch",
           {"bridges", "next_cfg", "cur_cfg", "ovs_version", "external_ids", "other_config"}},
          {"Bridge",
           {"name", "ports", "datapath_type", "datapath_id", "protocols", "fail_mode",
            "external_ids", "other_config"}},
          {"Port", {"name", "interfaces", "tag", "external_ids"}},
          {"Interface",
           {"name", "type", "options", "ofport", "ofport_request", "mac", "mac_in_use", "mtu",
            "mtu_request", "error"}}};
}

RowPtr VSwitch::root() const {
  const auto& rows = client_.replica().table("Open_vSwitch");
  return rows.empty() ? nullptr : rows.begin()->second;
}

std::pair<Uuid, RowPtr> VSwitch::find_by_name(std::string_view table, std::string_view name) const {
  for (const auto& [uuid, row] : client_.replica().table(table))
    if ((*row)["name"].string() == name) return {uuid, row};
  return {};
}

Port VSwitch::describe(const Uuid& uuid, const Row& row, std::string_view bridge) const {
  Port port;
  port.name = row["name"].string();
  port.bridge = bridge;
  port.uuid = uuid;
  port.external_ids = row["external_ids"].string_map();
  port.interface_uuid = row["interfaces"].uuid();
  if (const auto interface = client_.replica().find("Interface", port.interface_uuid)) {
    port.type = (*interface)["type"].string();
    port.ofport = (*interface)["ofport"].optional_integer();
    port.error = (*interface)["error"].string();
    port.mac_in_use = (*interface)["mac_in_use"].string();
    port.mtu = (*interface)["mtu"].optional_integer();
    port.options = (*interface)["options"].string_map();
  }
  return port;
}

std::optional<Bridge> VSwitch::bridge(std::string_view name) const {
  const auto [uuid, row] = find_by_name("Bridge", name);
  if (row == nullptr) return std::nullopt;
  return Bridge{std::string(name),
                uuid,
                (*row)["datapath_type"].string(),
                (*row)["datapath_id"].string(),
                (*row)["external_ids"].string_map(),
                (*row)["other_config"].string_map()};
}

std::vector<Port> VSwitch::ports(std::string_view bridge) const {
  std::vector<Port> all;
  const auto [uuid, row] = find_by_name("Bridge", bridge);
  if (row == nullptr) return all;
  for (const auto& port_uuid : (*row)["ports"].uuids())
    if (const auto port = client_.replica().find("Port", port_uuid))
      all.push_back(describe(port_uuid, *port, bridge));
  std::ranges::sort(all, {}, &Port::name);
  return all;
}

std::optional<Port> VSwitch::port(std::string_view name) const {
  const auto [uuid, row] = find_by_name("Port", name);
  if (row == nullptr) return std::nullopt;
  for (const auto& [bridge_uuid, bridge] : client_.replica().table("Bridge"))
    if ((*bridge)["ports"].contains(uuid)) return describe(uuid, *row, (*bridge)["name"].string());
  return std::nullopt;
}

std::string VSwitch::ovs_version() const {
  const auto row = root();
  return row == nullptr ? std::string() : (*row)["ovs_version"].string();
}

StringMap VSwitch::other_config() const {
  const auto row = root();
  return row == nullptr ? StringMap() : (*row)["other_config"].string_map();
}

awaitable<Result<Bridge>> VSwitch::ensure_bridge(BridgeSpec spec, Duration timeout) {
  const auto deadline = now() + timeout;
  for (int attempt = 1;; ++attempt) {
    ANTREA_CO_CHECK(co_await client_.wait_synced(deadline));
    Transaction tx;
    const auto [uuid, row] = find_by_name("Bridge", spec.name);
    if (row == nullptr) {
      tx.wait("Bridge", {"name", spec.name}, {"name"}, "==", {});
      auto interface = tx.insert("Interface", {{"name", spec.name}, {"type", "internal"}});
      auto port = tx.insert("Port", {{"name", spec.name}, {"interfaces", std::move(interface)}});
      Transaction::Row columns{{"name", spec.name},
                               {"ports", std::move(port)},
                               {"datapath_type", spec.datapath_type},
                               {"protocols", wire_set(spec.protocols)},
                               {"external_ids", wire(spec.external_ids)},
                               {"other_config", wire(spec.other_config)}};
      if (!spec.fail_mode.empty()) columns["fail_mode"] = spec.fail_mode;
      auto bridge = tx.insert("Bridge", std::move(columns));
      tx.mutate("Open_vSwitch", {},
                {{"bridges", "insert", std::move(bridge)}, {"next_cfg", "+=", 1}});
    } else {
      Transaction::Row columns;
      auto protocols = spec.protocols;
      std::ranges::sort(protocols);
      if ((*row)["protocols"].strings() != protocols)
        columns["protocols"] = wire_set(spec.protocols);
      if ((*row)["datapath_type"].string() != spec.datapath_type)
        columns["datapath_type"] = spec.datapath_type;
      if ((*row)["fail_mode"].string() != spec.fail_mode)
        columns["fail_mode"] =
            spec.fail_mode.empty() ? wire_set(json::array()) : json::value(spec.fail_mode);
      if (!columns.empty()) tx.update("Bridge", uuid, std::move(columns));
      tx.merge_map("Bridge", uuid, "external_ids",
                   missing(spec.external_ids, (*row)["external_ids"].string_map()));
      tx.merge_map("Bridge", uuid, "other_config",
                   missing(spec.other_config, (*row)["other_config"].string_map()));
      if (!tx.empty()) tx.mutate("Open_vSwitch", {}, {{"next_cfg", "+=", 1}});
    }
    if (tx.empty()) break;
    auto done = co_await client_.transact(std::move(tx), deadline - now());
    if (done) break;
    if (attempt == kAttempts || now() >= deadline || !may_retry(done.error()))
      co_return std::move(done).error().within("make bridge", spec.name);
  }
  // Running: the switch has caught up, and the local port is there.
  std::function<bool()> running = [&] {
    const auto row = root();
    const auto found = bridge(spec.name);
    if (row == nullptr || !found || found->datapath_id.empty()) return false;
    if ((*row)["cur_cfg"].integer() < (*row)["next_cfg"].integer()) return false;
    const auto local = port(spec.name);
    return local && local->ofport == kLocalPort;
  };
  if (!co_await client_.wait_until(running, deadline)) {
    const auto local = port(spec.name);
    if (local && !local->error.empty())
      co_return make_error(Errc::kRejected, "make bridge: " + local->error, spec.name);
    co_return make_error(Errc::kTimeout, "make bridge: the switch did not take it in time",
                         spec.name, "is ovs-vswitchd running?");
  }
  co_return *bridge(spec.name);
}

awaitable<Result<>> VSwitch::del_bridge(std::string name, Duration timeout) {
  const auto deadline = now() + timeout;
  for (int attempt = 1;; ++attempt) {
    ANTREA_CO_CHECK(co_await client_.wait_synced(deadline));
    const auto found = bridge(name);
    if (!found) co_return Result<>{};
    Transaction tx;
    tx.mutate("Open_vSwitch", {},
              {{"bridges", "delete", wire(found->uuid)}, {"next_cfg", "+=", 1}});
    auto done = co_await client_.transact(std::move(tx), deadline - now());
    if (done) break;
    if (attempt == kAttempts || !may_retry(done.error()))
      co_return std::move(done).error().within("delete bridge", name);
  }
  co_return co_await wait_configured(deadline - now());
}

/// What has to be written so that ports are as specified, and why some of them cannot be.
struct VSwitch::Plan {
  Transaction transaction;
  std::vector<std::optional<Error>> refused;  ///< by specification
  std::vector<std::string> created;
};

Result<VSwitch::Plan> VSwitch::plan_ports(const std::string& bridge,
                                          const std::vector<PortSpec>& specs) const {
  const auto& replica = client_.replica();
  const auto [bridge_uuid, bridge_row] = find_by_name("Bridge", bridge);
  if (bridge_row == nullptr) return make_error(Errc::kNotFound, "add port: no such bridge", bridge);
  const auto& own_ports = (*bridge_row)["ports"];
  std::unordered_map<std::string_view, std::pair<Uuid, RowPtr>> by_name;
  for (const auto& [uuid, row] : replica.table("Port"))
    by_name.emplace((*row)["name"].string(), std::pair(uuid, row));

  Plan plan;
  plan.refused.resize(specs.size());
  auto& tx = plan.transaction;
  json::array links;
  std::map<std::string_view, std::size_t> named;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const auto& spec = specs[i];
    if (!named.emplace(spec.name, i).second) {
      plan.refused[i] = make_error(Errc::kInvalidArgument, "add port: named twice", spec.name);
      continue;
    }
    Transaction::Row wanted;  // of the Interface
    const auto found = by_name.find(spec.name);
    if (found == by_name.end()) {
      wanted = {{"name", spec.name}, {"type", spec.type}, {"options", wire(spec.options)}};
      if (spec.ofport_request) wanted["ofport_request"] = *spec.ofport_request;
      if (spec.mac) wanted["mac"] = *spec.mac;
      if (spec.mtu_request) wanted["mtu_request"] = *spec.mtu_request;
      auto interface = tx.insert("Interface", std::move(wanted));
      Transaction::Row port{{"name", spec.name},
                            {"interfaces", std::move(interface)},
                            {"external_ids", wire(spec.external_ids)}};
      if (spec.tag) port["tag"] = *spec.tag;
      links.push_back(tx.insert("Port", std::move(port)));
      plan.created.push_back(spec.name);
      continue;
    }
    const auto& [uuid, row] = found->second;
    if (!own_ports.contains(uuid)) {
      plan.refused[i] =
          make_error(Errc::kAlreadyExists, "add port: another bridge has it", spec.name);
      continue;
    }
    const auto interface_uuid = (*row)["interfaces"].uuid();
    const auto interface = replica.find("Interface", interface_uuid);
    if (interface == nullptr) continue;
    const auto differs = [&](std::string_view column, const auto& value) {
      return value && (*interface)[column].optional_integer() != std::int64_t{*value};
    };
    if ((*interface)["type"].string() != spec.type) wanted["type"] = spec.type;
    if ((*interface)["options"].string_map() != spec.options)
      wanted["options"] = wire(spec.options);
    if (differs("ofport_request", spec.ofport_request))
      wanted["ofport_request"] = *spec.ofport_request;
    if (differs("mtu_request", spec.mtu_request)) wanted["mtu_request"] = *spec.mtu_request;
    if (spec.mac && (*interface)["mac"].string() != *spec.mac) wanted["mac"] = *spec.mac;
    if (!wanted.empty()) tx.update("Interface", interface_uuid, std::move(wanted));
    if (spec.tag && (*row)["tag"].optional_integer() != std::int64_t{*spec.tag})
      tx.update("Port", uuid, {{"tag", *spec.tag}});
    tx.merge_map("Port", uuid, "external_ids",
                 missing(spec.external_ids, (*row)["external_ids"].string_map()));
  }
  if (!links.empty())
    tx.mutate("Bridge", bridge_uuid, {{"ports", "insert", wire_set(std::move(links))}});
  return plan;
}

awaitable<Result<std::vector<Result<Port>>>> VSwitch::add_ports(std::string bridge,
                                                                std::vector<PortSpec> specs,
                                                                Duration timeout) {
  const auto deadline = now() + timeout;
  std::vector<std::optional<Error>> refused;
  std::vector<std::string> created;
  for (int attempt = 1;; ++attempt) {
    ANTREA_CO_CHECK(co_await client_.wait_synced(deadline));
    ANTREA_CO_TRY(auto plan, plan_ports(bridge, specs));
    refused = std::move(plan.refused);
    if (plan.transaction.empty()) break;
    auto done = co_await client_.transact(std::move(plan.transaction), deadline - now());
    // What may have been made without our hearing of it is ours too.
    if (done || done.error().code == Errc::kUnavailable || done.error().code == Errc::kTimeout)
      created.insert(created.end(), plan.created.begin(), plan.created.end());
    if (done) break;
    if (attempt == kAttempts || now() >= deadline || !may_retry(done.error()))
      co_return std::move(done).error().within("add port",
                                               specs.size() == 1 ? specs[0].name : bridge);
  }

  std::vector<Uuid> interfaces(specs.size());
  std::vector<std::optional<Port>> ports(specs.size());
  std::unordered_map<std::string, Port> present;
  for (auto& port : this->ports(bridge)) present.emplace(port.name, std::move(port));
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (refused[i]) continue;
    if (const auto found = present.find(specs[i].name); found != present.end())
      interfaces[i] = found->second.interface_uuid;
  }
  std::size_t first_open = 0;  // interfaces before it have their number
  std::function<bool()> settled = [&] {
    for (; first_open < interfaces.size(); ++first_open) {
      if (interfaces[first_open].is_zero()) continue;
      const auto row = client_.replica().find("Interface", interfaces[first_open]);
      if (row != nullptr && (*row)["ofport"].empty()) return false;
    }
    return true;
  };
  co_await client_.wait_until(settled, deadline);

  present.clear();
  for (auto& port : this->ports(bridge)) present.emplace(port.name, std::move(port));
  std::vector<Result<Port>> outcomes;
  std::vector<std::string> undo;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const auto& name = specs[i].name;
    const auto found = present.find(name);
    if (refused[i]) {
      outcomes.emplace_back(*std::move(refused[i]));
    } else if (found == present.end()) {
      outcomes.emplace_back(make_error(Errc::kConflict, "add port: somebody deleted it", name));
    } else if (found->second.ofport.value_or(-1) > 0) {
      outcomes.emplace_back(std::move(found->second));
    } else {
      if (std::ranges::find(created, name) != created.end()) undo.push_back(name);
      if (!found->second.ofport)
        outcomes.emplace_back(make_error(Errc::kTimeout,
                                         "add port: the switch gave it no number in time", name,
                                         "is ovs-vswitchd running?"));
      else
        outcomes.emplace_back(
            make_error(Errc::kRejected,
                       "add port: " + (found->second.error.empty() ? "the switch could not make it"
                                                                   : found->second.error),
                       name));
    }
  }
  if (!undo.empty()) {
    auto undone = co_await del_ports(bridge, std::move(undo), std::chrono::seconds(5));
    if (!undone) {
      for (auto& outcome : outcomes) {
        if (outcome) continue;
        auto error = outcome.error();
        error.cause += "; it could not be taken out again: " + undone.error().cause;
        outcome = std::move(error);
      }
    }
  }
  co_return outcomes;
}

awaitable<Result<Port>> VSwitch::add_port(std::string bridge, PortSpec spec, Duration timeout) {
  std::vector<PortSpec> specs;
  specs.push_back(std::move(spec));
  auto outcomes = co_await add_ports(std::move(bridge), std::move(specs), timeout);
  if (!outcomes) co_return std::move(outcomes).error();
  co_return std::move(outcomes->front());
}

awaitable<Result<>> VSwitch::del_port(std::string bridge, std::string port, Duration timeout) {
  std::vector<std::string> names;
  names.push_back(std::move(port));
  co_return co_await del_ports(std::move(bridge), std::move(names), timeout);
}

awaitable<Result<>> VSwitch::del_ports(std::string bridge, std::vector<std::string> names,
                                       Duration timeout) {
  const auto deadline = now() + timeout;
  for (int attempt = 1;; ++attempt) {
    ANTREA_CO_CHECK(co_await client_.wait_synced(deadline));
    const auto owner = this->bridge(bridge);
    if (!owner) co_return Result<>{};
    json::array links;
    for (const auto& port : ports(bridge))
      if (std::ranges::find(names, port.name) != names.end()) links.push_back(wire(port.uuid));
    if (links.empty()) co_return Result<>{};
    Transaction tx;
    tx.mutate("Bridge", owner->uuid, {{"ports", "delete", wire_set(std::move(links))}});
    auto done = co_await client_.transact(std::move(tx), deadline - now());
    if (done) co_return Result<>{};
    if (attempt == kAttempts || now() >= deadline || !may_retry(done.error()))
      co_return std::move(done).error().within("delete port", names.front());
  }
}

awaitable<Result<>> VSwitch::set_map(std::string table, std::string name, std::string column,
                                     StringMap set, std::vector<std::string> drop,
                                     Duration timeout) {
  const auto deadline = now() + timeout;
  for (int attempt = 1;; ++attempt) {
    ANTREA_CO_CHECK(co_await client_.wait_synced(deadline));
    Uuid uuid;
    RowPtr row;
    if (name.empty()) {
      row = root();
      if (row != nullptr) uuid = client_.replica().table(table).begin()->first;
    } else {
      std::tie(uuid, row) = find_by_name(table, name);
    }
    if (row == nullptr)
      co_return make_error(Errc::kNotFound, "set " + column + ": no such " + table, name);
    const auto present = (*row)[column].string_map();
    const auto lacking = missing(set, present);
    std::vector<std::string> gone;
    for (const auto& key : drop)
      if (present.contains(key) && !set.contains(key)) gone.push_back(key);
    if (lacking.empty() && gone.empty()) co_return Result<>{};
    Transaction tx;
    tx.merge_map(table, uuid, column, lacking, gone);
    auto done = co_await client_.transact(std::move(tx), deadline - now());
    if (done) co_return Result<>{};
    if (attempt == kAttempts || now() >= deadline || !may_retry(done.error()))
      co_return std::move(done).error().within("set " + column, name);
  }
}

awaitable<Result<>> VSwitch::set_bridge_external_ids(std::string bridge, StringMap set,
                                                     std::vector<std::string> drop,
                                                     Duration timeout) {
  return set_map("Bridge", std::move(bridge), "external_ids", std::move(set), std::move(drop),
                 timeout);
}

awaitable<Result<>> VSwitch::set_port_external_ids(std::string port, StringMap set,
                                                   std::vector<std::string> drop,
                                                   Duration timeout) {
  return set_map("Port", std::move(port), "external_ids", std::move(set), std::move(drop), timeout);
}

awaitable<Result<>> VSwitch::set_other_config(StringMap set, std::vector<std::string> drop,
                                              Duration timeout) {
  return set_map("Open_vSwitch", {}, "other_config", std::move(set), std::move(drop), timeout);
}

awaitable<Result<>> VSwitch::wait_configured(Duration timeout) {
  const auto deadline = now() + timeout;
  Transaction tx;
  tx.mutate("Open_vSwitch", {}, {{"next_cfg", "+=", 1}});
  const auto select = tx.select("Open_vSwitch", {}, {"next_cfg"});
  ANTREA_CO_TRY(const auto done, co_await client_.transact(std::move(tx), timeout));
  const auto rows = done.rows(select);
  const auto* next = rows.empty() ? nullptr : rows[0].as_object().if_contains("next_cfg");
  if (next == nullptr || !next->is_int64())
    co_return make_error(Errc::kMalformed, "wait for the switch: no next_cfg");
  const auto goal = next->get_int64();
  std::function<bool()> caught_up = [&] {
    const auto row = root();
    return row != nullptr && (*row)["cur_cfg"].integer() >= goal;
  };
  if (!co_await client_.wait_until(caught_up, deadline))
    co_return make_error(Errc::kTimeout, "wait for the switch: it did not catch up in time", {},
                         "is ovs-vswitchd running?");
  co_return Result<>{};
}

}  // namespace antrea::ovsdb
