#include <utility>

#include "antrea/openflow/codec.h"
#include "message_codec.h"

namespace antrea::openflow::detail {
namespace {
enum TableDescProperty : std::uint16_t { kEviction = 2, kVacancy = 3 };
}

void put_port(Out& out, const Port& port) {
  const std::size_t start = out.size();
  out.be32(port.number.value);
  out.be32(0);
  out.mac(port.hw_addr);
  out.zeros(2);
  out.text(port.name, 16);
  out.be32(port.config);
  out.be32(port.state);
  if (port.ethernet) {
    out.be32(32);
    out.be32(0);
    for (const std::uint32_t word :
         {port.ethernet->current, port.ethernet->advertised, port.ethernet->supported,
          port.ethernet->peer, port.ethernet->current_speed, port.ethernet->max_speed})
      out.be32(word);
  }
  out.bytes(port.other_properties);
  out.patch16(start + 4, out.size() - start);
}

DecodeResult<Port> pull_port(In& in) {
  const In start = in;
  if (in.remaining() < 40) return fail(errors::kBadLen, start);
  Port port;
  port.number = PortNo{in.be32()};
  const std::uint16_t length = in.be16();
  if (length < 40 || length > start.remaining()) return fail(errors::kBadLen, start);
  if (!port_valid(port.number.value)) return fail(errors::kActionBadOutPort, start);
  in.skip(2);
  port.hw_addr = take_mac(in);
  in.skip(2);
  port.name = take_text(in, 16);
  port.config = in.be32();
  port.state = in.be32();
  In properties = in.sub(length - 40U);
  while (!properties.empty()) {
    Property property;
    if (const Fault fault = pull_property(properties, property)) return fail(*fault, properties);
    if (property.type != 0) {
      port.other_properties.insert(port.other_properties.end(), property.raw.begin(),
                                   property.raw.end());
      continue;
    }
    In body = property.body;
    body.skip(4);
    Port::Ethernet e;
    for (std::uint32_t* word :
         {&e.current, &e.advertised, &e.supported, &e.peer, &e.current_speed, &e.max_speed})
      *word = body.be32();
    if (body.failed() || !body.empty()) return fail(errors::kPropertyBadLen, start);
    port.ethernet = e;
  }
  return port;
}

void put_table_properties(Out& out, const TableDesc& desc) {
  if (desc.eviction) {
    out.be16(kEviction);
    out.be16(8);
    out.be32(*desc.eviction);
  }
  if (desc.vacancy) {
    out.be16(kVacancy);
    out.be16(8);
    out.u8(desc.vacancy->down);
    out.u8(desc.vacancy->up);
    out.u8(desc.vacancy->current);
    out.u8(0);
  }
  out.bytes(desc.other_properties);
}

std::optional<DecodeError> pull_table_properties(In in, TableDesc& desc, bool table_mod) {
  while (!in.empty()) {
    Property property;
    if (const Fault fault = pull_property(in, property)) return fail(*fault, in);
    In body = property.body;
    switch (property.type) {
      case kEviction:
        desc.eviction = body.be32();
        break;
      case kVacancy: {
        TableDesc::Vacancy vacancy;
        vacancy.down = body.u8();
        vacancy.up = body.u8();
        vacancy.current = body.u8();
        body.skip(1);
        if (table_mod && (vacancy.down > vacancy.up || vacancy.up > 100 || vacancy.current != 0))
          return fail(errors::kPropertyBadValue, body);
        desc.vacancy = vacancy;
        break;
      }
      default:
        if (table_mod) return fail(errors::kBadType, body);
        desc.other_properties.insert(desc.other_properties.end(), property.raw.begin(),
                                     property.raw.end());
        continue;
    }
    if (body.failed() || !body.empty()) return fail(errors::kPropertyBadLen, body);
  }
  return {};
}

void put_table_desc(Out& out, const TableDesc& desc) {
  const std::size_t start = out.size();
  out.be16(0);
  out.u8(desc.table.value);
  out.u8(0);
  out.be32(desc.config);
  put_table_properties(out, desc);
  out.patch16(start, out.size() - start);
}

DecodeResult<TableDesc> pull_table_desc(In& in) {
  const In start = in;
  TableDesc desc;
  const std::uint16_t length = in.be16();
  if (in.failed() || length < 8 || length > start.remaining()) return fail(errors::kBadLen, start);
  desc.table = TableId{in.u8()};
  in.skip(1);
  desc.config = in.be32();
  if (auto error = pull_table_properties(in.sub(length - 8U), desc, false)) return *error;
  return desc;
}

}  // namespace antrea::openflow::detail
