#include "antrea/openflow/names.h"

#include "antrea/base/asio.h"
#include "parts.h"

namespace antrea::openflow {

boost::asio::awaitable<Result<Names>> ask_names(Connection& connection, TimePoint deadline) {
  Names names;
  const auto ports = parts_of<PortDescReply>("read ports", [&](const PortDescReply& reply) {
    for (const Port& port : reply.ports) names.ports.emplace(port.name, port.number);
  });
  const auto tables =
      parts_of<TableFeaturesReply>("read tables", [&](const TableFeaturesReply& reply) {
        for (const TableFeatures& table : reply.tables)
          names.tables.emplace(table.name, table.table);
      });
  MultipartRequestBody all_ports = PortDescRequest{};
  ANTREA_CO_CHECK(co_await connection.multipart(std::move(all_ports), ports, deadline));
  MultipartRequestBody all_tables = TableFeaturesRequest{};
  ANTREA_CO_CHECK(co_await connection.multipart(std::move(all_tables), tables, deadline));
  co_return names;
}

}  // namespace antrea::openflow
