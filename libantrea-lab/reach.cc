#include "antrea/lab/reach.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <map>
#include <set>

#include "antrea/lab/dns.h"
#include "antrea/lab/topology.h"

namespace antrea::lab {
namespace {

namespace json = boost::json;

constexpr std::uint16_t kDnsPort = 53;
constexpr unsigned kRepeatsPerAnswerer =
    24;  // all of n equally likely are seen with p > 1 - n * e^-24

std::string text(const json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

template <typename F>
void each(const json::object& object, const char* key, F take) {
  const auto* list = object.if_contains(key);
  if (list == nullptr || !list->is_array()) return;
  for (const auto& entry : list->as_array()) {
    if (entry.is_object()) take(entry.as_object());
  }
}

std::vector<ResponderPort> ports_of(const json::object& object) {
  std::vector<ResponderPort> out;
  each(object, "ports", [&](const json::object& port) {
    const auto* number = port.if_contains("port");
    auto protocol = parse_protocol(text(port, "protocol"));
    if (number != nullptr && number->is_int64() && protocol)
      out.push_back({static_cast<std::uint16_t>(number->as_int64()), *protocol});
  });
  return out;
}

bool is_service(const std::string& name) { return name.starts_with("service/"); }
bool is_host(const std::string& name) { return name == "outside" || name.starts_with("node/"); }
bool is_name(const std::string& address) { return IpAddress::parse(address).has_error(); }

bool matches(const std::vector<std::string>& wanted, const std::string& name) {
  if (wanted.empty()) return true;
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& w) {
    return name == w ||
           (name.size() > w.size() && name.ends_with(w) && name[name.size() - w.size() - 1] == '/');
  });
}

/// The name by which a Pod of any namespace may ask for a Service.
std::string service_name(const std::string& place) {
  const auto ns = place.find('/') + 1;
  const auto name = place.find('/', ns) + 1;
  return place.substr(name) + "." + place.substr(ns, name - ns - 1);
}

std::string title(const Reach& r) {
  return fmt::format("{} {}/{}", is_name(r.address) && !r.address.empty() ? r.address : r.to,
                     r.port, to_string(r.protocol));
}

std::string join(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, " and "));
}

/// "allowed, by default/a and default/b" where it matters who.
std::string verdict(const Reach& r, bool with_answerers) {
  std::string out(to_string(r.result));
  if (with_answerers && !r.answered_by.empty()) out += " by " + join(r.answered_by);
  if (r.result == Outcome::kError && !r.reason.empty()) out += ": " + r.reason;
  return out;
}

bool as_expected(const Reach& want, const Reach& got) {
  if (want.result != got.result) return false;
  if (want.answered_by.empty()) return true;
  return std::set(want.answered_by.begin(), want.answered_by.end()) ==
         std::set(got.answered_by.begin(), got.answered_by.end());
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += fmt::format("{:<{}}", row[i], i + 1 == row.size() ? 0 : widths[i] + 3);
    out += line + "\n";
  }
  return out;
}

/// A DNS query as UDP and TCP carry it, for probes of a name server.
std::string dns_question(Protocol protocol) {
  const auto query = make_dns_query("outside", Family::kIPv4, 0x1ab);
  std::string out(reinterpret_cast<const char*>(query->data()), query->size());
  if (protocol == Protocol::kTcp)
    out = std::string{static_cast<char>(out.size() >> 8), static_cast<char>(out.size())} + out;
  return out;
}

}  // namespace

const Inventory::Place* Inventory::find(const std::string& name) const {
  const auto at = std::find_if(places.begin(), places.end(), [&](const Place& p) {
    return p.name == name || (p.name == "outside" && name == "outside/" + p.address);
  });
  return at == places.end() ? nullptr : &*at;
}

