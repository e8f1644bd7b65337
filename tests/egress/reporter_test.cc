// What a Node tells of Egresses: their status and Events.
#include "antrea/egress/reporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "antrea/api/egress_json.h"
#include "tests/egress/objects.h"

namespace antrea::egress {
namespace {

using api::crd::Condition;
using api::crd::EgressStatus;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kReportedAt = "2026-01-01T00:00:00Z", kReportedLater = "2026-01-01T00:01:00Z";
const IpAddress kReportedIp = ip("10.10.0.1");

/// Three Nodes that are alive, and Egress "e" with an address of a pool.
struct ReportedCluster {
  ReportedCluster() {
    egresses["e"] = make_egress("e", {kReportedIp.to_string()});
    egresses["e"].metadata.uid = "uid-e";
    tell();
  }
  void tell() {
    SchedulerInput input{.pools = {make_pool("pool")}};
    input.alive.emplace();
    for (const char* name : {"node1", "node2", "node3"}) {
      input.nodes.push_back(make_node(name, {}, annotations));
      input.alive->insert(name);
    }
    for (const auto& [name, egress] : egresses) input.egresses.push_back(egress);
    scheduler.apply(input, {});
  }
  std::string owner() const { return scheduler.placements().begin()->second.owner; }
  std::string other() const { return owner() == "node1" ? "node2" : "node1"; }
  Report report(const std::string& node, const NodeShare& share,
                const std::string& now = kReportedAt) {
    return Reporter(node).apply(egresses, scheduler, share, now);
  }
  EgressStatus& status() { return egresses["e"].status; }

