// nftables as text: what there is, and what leads from there to what shall be.
#include <algorithm>

#include "antrea/node/host_network.h"
#include "nft_commands.h"

namespace antrea::node {
namespace {

std::string elements_text(const std::set<std::string>& elements) {
  std::string text;
  for (const auto& element : elements) text += (text.empty() ? "" : ", ") + element;
  return text;
}

std::set<std::string> difference(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::set<std::string> out;
  std::ranges::set_difference(a, b, std::inserter(out, out.end()));
  return out;
}

std::string table_commands(const std::string& key, const NftTable* desired,
                           const NftTable* actual) {
  const auto table = "table " + key;
  if (desired == nullptr) return "delete " + table + "\n";
  std::string out;
  const NftTable* base = actual;
  if (actual == nullptr || actual->body != desired->body) {
    if (actual != nullptr) out += "delete " + table + "\n";
    out += table + " {\n" + desired->body + "}\n";
    base = nullptr;
  }
  for (const auto& [set, wanted] : desired->elements) {
    std::set<std::string> present;
    if (base != nullptr)
      if (const auto found = base->elements.find(set); found != base->elements.end())
        present = found->second;
    // Removals first: the intervals of a set must not overlap.
    if (const auto gone = difference(present, wanted); !gone.empty())
      out += "delete element " + key + " " + set + " { " + elements_text(gone) + " }\n";
    if (const auto fresh = difference(wanted, present); !fresh.empty())
      out += "add element " + key + " " + set + " { " + elements_text(fresh) + " }\n";
  }
  return out;
}

}  // namespace

Result<NftTable> parse_nft_table(std::string_view listing) {
  const auto malformed = [&](std::string_view what) {
    return make_error(Errc::kMalformed, "read nft listing: " + std::string(what));
  };
  NftTable table;
  const auto open = listing.find('{');
  const auto close = listing.rfind('}');
  if (!listing.starts_with("table ") || open == std::string_view::npos ||
      close == std::string_view::npos || close < open)
    return malformed("expected table FAMILY NAME { ... }");
  const auto head = listing.substr(6, open - 6);
  const auto blank = head.find(' ');
  if (blank == std::string_view::npos) return malformed("the table has no name");
  table.family = head.substr(0, blank);
  table.name = head.substr(blank + 1);
  while (table.name.ends_with(' ')) table.name.pop_back();

  auto rest = listing.substr(open + 1, close - open - 1);
  if (rest.starts_with('\n')) rest.remove_prefix(1);
  std::string set;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size() - 1);
    auto line = rest.substr(0, end + 1);
    if (line.starts_with("\tset ") || line.starts_with("\tmap ")) {
      set = line.substr(5, line.find(' ', 5) - 5);
      table.elements[set];
    }
    if (!line.starts_with("\t\telements = {")) {
      table.body += line;
      rest.remove_prefix(line.size());
      continue;
    }
    const auto last = rest.find('}');
    if (last == std::string_view::npos)
      return malformed("the elements of set " + set + " have no end");
    auto elements = rest.substr(line.find('{') + 1, last - line.find('{') - 1);
    while (!elements.empty()) {
      const auto comma = std::min(elements.find(','), elements.size());
      std::string element;  // of several parts "6 . 80"
      for (const char c : elements.substr(0, comma)) {
        const bool blank = c == ' ' || c == '\t' || c == '\n';
        if (!blank || (!element.empty() && element.back() != ' ')) element += blank ? ' ' : c;
      }
      if (element.ends_with(' ')) element.pop_back();
      if (!element.empty()) table.elements[set].insert(element);
      elements.remove_prefix(std::min(comma + 1, elements.size()));
    }
    rest.remove_prefix(last + 1);
    if (rest.starts_with('\n')) rest.remove_prefix(1);
  }
  return table;
}

std::string nft_commands(const std::map<std::string, NftTable>& desired,
                         const std::map<std::string, NftTable>& actual) {
  std::string commands;
  for (const auto& [key, table] : actual)
    if (!desired.contains(key)) commands += table_commands(key, nullptr, &table);
  for (const auto& [key, table] : desired) {
    const auto found = actual.find(key);
    commands += table_commands(key, &table, found == actual.end() ? nullptr : &found->second);
  }
  return commands;
}

}  // namespace antrea::node
