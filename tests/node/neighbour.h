#pragma once

#include <gtest/gtest.h>

#include <string>

#include "antrea/node/netlink.h"
#include "tests/node/lab.h"

namespace antrea::node {

/// Whether somebody tells who asks, from its eth0, a MAC for the address.
inline bool neighbour_answers(lab::Namespace& asking, const std::string& address) {
  asking.run({"ip", "neighbour", "flush", "all"});
  asking.enter([&] {
    auto netlink = Netlink::open();
    ASSERT_TRUE(netlink) << netlink.error().to_string();
    const auto link = netlink->link("eth0");
    ASSERT_TRUE(link) << link.error().to_string();
    const auto asked = netlink->probe_neighbour(link->index, *IpAddress::parse(address));
    EXPECT_TRUE(asked) << asked.error().to_string();
  });
  std::string entry;
  const auto says = [&](const char* word) { return entry.find(word) != std::string::npos; };
  EXPECT_TRUE(lab::eventually([&] {
    entry = asking.run({"ip", "neighbour", "show", address});
    return says("lladdr") || says("FAILED");
  })) << entry;
  return says("lladdr");
}

}  // namespace antrea::node