Inventory take_inventory(const json::object& status) {
  const std::vector<ResponderPort> host_ports{{80, Protocol::kTcp}};
  Inventory out;
  each(status, "pods", [&](const json::object& pod) {
    if (text(pod, "phase") != "Running") return;
    const std::string ns = text(pod, "namespace");
    const std::string name = ns + "/" + text(pod, "name");
    out.places.push_back({name, text(pod, "address"), ports_of(pod), name, ns});
  });
  each(status, "services", [&](const json::object& service) {
    out.places.push_back({"service/" + text(service, "namespace") + "/" + text(service, "name"),
                          text(service, "address"),
                          ports_of(service),
                          {},
                          {}});
  });
  each(status, "nodes", [&](const json::object& node) {
    const std::string name = text(node, "name");
    out.places.push_back({"node/" + name, text(node, "address"), host_ports, name, {}});
  });
  if (const std::string address = text(status, "outside"); !address.empty())
    out.places.push_back({"outside", address, host_ports, "outside", {}});
  return out;
}

bool selects(const ReachFilter& filter, const Reach& q) {
  const auto in = [](const auto& list, const auto& value) {
    return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
  };
  return matches(filter.from, q.from) && matches(filter.to, q.to) && in(filter.ports, q.port) &&
         in(filter.protocols, q.protocol);
}

std::vector<Reach> plan_reach(const Inventory& inventory, const ReachFilter& filter) {
  std::vector<Reach> out;
  auto wanted = [&](Protocol protocol) {
    return filter.protocols.empty() || std::find(filter.protocols.begin(), filter.protocols.end(),
                                                 protocol) != filter.protocols.end();
  };
  for (const auto& from : inventory.places) {
    if (from.location.empty() || !matches(filter.from, from.name)) continue;
    for (const auto& to : inventory.places) {
      if (to.address.empty() || to.name == from.name || !matches(filter.to, to.name)) continue;
      if (from.name == "outside" && !is_host(to.name)) continue;
      std::set<ResponderPort> ports(to.ports.begin(), to.ports.end());
      if (!filter.ports.empty()) {
        ports.clear();
        const auto protocols =
            filter.protocols.empty() ? std::vector{Protocol::kTcp} : filter.protocols;
        for (auto port : filter.ports) {
          for (auto protocol : protocols) ports.insert({port, protocol});
        }
      }
      for (const auto& [port, protocol] : ports) {
        if (!wanted(protocol)) continue;
        out.push_back({from.name, to.name, to.address, port, protocol, {}, {}, {}});
        if (is_service(to.name) && !from.pod_namespace.empty())
          out.push_back({from.name, to.name, service_name(to.name), port, protocol, {}, {}, {}});
      }
    }
  }
  return out;
}

json::object encode_reach(const std::vector<Reach>& probes) {
  json::array list;
  for (const Reach& r : probes) {
    json::object entry{{"from", r.from},
                       {"to", r.to},
                       {"address", r.address},
                       {"port", r.port},
                       {"protocol", to_string(r.protocol)},
                       {"result", to_string(r.result)}};
    if (!r.reason.empty()) entry["reason"] = r.reason;
    if (!r.answered_by.empty())
      entry["answeredBy"] = json::array(r.answered_by.begin(), r.answered_by.end());
    list.push_back(std::move(entry));
  }
  return {{"probes", std::move(list)}};
}

