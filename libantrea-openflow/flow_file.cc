#include "antrea/openflow/flow_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "antrea/base/asio.h"
#include "antrea/openflow/readback.h"

namespace antrea::openflow {
namespace {

/// Flows that the engine is given at once: it keeps their bytes, and they can go.
constexpr std::size_t kFlowBatch = 1000;
constexpr Ownership kAllFlows{.keep_expiring = false, .groups = false, .meters = false};
constexpr std::uint16_t kDefaultPriority = 0x8000;

// Without the comment; nothing for a line that says nothing.
bool says_something(std::string& line) {
  if (const auto comment = line.find('#'); comment != std::string::npos) line.resize(comment);
  return line.find_first_not_of(" \t\r") != std::string::npos;
}

std::string diff_text(const FlowRecord& record, bool flags) {
  const auto decoded = record.decode();
  if (!decoded) return record.describe();
  const Flow& flow = *decoded;
  std::string text;
  if (flow.table.value != 0) text += fmt::format("table={} ", flow.table.value);
  const auto match = to_string(flow.match);
  if (flow.priority != kDefaultPriority) text += fmt::format("priority={}", flow.priority);
  if (flow.priority != kDefaultPriority && !match.empty()) text += ',';
  text += match;
  if (flow.cookie != 0) text += fmt::format(" cookie={:#x}", flow.cookie);
  if (flow.idle_timeout != 0) text += fmt::format(" idle_timeout={}", flow.idle_timeout);
  if (flow.hard_timeout != 0) text += fmt::format(" hard_timeout={}", flow.hard_timeout);
  if (flow.importance != 0) text += fmt::format(" importance={}", flow.importance);
  if (flags) text += fmt::format(" flags={:#x}", flow.flags);
  return text + " actions=" + to_string(static_cast<const Instructions&>(flow));
}

}  // namespace

FlowFile::FlowFile(std::string name) : name_(std::move(name)), state_(kAllFlows) {}

boost::asio::awaitable<Result<>> FlowFile::read(std::istream& in, const AskNames& ask) {
  Changes batch;
  std::optional<Result<Names>> names;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (!says_something(line)) continue;
    auto flow = parse_flow(line, names && *names ? &**names : nullptr);
    if (!flow && !names) {
      names = co_await ask();
      if (*names) flow = parse_flow(line, &**names);
    }
    if (!flow) {
      std::string cause = flow.error().cause;
      if (!*names)
        cause += fmt::format(" (names were not asked for: {})", names->error().to_string());
      co_return make_error(Errc::kMalformed, cause,
                           fmt::format("{}:{}:{}", name_, number, flow.error().offset + 1));
    }
    batch.flows.push_back(*std::move(flow));
    if (batch.flows.size() == kFlowBatch) ANTREA_CO_CHECK(take(batch));
  }
  if (in.bad()) co_return errno_error("read", name_);
  co_return take(batch);
}

Result<> FlowFile::take(Changes& batch) {
  ANTREA_TRY([[maybe_unused]] const auto delta, state_.apply(batch));
  batch.flows.clear();
  return {};
}

boost::asio::awaitable<Result<Delta>> FlowFile::compare(Connection& connection,
                                                        TimePoint deadline) {
  Readback readback(connection, state_);
  auto delta = co_await readback.run(deadline);
  if (delta) sort_flows(delta->flows);
  co_return delta;
}

void sort_flows(std::vector<Step<FlowRecordPtr>>& flows) {
  std::ranges::sort(flows, {}, [](const Step<FlowRecordPtr>& step) {
    const auto& flow = step.after != nullptr ? *step.after : *step.before;
    const auto fields = flow.fields();
    return std::tuple(
        flow.table(), -int{flow.priority()},
        std::string_view(reinterpret_cast<const char*>(fields.data()), fields.size()));
  });
}

std::vector<std::string> diff_lines(const Step<FlowRecordPtr>& step) {
  const bool flags = step.before && step.after && step.before->flags() != step.after->flags();
  std::vector<std::string> out;
  if (step.before) out.push_back("-" + diff_text(*step.before, flags));
  if (step.after) out.push_back("+" + diff_text(*step.after, flags));
  return out;
}

}  // namespace antrea::openflow
