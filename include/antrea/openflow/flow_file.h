#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <istream>
#include <string>
#include <vector>

#include "antrea/openflow/connection.h"
#include "antrea/openflow/switch_state.h"
#include "antrea/openflow/text.h"

namespace antrea::openflow {

/// The flows of a file, and what has to change for a switch to have these and no others, as
/// `ovs-ofctl diff-flows` and `replace-flows` see it: whosever they are, learned ones included;
/// groups and meters are left alone.
class ANTREA_API FlowFile {
 public:
  /// How to learn what the switch calls its ports and tables: `ask_names`.
  using AskNames = std::function<boost::asio::awaitable<Result<Names>>()>;

  /// `name` is what errors call the file.
  explicit FlowFile(std::string name);

  /// Takes in what it holds: flows as for `parse_flow`, one a line; "#" starts a comment. Names are
  /// asked for once, at the first line that does not go without. Errors: kMalformed, at
  /// "NAME:LINE:CHARACTER"; kIo.
  boost::asio::awaitable<Result<>> read(std::istream& in, const AskNames& names);
  std::size_t flow_count() const { return state_.flow_count(); }

  /// From what the switch holds to what was read, in the order of `sort_flows`. Errors: those of
  /// `Connection::multipart`.
  boost::asio::awaitable<Result<Delta>> compare(Connection& connection, TimePoint deadline);

 private:
  Result<> take(Changes& batch);

  std::string name_;
  SwitchState state_;
};

/// Tables in their order, in each of them what matches first.
ANTREA_API void sort_flows(std::vector<Step<FlowRecordPtr>>& flows);

/// What became of a flow as `ovs-ofctl diff-flows` writes it: "-FLOW" for what was, "+FLOW" for
/// what is, each "table=1 priority=5,ip cookie=0x7 actions=drop". Flags, which that does not look
/// at, are told where they differ.
ANTREA_API std::vector<std::string> diff_lines(const Step<FlowRecordPtr>& step);

}  // namespace antrea::openflow