Result<std::vector<Reach>> decode_reach(const json::value& value) {
  const auto* root = value.if_object();
  const auto* probes = root != nullptr ? root->if_contains("probes") : nullptr;
  if (probes == nullptr || !probes->is_array())
    return make_error(Errc::kMalformed, "no list of probes", "probes");
  std::vector<Reach> out;
  for (std::size_t i = 0; i < probes->as_array().size(); ++i) {
    const auto* entry = probes->as_array()[i].if_object();
    auto bad = [&](const char* key, std::string why) {
      return make_error(Errc::kMalformed, std::move(why), fmt::format("probes[{}].{}", i, key));
    };
    if (entry == nullptr) return bad("", "not an object");
    for (const auto& [key, ignored] : *entry) {
      // "rule" is who decides, as `antctl policy reach` tells it: no packet does.
      static const std::set<std::string_view> kKnown{
          "from", "to", "address", "port", "protocol", "result", "reason", "answeredBy", "rule"};
      if (!kKnown.contains(key)) return bad(std::string(key).c_str(), "no such key");
    }
    Reach r{
        .from = text(*entry, "from"), .to = text(*entry, "to"), .address = text(*entry, "address")};
    r.reason = text(*entry, "reason");
    if (r.from.empty()) return bad("from", "missing");
    if (r.to.empty()) return bad("to", "missing");
    if (const auto* port = entry->if_contains("port")) {
      boost::system::error_code ec;
      r.port = port->is_number() ? port->to_number<std::uint16_t>(ec) : std::uint16_t{0};
      if (ec || r.port == 0) return bad("port", "expected a number from 1 to 65535");
    }
    if (entry->contains("protocol")) {
      auto protocol = parse_protocol(text(*entry, "protocol"));
      if (protocol.has_error()) return bad("protocol", protocol.error().cause);
      r.protocol = *protocol;
    }
    bool known = false;
    for (Outcome o : {Outcome::kAllowed, Outcome::kDropped, Outcome::kRejected, Outcome::kError}) {
      if (text(*entry, "result") != to_string(o)) continue;
      r.result = o;
      known = true;
    }
    if (!known) return bad("result", "expected allowed, dropped, rejected or error");
    if (const auto* by = entry->if_contains("answeredBy")) {
      if (!by->is_array()) return bad("answeredBy", "expected a list of names");
      for (const auto& name : by->as_array()) {
        if (!name.is_string()) return bad("answeredBy", "expected a list of names");
        r.answered_by.emplace_back(name.as_string());
      }
    }
    out.push_back(std::move(r));
  }
  return out;
}

Result<std::vector<Reach>> questions_of(const std::vector<Reach>& expected,
                                        const Inventory& inventory) {
  std::vector<Reach> out;
  for (const Reach& want : expected) {
    const auto* from = inventory.find(want.from);
    const auto* to = inventory.find(want.to);
    if (from == nullptr || from->location.empty())
      return make_error(Errc::kNotFound, "nothing of that name runs in the lab", want.from);
    if (to == nullptr || to->address.empty())
      return make_error(Errc::kNotFound, "nothing of that name has an address in the lab", want.to);
    Reach question = want;
    if (want.address.empty() || !is_name(want.address)) question.address = to->address;
    question.reason.clear();
    out.push_back(std::move(question));
  }
  return out;
}

