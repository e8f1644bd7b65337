#include "action_codec.h"

namespace antrea::openflow::detail {
namespace {

bool only_in_ct(FieldId id) { return id == FieldId::kCtMark || id == FieldId::kCtLabel; }

Fault verify_one(const Action& action, bool inside_ct) {
  const auto* const set = std::get_if<SetField>(&action);
  const auto* const move = set != nullptr ? nullptr : std::get_if<Move>(&action);
  if (set != nullptr || move != nullptr) {
    if (only_in_ct(set != nullptr ? set->field : move->target.field) == inside_ct) return nullptr;
    return inside_ct ? &errors::kActionBadArgument : &errors::kActionBadSetArgument;
  }
  if (std::holds_alternative<Nat>(action))
    return inside_ct ? nullptr : &errors::kActionBadSetArgument;
  return inside_ct ? &errors::kActionBadArgument : nullptr;
}

bool conjunctive(const Action& action) {
  return std::holds_alternative<Conjunction>(action) || std::holds_alternative<Note>(action);
}

struct AllowedInSet {
  template <typename T>
  bool operator()(const T&) const {
    return false;
  }
  bool operator()(const PopVlan&) const { return true; }
  bool operator()(const PopMpls&) const { return true; }
  bool operator()(const Decap&) const { return true; }
  bool operator()(const Encap&) const { return true; }
  bool operator()(const PushMpls&) const { return true; }
  bool operator()(const PushVlan&) const { return true; }
  bool operator()(const DecTtl&) const { return true; }
  bool operator()(const DecMplsTtl&) const { return true; }
  bool operator()(const DecNshTtl&) const { return true; }
  bool operator()(const SetField&) const { return true; }
  bool operator()(const LegacySet&) const { return true; }
  bool operator()(const Move&) const { return true; }
  bool operator()(const SetIpTtl&) const { return true; }
  bool operator()(const SetMplsTtl&) const { return true; }
  bool operator()(const SetQueue&) const { return true; }
  bool operator()(const Ct&) const { return true; }
  bool operator()(const CtClear&) const { return true; }
  bool operator()(const Resubmit&) const { return true; }
  bool operator()(const Output&) const { return true; }
  bool operator()(const GroupAction&) const { return true; }
  bool operator()(const UnknownAction&) const { return true; }
};

}  // namespace

Fault verify_actions(const Actions& actions, bool inside_ct) {
  for (const Action& action : actions) {
    if (std::holds_alternative<Conjunction>(action)) {
      for (const Action& other : actions)
        if (!conjunctive(other)) return &errors::kNxBadConjunction;
      return nullptr;
    }
    if (const Fault fault = verify_one(action, inside_ct)) return fault;
  }
  return nullptr;
}

Fault verify_action_set(const Actions& actions) {
  for (const Action& action : actions)
    if (!std::visit(AllowedInSet{}, action)) return &errors::kActionBadType;
  return nullptr;
}

}  // namespace antrea::openflow::detail
