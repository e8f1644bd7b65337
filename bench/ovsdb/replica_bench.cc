// First contents of a database with N ports: parsing and taking them over, beside parsing the JSON
// alone, which bounds it.
#include <benchmark/benchmark.h>

#include <boost/json.hpp>

#include "antrea/ovsdb/replica.h"

namespace antrea::ovsdb {
namespace {
namespace json = boost::json;

constexpr std::string_view kSchema =
    R"({"name":"Open_vSwitch","version":"8.3.1","tables":{"Interface":{"columns":{
  "name":{"type":"string"},"type":{"type":"string"},
  "ofport":{"type":{"key":"integer","min":0,"max":1}},
  "external_ids":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}}}}}})";

std::string contents(std::size_t rows) {
  json::object table;
  for (std::size_t i = 0; i < rows; ++i) {
    char uuid[64];
    std::snprintf(uuid, sizeof uuid, "%08zx-0000-4000-8000-000000000000", i);
    const auto n = std::to_string(i);
    table[uuid] =
        json::object{{"initial",
                      {{"name", "pod-" + n},
                       {"ofport", i + 1},
                       {"external_ids", json::array{"map",
                                                    {{"antrea-type", "container"},
                                                     {"attached-mac", "aa:bb:cc:dd:ee:ff"},
                                                     {"ip-address", "10.0.0.1"},
                                                     {"container-id", "c" + n},
                                                     {"pod-name", "pod-" + n},
                                                     {"pod-namespace", "default"}}}}}}};
  }
  return json::serialize(json::object{{"Interface", std::move(table)}});
}

void BM_ParseJson(benchmark::State& state) {
  const auto text = contents(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(json::parse(text));
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(BM_ParseJson)->ArgName("rows")->Arg(10000)->Unit(benchmark::kMillisecond);

void BM_FirstContents(benchmark::State& state) {
  const auto text = contents(static_cast<std::size_t>(state.range(0)));
  const auto schema = *Schema::parse(json::parse(kSchema));
  for (auto _ : state) {
    Replica replica;
    replica.select(schema, {{"Interface", {"name", "type", "ofport", "external_ids"}}});
    auto changes = replica.replace(json::parse(text), UpdateFormat::kUpdate2);
    if (!changes || changes->size() != static_cast<std::size_t>(state.range(0))) std::abort();
    benchmark::DoNotOptimize(changes);
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(BM_FirstContents)->ArgName("rows")->Arg(10000)->Unit(benchmark::kMillisecond);

void BM_SameContentsAgain(benchmark::State& state) {
  const auto text = contents(static_cast<std::size_t>(state.range(0)));
  const auto schema = *Schema::parse(json::parse(kSchema));
  Replica replica;
  replica.select(schema, {{"Interface", {"name", "type", "ofport", "external_ids"}}});
  if (!replica.replace(json::parse(text), UpdateFormat::kUpdate2)) std::abort();
  for (auto _ : state) {
    auto changes = replica.replace(json::parse(text), UpdateFormat::kUpdate2);
    if (!changes || !changes->empty()) std::abort();
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(BM_SameContentsAgain)->ArgName("rows")->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace antrea::ovsdb
