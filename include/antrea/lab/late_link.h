#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "antrea/lab/topology.h"

namespace antrea::lab {

/// Makes a Node's link late for as long as it lives: each frame, either way, comes up to `kMost`
/// later, the one more and the other less, so that they overtake each other. The Node's cable is
/// taken out of the fabric and its frames are passed on by this process, as far as `io` runs; the
/// fabric sees them come from the device `late_link_name(node)`.
class ANTREA_API LateLink {
 public:
  static constexpr std::chrono::milliseconds kMost{50};
  /// Frames that may be late at once in each direction. What comes then is lost.
  static constexpr std::size_t kMostFrames = 4096;

  static Result<std::unique_ptr<LateLink>> start(boost::asio::io_context& io,
                                                 const NetNamespace& fabric,
                                                 const std::string& node);
  ~LateLink();
  LateLink(const LateLink&) = delete;
  LateLink& operator=(const LateLink&) = delete;

 private:
  class Line;
  LateLink(const NetNamespace& fabric, std::string node, std::shared_ptr<Line> line);
  const NetNamespace& fabric_;
  std::string node_;
  std::shared_ptr<Line> line_;
};

ANTREA_API std::string late_link_name(const std::string& node);

}  // namespace antrea::lab