  api::Labels annotations;
  std::map<std::string, api::crd::Egress> egresses;
  Scheduler scheduler;
};

Condition assigned_since(const std::string& time) {
  return {std::string(kIpAssigned), "True", "Assigned",
          "EgressIP is successfully assigned to EgressNode", time};
}

TEST(Reporter, WhoHasTheAddressSaysSoAndOthersAreSilent) {
  ReportedCluster cluster;
  const auto report = cluster.report("node1", {{kReportedIp}, {}});
  ASSERT_EQ(report.statuses.size(), 1U);
  const auto& status = report.statuses.at("e");
  EXPECT_EQ(status.egress_node, "node1");
  EXPECT_EQ(status.egress_ip, kReportedIp.to_string());
  EXPECT_THAT(status.conditions, ElementsAre(assigned_since(kReportedAt)));
  EXPECT_THAT(cluster.report("node2", {}).statuses, IsEmpty());
  // antrea#2444: what is said already is not said again, nor taken back by those who lack it.
  cluster.status() = status;
  EXPECT_THAT(cluster.report("node1", {{kReportedIp}, {}}, kReportedLater).statuses, IsEmpty());
  EXPECT_THAT(cluster.report("node2", {}, kReportedLater).statuses, IsEmpty());
}

TEST(Reporter, AnAddressThatMovesIsWrittenOnceHoweverOftenAllAreAsked) {  // antrea#2884
  ReportedCluster cluster;
  std::map<std::string, Reporter> reporters;
  for (const char* name : {"node1", "node2", "node3"}) reporters.emplace(name, name);
  std::vector<std::string> written, told;
  const auto ask_all = [&](const std::string& owner) {
    for (auto& [name, reporter] : reporters) {
      const NodeShare share{name == owner ? std::set{kReportedIp} : std::set<IpAddress>(), {}};
      const auto report = reporter.apply(cluster.egresses, cluster.scheduler, share, kReportedAt);
      for (const auto& [egress, status] : report.statuses) {
        written.push_back(name + ": " + status.egress_node);
        cluster.egresses[egress].status = status;  // as the others see it next
      }
      for (const auto& event : report.events)
        told.push_back(name + (event.assigned ? " has it" : " has it no more"));
    }
  };
  for (const char* owner : {"node2", "", "node1"})  // between two owners nobody has it
    for (int round = 0; round < 3; ++round) ask_all(owner);
  EXPECT_THAT(written, ElementsAre("node2: node2", "node1: node1"));
  EXPECT_THAT(told, ElementsAre("node2 has it", "node2 has it no more", "node1 has it"));
}

TEST(Reporter, ConditionsOfOthersStayAndTimesChangeOnlyWithTheirStatus) {
  ReportedCluster cluster;
  const Condition foreign{"IPAllocated", "True", "Allocated", "", kReportedAt};
  cluster.status() = {"node2", kReportedIp.to_string(), {foreign, assigned_since(kReportedAt)}};
  auto report = cluster.report("node1", {{kReportedIp}, {}}, kReportedLater);
  EXPECT_THAT(report.statuses.at("e").conditions,
              ElementsAre(foreign, assigned_since(kReportedAt)));
  cluster.status().conditions[1].status = "False";
  report = cluster.report("node1", {{kReportedIp}, {}}, kReportedLater);
  EXPECT_THAT(report.statuses.at("e").conditions,
              ElementsAre(foreign, assigned_since(kReportedLater)));
}

TEST(Reporter, WhatNobodyCanHaveIsToldByOneNode) {
  ReportedCluster cluster;
  cluster.annotations[std::string(kMaxEgressIps)] = "0";
  cluster.status() = {"node1", kReportedIp.to_string(), {assigned_since(kReportedAt)}};
  cluster.tell();
  ASSERT_EQ(cluster.owner(), "");
  unsigned said = 0;
  for (const char* node : {"node1", "node2", "node3"}) {
    const auto report = cluster.report(node, {}, kReportedLater);
    said += static_cast<unsigned>(report.statuses.size());
    if (report.statuses.empty()) continue;
    const EgressStatus& status = report.statuses.at("e");
    EXPECT_EQ(status.egress_node, "");
    EXPECT_EQ(status.egress_ip, "");
    EXPECT_THAT(status.conditions,
                ElementsAre(Condition{std::string(kIpAssigned), "False", "AssignmentError",
                                      "Failed to assign the IP to EgressNode: " +
                                          std::string(to_string(Unowned::kFull)),
                                      kReportedLater}));
  }
  EXPECT_EQ(said, 1U);
}

TEST(Reporter, WhoCannotHaveWhatIsItsOwnSaysWhy) {
  ReportedCluster cluster;
  const NodeShare share{{}, {{kReportedIp, "its ExternalIPPool is in VLAN 7"}}};
  const auto report = cluster.report(cluster.owner(), share);
  ASSERT_EQ(report.statuses.size(), 1U);
  EXPECT_EQ(report.statuses.at("e").conditions.at(0).message,
            "Failed to assign the IP to EgressNode: its ExternalIPPool is in VLAN 7");
  EXPECT_THAT(cluster.report(cluster.other(), {}).statuses, IsEmpty());
}

TEST(Reporter, AnAddressThatItsUserAssignsHasNoCondition) {
  ReportedCluster cluster;
  cluster.egresses["e"].spec.addresses = {{kReportedIp, ""}};
  cluster.status().conditions = {assigned_since(kReportedAt)};
  cluster.tell();
  auto report = cluster.report("node1", {{kReportedIp}, {}});
  EXPECT_EQ(report.statuses.at("e"), (EgressStatus{"node1", kReportedIp.to_string(), {}}));
  // When it has been taken off, its Node says so, and no other one.
  cluster.status() = report.statuses.at("e");
  EXPECT_EQ(cluster.report("node1", {}).statuses.at("e"), EgressStatus());
  EXPECT_THAT(cluster.report("node2", {}).statuses, IsEmpty());
}

TEST(Reporter, OfSeveralAddressesTheFirstThatIsHereIsSaid) {
  ReportedCluster cluster;
  cluster.egresses["e"] = make_egress("e", {"10.10.0.1", "10.10.0.2", "10.10.0.3"});
  cluster.tell();
  const auto report = cluster.report("node1", {{ip("10.10.0.3"), ip("10.10.0.2")}, {}});
  EXPECT_EQ(report.statuses.at("e").egress_ip, "10.10.0.2");
}

TEST(Reporter, EventsTellWhatComesAndGoes) {  // antrea#5765, #6011
  ReportedCluster cluster;
  Reporter reporter("node1");
  const auto events = [&](std::set<IpAddress> owned) {
    return reporter.apply(cluster.egresses, cluster.scheduler, {std::move(owned), {}}, kReportedAt)
        .events;
  };
  EXPECT_THAT(events({}), IsEmpty());
  EXPECT_THAT(events({kReportedIp}), ElementsAre(AssignmentEvent{"e", "uid-e", true, kReportedIp}));
  EXPECT_THAT(events({kReportedIp}), IsEmpty());
  EXPECT_THAT(events({}), ElementsAre(AssignmentEvent{"e", "uid-e", false, kReportedIp}));
  EXPECT_THAT(events({kReportedIp}), ElementsAre(AssignmentEvent{"e", "uid-e", true, kReportedIp}));
  cluster.egresses.clear();
  EXPECT_THAT(events({kReportedIp}), ElementsAre(AssignmentEvent{"e", "uid-e", false, kReportedIp}))
      << "an Egress that is deleted";
}

TEST(Reporter, AfterARestartWhatTheStatusSaysIsNoNews) {
  ReportedCluster cluster;
  cluster.status() = {"node1", kReportedIp.to_string(), {assigned_since(kReportedAt)}};
  EXPECT_THAT(cluster.report("node1", {{kReportedIp}, {}}).events, IsEmpty());
  EXPECT_THAT(cluster.report("node1", {}).events,
              ElementsAre(AssignmentEvent{"e", "uid-e", false, kReportedIp}));
  EXPECT_THAT(cluster.report("node2", {{kReportedIp}, {}}).events,
              ElementsAre(AssignmentEvent{"e", "uid-e", true, kReportedIp}));
}

TEST(Reporter, APatchMakesAnyStatusTheWantedOne) {
  const EgressStatus some{"node1", kReportedIp.to_string(), {assigned_since(kReportedAt)}};
  for (const auto& wanted : {some, EgressStatus(), EgressStatus{"node2", "10.10.0.2", {}}}) {
    const auto patch = status_patch(wanted);
    api::crd::Egress egress = make_egress("e", {kReportedIp.to_string()});
    egress.status = some;
    boost::json::object object = api::encode(egress).as_object();
    for (const auto& [field, value] : patch.at("status").as_object())
      object["status"].as_object()[field] = value;
    const auto read = api::decode_egress(object);
    ASSERT_TRUE(read) << read.error().to_string();
    EXPECT_EQ(read->status, wanted);
  }
}

TEST(Reporter, AnEventSaysWhatItIsAbout) {
  const auto event =
      event_object({"e", "uid-e", false, kReportedIp}, "node1", "e.node1.1", kReportedAt);
  EXPECT_EQ(event.at("message"), "Unassigned Egress e with IP 10.10.0.1 from Node node1");
  EXPECT_EQ(event.at("reason"), "IPUnassigned");
  EXPECT_EQ(event.at("metadata").at("name"), "e.node1.1");
  EXPECT_EQ(event.at("involvedObject").at("uid"), "uid-e");
  EXPECT_EQ(
      event_object({"e", "uid-e", true, kReportedIp}, "node1", "n", kReportedAt).at("message"),
      "Assigned Egress e with IP 10.10.0.1 on Node node1");
}

}  // namespace
}  // namespace antrea::egress
