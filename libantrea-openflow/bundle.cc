#include "antrea/openflow/bundle.h"

#include "antrea/base/asio.h"

namespace antrea::openflow {
namespace asio = boost::asio;
using asio::awaitable;

namespace {

bool was_gone(const PlannedMessage& message, const OfError& error) {
  return message.kind == PlannedMessage::Kind::kDeleteMeter && error == errors::kMeterUnknown;
}

/// Somebody else changed it since it was read: to read again helps.
bool was_changed(const PlannedMessage& message, const OfError& error) {
  using Kind = PlannedMessage::Kind;
  return (message.kind == Kind::kAddMeter && error == errors::kMeterExists) ||
         (message.kind == Kind::kSetMeter && error == errors::kMeterUnknown);
}

Outcome lost(const Error& error) { return {Outcome::Kind::kLost, error, {}, false}; }

}  // namespace

Error refusal_error(const PlannedMessage& message, const OfError& error) {
  return make_error(Errc::kRejected, "the switch refused it: " + to_string(error),
                    message.describe());
}

awaitable<Outcome> send_plan(Connection& connection, const Plan& plan, std::uint32_t bundle,
                             TimePoint deadline) {
  Outcome outcome;
  const auto refuse = [&](std::string cause) {
    outcome.kind = Outcome::Kind::kRefused;
    outcome.error = make_error(Errc::kRejected, std::move(cause));
    outcome.partial = !plan.before.empty();
  };
  // What stands before the bundle and the bundle's messages go out without waiting in between.
  const std::size_t head = plan.before.size();
  const bool bundled = !plan.bundle.empty();
  Exchange exchange(connection);
  if (head > 0 || bundled) {
    std::size_t index = 0;
    Connection::MessageSource source = [&](std::uint32_t xid, std::vector<std::byte>& out) {
      if (index < head)
        plan.before[index].encode(xid, std::nullopt, out);
      else if (index == head)
        encode(xid, BundleControl{bundle, BundleCommand::kOpenRequest}, out);
      else
        plan.bundle[index - head - 1].encode(xid, bundle, out);
      ++index;
    };
    const auto count = head + (bundled ? plan.bundle.size() + 1 : 0);
    const auto sent = co_await connection.transmit(exchange, count, std::move(source), deadline);
    if (!sent) co_return lost(sent.error());
  }
  if (!exchange.refusals().empty()) {
    if (bundled) {
      Message discard = BundleControl{bundle, BundleCommand::kDiscardRequest};
      const auto discarded = co_await connection.request(std::move(discard), deadline);
      if (!discarded && discarded.error().code != Errc::kRejected)
        co_return lost(discarded.error());
    }
    refuse("the switch refused a message of the bundle");
  } else if (bundled) {
    Message commit = BundleControl{bundle, BundleCommand::kCommitRequest};
    const auto committed = co_await connection.request(std::move(commit), deadline);
    if (!committed && committed.error().code != Errc::kRejected) co_return lost(committed.error());
    if (!committed) refuse(committed.error().cause);
  }
  if (outcome.kind == Outcome::Kind::kRefused) {
    bool changed = false;
    for (const auto& refusal : exchange.refusals()) {
      if (refusal.index == head) continue;  // the bundle's opening
      const auto& message =
          refusal.index < head ? plan.before[refusal.index] : plan.bundle[refusal.index - head - 1];
      changed = changed || was_changed(message, refusal.error);
      if (!was_changed(message, refusal.error))
        outcome.refused.emplace_back(message, refusal.error);
    }
    if (changed && outcome.refused.empty())
      co_return lost(make_error(Errc::kConflict, "somebody else changed a meter meanwhile"));
    co_return outcome;
  }
  if (!plan.after.empty()) {
    Exchange cleanup(connection);
    std::size_t index = 0;
    Connection::MessageSource source = [&](std::uint32_t xid, std::vector<std::byte>& out) {
      plan.after[index++].encode(xid, std::nullopt, out);
    };
    const auto sent =
        co_await connection.transmit(cleanup, plan.after.size(), std::move(source), deadline);
    if (!sent) co_return lost(sent.error());
    for (const auto& refusal : cleanup.refusals())
      if (!was_gone(plan.after[refusal.index], refusal.error))
        outcome.refused.emplace_back(plan.after[refusal.index], refusal.error);
  }
  co_return outcome;
}

}  // namespace antrea::openflow
