// Routes, rules and neighbours.
#include <fmt/format.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>

#include "netlink_impl.h"

namespace antrea::node {
namespace {

std::string describe(const Route& route) {
  return fmt::format("route {}{}", route.destination.to_string(),
                     route.gateway ? " via " + route.gateway->to_string() : "");
}

}  // namespace

Result<std::vector<Route>> Netlink::routes() {
  std::vector<Route> routes;
  const int error =
      impl_->talk(NetlinkRequest(RTM_GETROUTE, NLM_F_DUMP, rtmsg{}), [&](nlmsghdr* reply) {
        NetlinkAttributes<RTA_MAX + 1> attributes;
        nlmsg_parse(reply, sizeof(rtmsg), attributes.at, RTA_MAX, nullptr);
        const auto* const info = static_cast<rtmsg*>(nlmsg_data(reply));
        if (info->rtm_type != RTN_UNICAST || (info->rtm_flags & RTM_F_CLONED) != 0) return;
        if (info->rtm_family != AF_INET && info->rtm_family != AF_INET6) return;
        Route route;
        route.destination = IpPrefix(
            attributes.address(RTA_DST).value_or(any_address(info->rtm_family)), info->rtm_dst_len);
        route.gateway = attributes.address(RTA_GATEWAY);
        route.source = attributes.address(RTA_PREFSRC);
        route.link = attributes.u32(RTA_OIF);
        route.table =
            attributes.at[RTA_TABLE] != nullptr ? attributes.u32(RTA_TABLE) : info->rtm_table;
        route.metric = attributes.u32(RTA_PRIORITY);
        route.onlink = (info->rtm_flags & RTNH_F_ONLINK) != 0;
        route.link_scope = info->rtm_scope == RT_SCOPE_LINK;
        route.protocol = info->rtm_protocol;
        if (route.table != RT_TABLE_LOCAL) routes.push_back(route);
      });
  if (error != 0) return errno_error(error, "list routes");
  return routes;
}

namespace {
NetlinkRequest on_route(int type, int flags, const Route& route) {
  rtmsg header{};
  header.rtm_family = netlink_family(route.destination.family());
  header.rtm_dst_len = static_cast<unsigned char>(route.destination.length());
  header.rtm_table = static_cast<unsigned char>(route.table < 256 ? route.table : 0);
  if (type == RTM_NEWROUTE) {
    header.rtm_protocol = route.protocol;
    header.rtm_type = RTN_UNICAST;
    header.rtm_scope =
        static_cast<unsigned char>(route.link_scope ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
    if (route.onlink) header.rtm_flags = RTNH_F_ONLINK;
  } else {
    header.rtm_scope = RT_SCOPE_NOWHERE;
  }
  NetlinkRequest request(type, NLM_F_ACK | flags, header);
  if (route.destination.length() != 0) request.put(RTA_DST, route.destination.address());
  if (route.gateway) request.put(RTA_GATEWAY, *route.gateway);
  if (route.source && type == RTM_NEWROUTE) request.put(RTA_PREFSRC, *route.source);
  if (route.link != 0) request.put(RTA_OIF, route.link);
  if (route.metric != 0) request.put(RTA_PRIORITY, route.metric);
  request.put(RTA_TABLE, route.table);
  return request;
}
}  // namespace

Result<> Netlink::replace_route(const Route& route) {
  return impl_->order(on_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route), "set route",
                      describe(route));
}

Result<> Netlink::delete_route(const Route& route) {
  return impl_->order(on_route(RTM_DELROUTE, 0, route), "delete route", describe(route), ESRCH);
}

Result<std::vector<RoutingRule>> Netlink::rules() {
  std::vector<RoutingRule> rules;
  const int error =
      impl_->talk(NetlinkRequest(RTM_GETRULE, NLM_F_DUMP, fib_rule_hdr{}), [&](nlmsghdr* reply) {
        NetlinkAttributes<FRA_MAX + 1> attributes;
        nlmsg_parse(reply, sizeof(fib_rule_hdr), attributes.at, FRA_MAX, nullptr);
        const auto* const info = static_cast<fib_rule_hdr*>(nlmsg_data(reply));
        if (info->action != FR_ACT_TO_TBL) return;
        if (info->family != AF_INET && info->family != AF_INET6) return;
        RoutingRule rule;
        rule.family = info->family == AF_INET ? Family::kIPv4 : Family::kIPv6;
        rule.priority = attributes.u32(FRA_PRIORITY);
        rule.input = attributes.text(FRA_IIFNAME);
        rule.mark = attributes.u32(FRA_FWMARK);
        rule.mask = attributes.u32(FRA_FWMASK);
        rule.table = attributes.at[FRA_TABLE] != nullptr ? attributes.u32(FRA_TABLE) : info->table;
        if (attributes.at[FRA_PROTOCOL] != nullptr)
          rule.protocol = nla_get_u8(attributes.at[FRA_PROTOCOL]);
        rules.push_back(std::move(rule));
      });
  if (error != 0) return errno_error(error, "list rules");
  return rules;
}

namespace {
NetlinkRequest on_rule(int type, int flags, const RoutingRule& rule) {
  fib_rule_hdr header{};
  header.family = netlink_family(rule.family);
  header.table = static_cast<unsigned char>(rule.table < 256 ? rule.table : 0);
  header.action = FR_ACT_TO_TBL;
  NetlinkRequest request(type, NLM_F_ACK | flags, header);
  request.put(FRA_PRIORITY, rule.priority).put(FRA_TABLE, rule.table);
  if (!rule.input.empty()) request.put(FRA_IIFNAME, rule.input);
  if (rule.mask != 0) request.put(FRA_FWMARK, rule.mark).put(FRA_FWMASK, rule.mask);
  request.put_byte(FRA_PROTOCOL, rule.protocol);
  return request;
}

std::string describe(const RoutingRule& rule) {
  return fmt::format("rule of mark {:#x}/{:#x} for table {}", rule.mark, rule.mask, rule.table);
}
}  // namespace

Result<> Netlink::add_rule(const RoutingRule& rule) {
  return impl_->order(on_rule(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule), "add rule",
                      describe(rule), EEXIST);
}

Result<> Netlink::delete_rule(const RoutingRule& rule) {
  return impl_->order(on_rule(RTM_DELRULE, 0, rule), "delete rule", describe(rule), ENOENT);
}

Result<std::vector<Neighbour>> Netlink::permanent_neighbours() {
  std::vector<Neighbour> neighbours;
  const int error =
      impl_->talk(NetlinkRequest(RTM_GETNEIGH, NLM_F_DUMP, ndmsg{}), [&](nlmsghdr* reply) {
        NetlinkAttributes<NDA_MAX + 1> attributes;
        nlmsg_parse(reply, sizeof(ndmsg), attributes.at, NDA_MAX, nullptr);
        const auto* const info = static_cast<ndmsg*>(nlmsg_data(reply));
        const auto address = attributes.address(NDA_DST);
        if ((info->ndm_state & NUD_PERMANENT) != 0 && address)
          neighbours.push_back({static_cast<std::uint32_t>(info->ndm_ifindex), *address,
                                attributes.mac(NDA_LLADDR)});
      });
  if (error != 0) return errno_error(error, "list neighbours");
  return neighbours;
}

namespace {
NetlinkRequest on_neighbour(int type, int flags, const Neighbour& neighbour) {
  ndmsg header{};
  header.ndm_family = netlink_family(neighbour.address.family());
  header.ndm_ifindex = static_cast<int>(neighbour.link);
  header.ndm_state = NUD_PERMANENT;
  NetlinkRequest request(type, NLM_F_ACK | flags, header);
  request.put(NDA_DST, neighbour.address).put(NDA_LLADDR, neighbour.mac);
  return request;
}
}  // namespace

Result<> Netlink::replace_neighbour(const Neighbour& neighbour) {
  return impl_->order(on_neighbour(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, neighbour),
                      "set neighbour", neighbour.address.to_string());
}

Result<> Netlink::delete_neighbour(const Neighbour& neighbour) {
  return impl_->order(on_neighbour(RTM_DELNEIGH, 0, neighbour), "delete neighbour",
                      neighbour.address.to_string(), ENOENT);
}

Result<> Netlink::probe_neighbour(std::uint32_t link, const IpAddress& address) {
  ANTREA_TRY(const auto permanent, permanent_neighbours());
  for (const auto& each : permanent)
    if (each.link == link && each.address == address) return {};
  ndmsg header{};
  header.ndm_family = netlink_family(address.family());
  header.ndm_ifindex = static_cast<int>(link);
  header.ndm_state = NUD_PROBE;
  NetlinkRequest known(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_REPLACE, header);
  known.put(NDA_DST, address);
  if (impl_->talk(known) == 0) return {};
  header.ndm_state = NUD_NONE;  // not known, or not found when asked before
  header.ndm_flags = NTF_USE;
  NetlinkRequest anew(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE, header);
  anew.put(NDA_DST, address);
  return impl_->order(anew, "ask neighbour", address.to_string());
}

Result<std::set<IpAddress>> Netlink::proxy_neighbours(std::uint32_t link) {
  std::set<IpAddress> out;
  ndmsg question{};
  question.ndm_flags = NTF_PROXY;
  const int error =
      impl_->talk(NetlinkRequest(RTM_GETNEIGH, NLM_F_DUMP, question), [&](nlmsghdr* reply) {
        NetlinkAttributes<NDA_MAX + 1> attributes;
        nlmsg_parse(reply, sizeof(ndmsg), attributes.at, NDA_MAX, nullptr);
        const auto* const info = static_cast<ndmsg*>(nlmsg_data(reply));
        const auto address = attributes.address(NDA_DST);
        const nlattr* const protocol = attributes.at[NDA_PROTOCOL];
        if (static_cast<std::uint32_t>(info->ndm_ifindex) == link &&
            (info->ndm_flags & NTF_PROXY) != 0 && address && protocol != nullptr &&
            nla_get_u8(protocol) == kAntreaProtocol)
          out.insert(*address);
      });
  if (error != 0) return errno_error(error, "list proxy neighbours");
  return out;
}

namespace {
NetlinkRequest on_proxy_neighbour(int type, int flags, std::uint32_t link,
                                  const IpAddress& address) {
  ndmsg header{};
  header.ndm_family = netlink_family(address.family());
  header.ndm_ifindex = static_cast<int>(link);
  header.ndm_flags = NTF_PROXY;
  NetlinkRequest request(type, NLM_F_ACK | flags, header);
  request.put(NDA_DST, address).put_byte(NDA_PROTOCOL, kAntreaProtocol);
  return request;
}
}  // namespace

Result<> Netlink::add_proxy_neighbour(std::uint32_t link, const IpAddress& address) {
  return impl_->order(on_proxy_neighbour(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, link, address),
                      "answer for", address.to_string());
}

Result<> Netlink::delete_proxy_neighbour(std::uint32_t link, const IpAddress& address) {
  return impl_->order(on_proxy_neighbour(RTM_DELNEIGH, 0, link, address), "answer no more for",
                      address.to_string(), ENOENT);
}

}  // namespace antrea::node
