#pragma once

#include "antrea/api/pipeline.h"

/// What a connection to a Service carries from its first packet on, so that policies tell what it
/// was sent to while it has not been let in: a first packet that is sent again has the endpoint's
/// address already.
namespace antrea::api::pipeline {

/// ct_label bits 96 to 127: kServiceGroupId.
inline constexpr unsigned kCtLabelServiceOffset = 96;

namespace ct_mark {
inline constexpr RegField kByNodePort{0, 8, 1};  ///< kToNodePortAddress
}

}  // namespace antrea::api::pipeline
