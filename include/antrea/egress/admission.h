#pragma once

#include <optional>
#include <span>

#include "antrea/api/admission_review.h"
#include "antrea/api/egress.h"
#include "antrea/base/export.h"

/// What admission finds wrong with an object beside other objects (antrea:
/// pkg/controller/egress/validate.go, pkg/controller/externalippool/validate.go). What is wrong
/// with an object alone, its decoding has found already. Errors (kInvalidArgument) name object and
/// field.
namespace antrea::egress {

/// May `egress` become what it is? `old`: as it was; null: it is new. Only addresses that changed
/// are looked at: their pools must exist and contain them.
ANTREA_API Result<> admit(const api::crd::Egress& egress, const api::crd::Egress* old,
                          std::span<const api::crd::ExternalIPPool> pools);

/// Its ranges must not overlap with those of `others` (itself among them is passed over). Those
/// that it had must stay: `old`, or null if it is new.
ANTREA_API Result<> admit(const api::crd::ExternalIPPool& pool, const api::crd::ExternalIPPool* old,
                          std::span<const api::crd::ExternalIPPool> others);

/// The answer of a validating webhook, with all that is wrong with the object, alone and beside
/// `pools`; nothing if the question is about another kind. Deletions are allowed.
ANTREA_API std::optional<api::AdmissionResponse> validate(
    const api::AdmissionRequest& request, std::span<const api::crd::ExternalIPPool> pools);

}  // namespace antrea::egress
