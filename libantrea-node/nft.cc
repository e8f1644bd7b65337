#include "nft.h"

namespace antrea::node {

namespace {

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

Nft::Nft() : context_(nft_ctx_new(NFT_CTX_DEFAULT)) {
  nft_ctx_buffer_output(context_.get());
  nft_ctx_buffer_error(context_.get());
  nft_ctx_output_set_flags(context_.get(), NFT_CTX_OUTPUT_STATELESS | NFT_CTX_OUTPUT_NUMERIC_PROTO);
}

Result<std::string> Nft::run(const std::string& commands) {
  const int code = nft_run_cmd_from_buffer(context_.get(), commands.c_str());
  std::string out = nft_ctx_get_output_buffer(context_.get());
  const std::string error = nft_ctx_get_error_buffer(context_.get());
  if (code == 0) return out;
  const bool absent = error.find("No such file") != std::string::npos;
  const bool denied = error.find("Operation not permitted") != std::string::npos;
  return make_error(absent   ? Errc::kNotFound
                    : denied ? Errc::kPermissionDenied
                             : Errc::kRejected,
                    "nftables: " + first_line(error), "table antrea",
                    denied ? "needs CAP_NET_ADMIN" : "");
}

Result<std::optional<NftTable>> Nft::read(const std::string& key) {
  auto listing = run("list table " + key + "\n");
  if (!listing && listing.error().code == Errc::kNotFound) return std::optional<NftTable>();
  if (!listing) return std::move(listing).error();
  ANTREA_TRY(auto table, parse_nft_table(*listing));
  return std::optional(std::move(table));
}

Result<> Nft::write(const std::string& commands, const std::map<std::string, NftTable>& desired) {
  ANTREA_CHECK(run(commands));
  for (const auto& [key, table] : desired) {
    if (listed_as_.contains(table.body)) continue;
    ANTREA_TRY(const auto listed, read(key));
    if (listed && listed->body != table.body) listed_as_[table.body] = listed->body;
  }
  return {};
}

Result<std::map<std::string, NftTable>> Nft::read(const std::map<std::string, NftTable>& desired) {
  std::map<std::string, NftTable> tables;
  for (const auto& [key, wanted] : desired) {
    ANTREA_TRY(auto table, read(key));
    if (!table) continue;
    const auto listed = listed_as_.find(wanted.body);
    if (listed != listed_as_.end() && listed->second == table->body) table->body = wanted.body;
    tables[key] = std::move(*table);
  }
  return tables;
}

}  // namespace antrea::node
