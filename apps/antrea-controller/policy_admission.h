#pragma once

#include <functional>

#include "antrea/api/admission_review.h"
#include "antrea/base/result.h"
#include "antrea/kube/api_server.h"
#include "antrea/policy/admission.h"

namespace antrea::controller {

/// What admission looks at, read from the API server. The API server must outlive it.
class ServedView : public policy::AdmissionView {
 public:
  explicit ServedView(const kube::ApiServer& api) : api_(api) {}
  std::vector<api::crd::Tier> tiers() const override;
  std::vector<Group> groups(std::string_view namespace_) const override;
  TierUse use_of_tier(std::string_view name) const override;

 private:
  const kube::ApiServer& api_;
};

/// Has the API server refuse what `policy::admit` refuses. The API server must outlive its use.
void admit_policies(kube::ApiServer& api);

using Judge = std::function<api::AdmissionResponse(const api::AdmissionRequest&)>;
/// Answers POST /validate/… and /mutate/… with an AdmissionReview: the webhooks of a cluster's API
/// server. Both must be mounted, without authentication: API servers do not log in to webhooks.
/// `validate` judges; what the API's defaults add is told here.
void answer_review(const Judge& validate, kube::HttpRequest request, kube::HttpExchange exchange);
/// The user that the controller of a cluster is.
inline constexpr const char* kControllerUser =
    "system:serviceaccount:kube-system:antrea-controller";
bool is_webhook(std::string_view path);

}  // namespace antrea::controller
