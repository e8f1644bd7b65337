#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "antrea/ipam/range.h"

namespace antrea::ipam {

/// Who holds an address: one interface of one container.
struct Owner {
  std::string container_id;
  std::string ifname;
  friend auto operator<=>(const Owner&, const Owner&) = default;
};

/// One address handed out.
struct Lease {
  IpAddress address;
  IpPrefix subnet;
  IpAddress gateway;
  friend bool operator==(const Lease&, const Lease&) = default;
};

/// The address store of the host-local CNI plugin (plugins: plugins/ipam/host-local/backend/disk),
/// read and written in its format, so that the plugin and this class can take turns on one folder:
/// a file per address, created exclusively, holding container ID, CR LF and interface name;
/// `last_reserved_ip.N` per range set; `lock`, held while working.
///
/// What is on disk is read once, at `open`; an address that somebody else took meanwhile is noticed
/// when its file cannot be created. Not thread-safe. All errors name the file or address.
class ANTREA_API HostLocalStore {
 public:
  /// Opens, and makes if need be, `data_dir/network`. Errors: kIo, kPermissionDenied.
  static Result<HostLocalStore> open(const std::filesystem::path& data_dir,
                                     std::string_view network);

  /// One address from each set, or none at all: what was taken before a failure is given back. An
  /// owner that already holds an address of a set gets that one again, so a repeated ADD is
  /// harmless (host-local itself refuses it).
  ///
  /// `requested`: addresses asked for; each must fit a set of its own. Errors: kExhausted "no IP
  /// addresses available in range set: S", kAlreadyExists and kInvalidArgument for requested ones,
  /// kIo.
  Result<std::vector<Lease>> allocate(const Owner& owner, std::span<const RangeSet> sets,
                                      std::vector<IpAddress> requested = {});

  /// Gives back all addresses of the owner; of an unknown owner: nothing, with success. A legacy
  /// file, which holds only the container ID, belongs to any of its interfaces. Error: kIo.
  Result<> release(const Owner& owner);

  /// The addresses that the owner holds, ascending.
  std::vector<IpAddress> find(const Owner& owner) const;

  /// Releases each address that `in_use` denies; returns them. For the start, when containers may
  /// have gone unseen.
  std::vector<IpAddress> collect_garbage(const std::function<bool(const IpAddress&)>& in_use);

  std::size_t size() const { return by_address_.size(); }

 private:
  explicit HostLocalStore(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<> load();
  Result<IpAddress> reserve(const Owner& owner, const RangeSet& set, std::size_t set_index,
                            const std::optional<IpAddress>& requested);
  Result<bool> create(const IpAddress& address, const Owner& owner, std::size_t set_index);
  Result<> remove(const IpAddress& address);
  std::optional<IpAddress> last_reserved(std::size_t set_index) const;

  std::filesystem::path folder_;
  std::map<IpAddress, Owner> by_address_;
  std::set<std::pair<Owner, IpAddress>> by_owner_;
};

}  // namespace antrea::ipam
