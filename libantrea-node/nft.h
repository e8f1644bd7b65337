#pragma once

#include <nftables/libnftables.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "antrea/node/host_network.h"

namespace antrea::node {

/// nftables of the calling thread's network namespace.
class Nft {
 public:
  Nft();

  /// One transaction; returns what was printed. Error: kNotFound, kPermissionDenied, kRejected.
  Result<std::string> run(const std::string& commands);
  /// `key`: "inet antrea". Nothing if there is no such table.
  Result<std::optional<NftTable>> read(const std::string& key);

  /// Runs a transaction that leads to these tables.
  Result<> write(const std::string& commands, const std::map<std::string, NftTable>& desired);
  /// The tables of the desired names as they are. Another release of nft may print a table in other
  /// words than it was written in; one that `write` wrote is told in the desired words.
  Result<std::map<std::string, NftTable>> read(const std::map<std::string, NftTable>& desired);

 private:
  struct Free {
    void operator()(nft_ctx* context) const { nft_ctx_free(context); }
  };
  std::unique_ptr<nft_ctx, Free> context_;
  std::map<std::string, std::string> listed_as_;  // body written -> body that nft lists for it
};

}  // namespace antrea::node
