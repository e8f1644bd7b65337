#pragma once

#include <vector>

#include "antrea/policy/admission.h"

namespace antrea::policy {

/// What a policy of crd.antrea.io asks for that neither controller nor agents realise, with the
/// field below `spec`, and what to write in its place.
std::vector<Refusal> find_unsupported(const api::crd::PolicySpec& spec);

}  // namespace antrea::policy
