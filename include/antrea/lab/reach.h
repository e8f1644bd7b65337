#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <string>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/lab/prober.h"
#include "antrea/lab/responder.h"

namespace antrea::lab {

/// One question about the network: may `from` talk to `to` so? And its answer.
struct Reach {
  std::string from;     ///< "NAMESPACE/POD", "node/NAME", "outside" (or "outside/ITS-ADDRESS")
  std::string to;       ///< the same, or "service/NAMESPACE/NAME"
  std::string address;  ///< what is probed: an address, or a name that `from` resolves first
  std::uint16_t port = 80;
  Protocol protocol = Protocol::kTcp;
  Outcome result = Outcome::kError;
  std::string reason;  ///< how it was told
  /// Who answered, by the responder's name. In an expectation of more than one: the probe is
  /// repeated until all of them have answered, and nobody else may.
  std::vector<std::string> answered_by;
};

/// What there is to probe from and to, taken from `LabClient::status`.
struct Inventory {
  struct Place {
    std::string name;     ///< as in Reach
    std::string address;  ///< empty: cannot be a target
    std::vector<ResponderPort> ports;
    std::string location;       ///< what LabClient::place calls it; empty: cannot be a source
    std::string pod_namespace;  ///< of Pods: where unqualified Service names are looked up
  };
  std::vector<Place> places;
  const Place* find(const std::string& name) const;
};
ANTREA_API Inventory take_inventory(const boost::json::object& status);

/// Which of all questions to ask. Empty lists: all. A name matches whole, or by its last part
/// ("frontend").
struct ReachFilter {
  std::vector<std::string> from;
  std::vector<std::string> to;
  std::vector<std::uint16_t> ports;  ///< empty: what each target declares
  std::vector<Protocol> protocols;
};

/// Whether the filter lets this question pass.
ANTREA_API bool selects(const ReachFilter& filter, const Reach& question);

/// Every source to every target on its ports, but what no cluster could route: the outside host and
/// Pod or Service addresses. Services are asked for twice, by address and by name. Deterministic
/// order.
ANTREA_API std::vector<Reach> plan_reach(const Inventory& inventory, const ReachFilter& filter);

/// {"probes":[{"from","to","address","port","protocol","result"...}]}, as `antctl policy reach -o
/// json` prints it as well; what that tells of rules is passed over.
ANTREA_API boost::json::object encode_reach(const std::vector<Reach>& probes);
/// Error: kMalformed, naming the entry and key.
ANTREA_API Result<std::vector<Reach>> decode_reach(const boost::json::value& json);

/// The questions of an expectation, without its answers; addresses filled in from the inventory. An
/// entry may leave `address` out; one that holds a name is asked by that name. Error: kNotFound for
/// a place that is not there.
ANTREA_API Result<std::vector<Reach>> questions_of(const std::vector<Reach>& expected,
                                                   const Inventory& inventory);

/// Asks all the questions with real packets. `network_of` gives the namespace of a source.
ANTREA_API Result<std::vector<Reach>> ask(
    std::vector<Reach> questions, const Inventory& inventory,
    const std::function<Result<const NetNamespace*>(const std::string&)>& network_of,
    const ProberOptions& options = {});

/// What is not as expected, a line each; empty when all is. Entries are matched in order.
ANTREA_API std::vector<std::string> compare_reach(const std::vector<Reach>& expected,
                                                  const std::vector<Reach>& found);

/// A matrix: a row for each source, a column for each target with port and protocol.
ANTREA_API std::string print_matrix(const std::vector<Reach>& probes);

/// Expected beside found, a line each, with a last line that counts.
ANTREA_API std::string print_comparison(const std::vector<Reach>& expected,
                                        const std::vector<Reach>& found);

}  // namespace antrea::lab