Result<std::vector<Reach>> ask(
    std::vector<Reach> questions, const Inventory& inventory,
    const std::function<Result<const NetNamespace*>(const std::string&)>& network_of,
    const ProberOptions& options) {
  std::vector<ProbeRequest> requests;
  std::vector<std::size_t> question_of;  // of each request
  std::map<std::pair<std::string, std::string>, Result<std::vector<IpAddress>>> resolved;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    Reach& q = questions[i];
    ANTREA_TRY(const NetNamespace* net, network_of(q.from));
    q.result = Outcome::kError;
    IpAddress address;
    if (auto literal = IpAddress::parse(q.address)) {
      address = *literal;
    } else {
      const auto key = std::pair(q.from, q.address);
      auto found = resolved.find(key);
      if (found == resolved.end()) {
        const auto* from = inventory.find(q.from);
        std::vector<std::string> search;
        if (from != nullptr && !from->pod_namespace.empty())
          search = {from->pod_namespace + ".svc.cluster.local", "svc.cluster.local",
                    "cluster.local"};
        found =
            resolved.emplace(key, resolve(*net, LabNetwork::outside(), q.address, search)).first;
      }
      if (found->second.has_error()) {
        q.reason = "cannot resolve the name: " + found->second.error().cause;
        q.answered_by.clear();
        continue;
      }
      address = found->second->front();
    }
    const bool dns = q.port == kDnsPort && q.protocol != Protocol::kSctp;
    const std::size_t repeats =
        q.answered_by.size() < 2 ? 1 : q.answered_by.size() * kRepeatsPerAnswerer;
    q.answered_by.clear();
    for (std::size_t n = 0; n < repeats; ++n) {
      requests.push_back({net, address, q.port, q.protocol});
      if (dns) {
        requests.back().question = dns_question(q.protocol);
        requests.back().any_answer = true;
      }
      question_of.push_back(i);
    }
  }

  const auto results = probe(requests, options);
  std::vector<std::set<std::string>> answerers(questions.size());
  std::vector<bool> seen(questions.size());
  for (std::size_t n = 0; n < results.size(); ++n) {
    const std::size_t i = question_of[n];
    Reach& q = questions[i];
    const ProbeResult& result = results[n];
    // One that is repeated is as good as its worst.
    if (!seen[i] || q.result == Outcome::kAllowed) {
      q.result = result.outcome;
      q.reason = result.reason;
    }
    seen[i] = true;
    const auto name = result.answer.substr(0, result.answer.find(' '));
    if (!name.empty()) answerers[i].insert(name);
  }
  for (std::size_t i = 0; i < questions.size(); ++i)
    questions[i].answered_by.assign(answerers[i].begin(), answerers[i].end());
  return questions;
}

std::vector<std::string> compare_reach(const std::vector<Reach>& expected,
                                       const std::vector<Reach>& found) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Reach& want = expected[i];
    if (i >= found.size()) {
      out.push_back(fmt::format("{} -> {}: expected {}, not probed", want.from, title(want),
                                verdict(want, true)));
    } else if (!as_expected(want, found[i])) {
      out.push_back(fmt::format("{} -> {}: expected {}, found {}", want.from, title(want),
                                verdict(want, true), verdict(found[i], !want.answered_by.empty())));
    }
  }
  return out;
}

std::string print_matrix(const std::vector<Reach>& probes) {
  std::vector<std::string> columns;
  std::vector<std::string> sources;
  std::map<std::pair<std::string, std::string>, std::string> cells;
  auto remember = [](std::vector<std::string>& list, const std::string& entry) {
    if (std::find(list.begin(), list.end(), entry) == list.end()) list.push_back(entry);
  };
  std::vector<std::string> notes;
  for (const Reach& r : probes) {
    remember(sources, r.from);
    remember(columns, title(r));
    cells[{r.from, title(r)}] = to_string(r.result);
    if (r.result == Outcome::kError)
      notes.push_back(fmt::format("{} -> {}: {}", r.from, title(r), r.reason));
  }
  std::vector<std::vector<std::string>> rows;
  rows.push_back({"FROM"});
  for (const auto& column : columns) rows[0].push_back(column);
  for (const auto& source : sources) {
    rows.push_back({source});
    for (const auto& column : columns) {
      const auto cell = cells.find({source, column});
      rows.back().push_back(cell == cells.end() ? "-" : cell->second);
    }
  }
  std::string out = table(rows);
  for (const auto& note : notes) out += note + "\n";
  return out;
}

std::string print_comparison(const std::vector<Reach>& expected, const std::vector<Reach>& found) {
  std::vector<std::vector<std::string>> rows{{"FROM", "TO", "EXPECTED", "REAL", ""}};
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < expected.size() && i < found.size(); ++i) {
    const bool good = as_expected(expected[i], found[i]);
    if (!good) ++wrong;
    rows.push_back({expected[i].from, title(expected[i]), verdict(expected[i], true),
                    verdict(found[i], !expected[i].answered_by.empty()), good ? "ok" : "DIFFERS"});
  }
  return table(rows) + (wrong == 0
                            ? fmt::format("{} probes, all as expected\n", found.size())
                            : fmt::format("{} probes, {} not as expected\n", found.size(), wrong));
}

}  // namespace antrea::lab
