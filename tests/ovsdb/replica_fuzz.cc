// A stream of JSON-RPC messages from a hostile server: cut into messages, read as schema, updates
// and results.
#include <boost/json.hpp>

#include "antrea/ovsdb/replica.h"
#include "antrea/ovsdb/transaction.h"
#include "libantrea-ovsdb/message_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antrea::ovsdb;
  MessageReader reader(1 << 20);
  std::vector<boost::json::object> messages;
  (void)reader.feed({reinterpret_cast<const char*>(data), size}, messages);
  Replica replica;
  for (const auto& message : messages) {
    if (const auto schema = Schema::parse(message)) {
      std::vector<TableSelection> all;
      for (const auto& [name, table] : schema->tables) {
        all.push_back({name, {}});
        for (const auto& [column, type] : table.columns) all.back().columns.push_back(column);
      }
      replica.select(*schema, all);
      continue;
    }
    (void)replica.apply(message, UpdateFormat::kUpdate2);
    (void)replica.apply(message, UpdateFormat::kUpdate);
    (void)replica.replace(message, UpdateFormat::kUpdate2);
    for (const auto& member : message) (void)Transaction().check(member.value());
  }
  return 0;
}
