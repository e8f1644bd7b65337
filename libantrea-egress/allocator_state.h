#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "antrea/base/result.h"
#include "antrea/egress/address_pools.h"
#include "antrea/egress/allocator.h"

namespace antrea::egress {

class Allocator::State {
 public:
  AllocatorOutput apply(const AllocatorInput& input);

 private:
  struct Entry {
    api::crd::Egress object;                     // as last told
    std::vector<api::crd::EgressAddress> named;  // what it asks for; without IPs taken back
    std::vector<api::crd::EgressAddress> held;   // what it has of pools, by index; no IP: nothing
    std::optional<Error> error;                  // why it does not have all of it
  };
  struct ServiceEntry {
    ServiceRequest request;         // as last told
    std::optional<IpAddress> held;  // what it has
    ServiceRequest holder;          // who it was when it got that
    std::optional<IpAddress> kept;  // what it is to have again if that can be
    std::optional<Error> error;     // why it has none
    std::string told;               // of that, last
  };

  void take_pools(const AllocatorInput& input);
  void take_egresses(const AllocatorInput& input);
  void lose(const std::vector<Holding>& lost);
  void release_changed(Entry& entry);
  void release(api::crd::EgressAddress& held, const std::string& name);
  void reserve_named(Entry& entry);
  void allocate_missing(Entry& entry);
  void find_waiting();
  std::optional<EgressUpdate> update_of(Entry& entry) const;

  // Services (allocator_services.cc).
  void take_services(const AllocatorInput& input);
  void lose_services();
  void release_changed_services();
  void release(ServiceEntry& entry);
  void reserve_named(ServiceEntry& entry);
  void allocate_missing(ServiceEntry& entry);
  void hold(ServiceEntry& entry, const IpAddress& ip);
  std::vector<ServiceEntry*> services_in_order();
  void tell_services(AllocatorOutput& output);

  AddressPools pools_;
  std::map<std::string, std::optional<api::crd::PoolUsage>> written_usage_;  // of pools, as told
  std::map<std::string, Entry> egresses_;
  std::set<std::string> dirty_;  // Egresses to look at in this batch
  std::map<api::ObjectKey, ServiceEntry> services_;
  std::set<api::ObjectKey> dirty_services_;
  std::map<IpAddress, std::set<api::ObjectKey>> sharers_;  // of addresses that are shared
  std::set<std::string> freed_;  // pools that changed, or have an address again
};

}  // namespace antrea::egress
