#pragma once

#include <boost/asio/awaitable.hpp>

#include "antrea/base/export.h"
#include "antrea/openflow/connection.h"
#include "antrea/openflow/text.h"

namespace antrea::openflow {

/// Asks a switch what its ports and tables are called. Errors: those of `Connection::multipart`.
ANTREA_API boost::asio::awaitable<Result<Names>> ask_names(Connection& connection,
                                                           TimePoint deadline);

}  // namespace antrea::openflow
