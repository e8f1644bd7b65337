#pragma once

#include <cstdint>
#include <string_view>

#include "antrea/openflow/flow.h"
#include "parse_match.h"
#include "parse_source.h"
#include "tlv.h"

// Actions and instructions of flow syntax, ovs-actions(7).
namespace antrea::openflow::detail {

/// Reads one list of actions, and the lists nested in it with parsers of their own.
class ActionParser {
 public:
  enum class Outer : std::uint8_t { kNone, kClone, kCt, kWriteActions };

  /// Instructions of a flow in `table` (255: not known), checked against what the match promises.
  ActionParser(Source& source, Instructions& to, Premises& premises, TableId table)
      : source_(source),
        out_(to.apply_actions),
        instructions_(&to),
        premises_(&premises),
        table_(table) {}
  /// A bare list, of a bucket or a packet-out, whose packets are not known.
  ActionParser(Source& source, Actions& to) : source_(source), out_(to) {}

  /// A whole list.
  bool parse(std::string_view text) { return add(text) && finish(); }
  /// A list in pieces: what stands in `text`, or one action.
  bool add(std::string_view text);
  bool add(const Pair& action);
  /// Checks what only the whole list tells.
  bool finish();

 private:
  friend struct ActionTable;
  enum class Step : std::uint8_t { kMeter, kApply, kClear, kWrite, kMetadata, kGoto };

  ActionParser(const ActionParser& outer, Actions& to, Outer kind)
      : source_(outer.source_),
        out_(to),
        premises_(outer.premises_),
        table_(outer.table_),
        outer_(kind),
        lenient_(outer.lenient_ || kind == Outer::kWriteActions),
        depth_(outer.depth_ + 1) {}

  bool step(const Pair& action, Step next);
  template <typename T>
  bool put(T&& action) {
    out_.emplace_back(std::forward<T>(action));
    return true;
  }
  bool put_output(std::string_view token, std::uint16_t port, std::uint16_t max_len);
  bool put_set_field(std::string_view token, FieldId id, Masked bits);
  bool put_wide(FieldId id, std::string_view value);
  bool put_set_number(FieldId id, const FieldValue& value) {
    return put(openflow::set_field(id, value));
  }

  // Checks, which pass where the packets are not known.
  bool inconsistent(std::string_view token, std::string cause);
  bool need_field(std::string_view token, FieldId id);
  bool need_target(std::string_view token, FieldId id);
  bool need_ip(std::string_view token);
  bool need_ipv4(std::string_view token);
  bool need_mpls(std::string_view token);
  bool need_port(std::string_view token, std::uint16_t port);

  bool output(const Pair& action);
  bool output_truncated(const Pair& action);
  bool group(const Pair& action);
  bool controller(const Pair& action);
  bool enqueue(const Pair& action);
  bool bundle(const Pair& action);
  bool bundle_load(const Pair& action);
  bool read_bundle(std::string_view text, bool load);
  bool set_field(const Pair& action);
  bool load(const Pair& action);
  bool move(const Pair& action);
  bool set_vlan_vid(const Pair& action);
  bool set_vlan_pcp(const Pair& action);
  bool mod_vlan_vid(const Pair& action);
  bool mod_vlan_pcp(const Pair& action);
  bool put_vlan(const Pair& action, FieldId id, std::uint16_t value, bool push);
  bool pop_vlan(const Pair& action);
  bool push_vlan(const Pair& action);
  bool mod_dl_src(const Pair& action);
  bool mod_dl_dst(const Pair& action);
  bool mod_nw_src(const Pair& action);
  bool mod_nw_dst(const Pair& action);
  bool mod_nw_tos(const Pair& action);
  bool mod_nw_ecn(const Pair& action);
  bool mod_nw_ttl(const Pair& action);
  bool mod_tp_src(const Pair& action);
  bool mod_tp_dst(const Pair& action);
  bool put_port(const Pair& action, bool source_port);
  bool push(const Pair& action);
  bool pop(const Pair& action);
  bool dec_ttl(const Pair& action);
  bool set_mpls_label(const Pair& action);
  bool set_mpls_tc(const Pair& action);
  bool set_mpls_ttl(const Pair& action);
  bool dec_mpls_ttl(const Pair& action);
  bool push_mpls(const Pair& action);
  bool pop_mpls(const Pair& action);
  bool dec_nsh_ttl(const Pair& action);
  bool delete_field(const Pair& action);
  bool set_tunnel(const Pair& action);
  bool set_queue(const Pair& action);
  bool pop_queue(const Pair& action);
  bool fin_timeout(const Pair& action);
  bool resubmit(const Pair& action);
  bool conjunction(const Pair& action);
  bool multipath(const Pair& action);
  bool note(const Pair& action);
  bool exit(const Pair& action);
  bool sample(const Pair& action);
  bool ct_clear(const Pair& action);
  bool check_pkt_larger(const Pair& action);
  bool meter(const Pair& action);
  bool clear_actions(const Pair& action);
  bool write_metadata(const Pair& action);
  bool goto_table(const Pair& action);
  bool drop(const Pair& action);
  bool refused(const Pair& action);
  // parse_nested_action.cc
  bool ct(const Pair& action);
  bool nat(const Pair& action);
  bool read_nat_range(std::string_view token, Nat& nat);
  bool clone(const Pair& action);
  bool write_actions(const Pair& action);
  bool encap(const Pair& action);
  bool read_nsh_property(const Pair& property, Encap& action);
  bool decap(const Pair& action);
  // parse_learn.cc
  bool learn(const Pair& action);
  bool read_learn_option(const Pair& option, Learn& action, bool& known);
  bool read_learn_spec(const Pair& spec, LearnSpec& to);
  bool read_learn_load(const Pair& spec, LearnSpec& to);
  bool check_learned(const Pair& action, const Learn& learn);

  Source& source_;
  Actions& out_;
  Instructions* instructions_ = nullptr;  ///< null: only actions may stand here
  Premises* premises_ = nullptr;          ///< null: nothing is checked
  TableId table_ = kAllTables;
  Outer outer_ = Outer::kNone;
  bool lenient_ = false;  ///< in an action set, whose order is not known
  unsigned depth_ = 0;

  Step step_ = Step::kMeter;
  bool any_ = false;
  const char* drop_ = nullptr;
  const char* conjunction_ = nullptr;
  const char* companion_ = nullptr;  ///< neither conjunction nor note
};

}  // namespace antrea::openflow::detail
