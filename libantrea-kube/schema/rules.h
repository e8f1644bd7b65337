#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/kube/resource_type.h"

/// The rules that Kubernetes' types share, with the words its API server finds for their breach.
namespace antrea::kube {

/// Collects the causes of a 422.
class FieldErrors {
 public:
  void required(std::string_view field, std::string_view detail = {});
  /// `shown` is the value as Go prints it: quoted(), a number, `[]string{"a"}`.
  void invalid(std::string_view field, std::string_view shown, std::string_view detail);
  void forbidden(std::string_view field, std::string_view detail);
  void not_supported(std::string_view field, std::string_view value,
                     std::initializer_list<std::string_view> supported);
  void duplicate(std::string_view field, std::string_view shown);
  void not_found(std::string_view field, std::string_view shown);
  void too_long(std::string_view field, std::string_view detail);
  std::vector<FieldError> take() { return std::move(errors_); }
  bool empty() const { return errors_.empty(); }

 private:
  std::vector<FieldError> errors_;
};

/// As Go's %q prints it.
std::string quoted(std::string_view text);

/// What is wrong with a name; empty if nothing is.
using NameRule = std::string (*)(std::string_view name);
std::string dns_subdomain_problem(
    std::string_view name);                            ///< RFC 1123 subdomain, up to 253 characters
std::string dns_label_problem(std::string_view name);  ///< RFC 1123 label, up to 63
std::string dns_1035_problem(std::string_view name);   ///< the same, starting with a letter
std::string label_value_problem(std::string_view value);
/// A label key, annotation key, finalizer or taint: "[prefix/]name". More than one thing may be
/// wrong.
std::vector<std::string> qualified_name_problems(std::string_view name);
std::vector<std::string> port_name_problems(std::string_view name);
/// A key of a ConfigMap's or Secret's data.
std::string config_key_problem(std::string_view key);
std::string port_number_problem(std::int64_t port);

/// metadata: name, namespace, labels, annotations, finalizers, owners.
void check_metadata(const boost::json::object& object, NameRule name_rule, FieldErrors& errors);
void check_labels(const boost::json::object* labels, const std::string& field, FieldErrors& errors);
void check_label_selector(const boost::json::object& selector, const std::string& field,
                          FieldErrors& errors);
/// TCP, UDP or SCTP.
void check_protocol(std::string_view protocol, const std::string& field, FieldErrors& errors);

// Defaults and rules of each kind: what ResourceType::set_defaults and ResourceType::validate hold.
#define ANTREA_KUBE_KIND(kind)                                                      \
  void default_##kind(boost::json::object& object, const boost::json::object* old); \
  std::vector<FieldError> check_##kind(const boost::json::object& object,           \
                                       const boost::json::object* old);             \
  boost::json::array kind##_cells(const boost::json::object& object, std::int64_t now);
ANTREA_KUBE_KIND(namespace)
ANTREA_KUBE_KIND(node)
ANTREA_KUBE_KIND(pod)
ANTREA_KUBE_KIND(service)
ANTREA_KUBE_KIND(endpoints)
ANTREA_KUBE_KIND(config_map)
ANTREA_KUBE_KIND(secret)
ANTREA_KUBE_KIND(service_account)
ANTREA_KUBE_KIND(event)
ANTREA_KUBE_KIND(endpoint_slice)
ANTREA_KUBE_KIND(network_policy)
ANTREA_KUBE_KIND(lease)
#undef ANTREA_KUBE_KIND

}  // namespace antrea::kube
