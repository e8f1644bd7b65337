#include "cluster.h"

namespace antrea::lab {

Result<std::unique_ptr<Cluster>> Cluster::start(boost::asio::io_context&, const LabDir&, Topology&,
                                                const std::string&, Logger) {
  return make_error(Errc::kUnsupported, "not there yet");
}

}  // namespace antrea::lab
