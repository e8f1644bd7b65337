#include <algorithm>
#include <array>
#include <set>

#include "field_table.h"
#include "parse_action.h"
#include "parse_flow.h"
#include "parse_names.h"

// Groups of flow syntax, ovs-ofctl(8), "Group Syntax".
namespace antrea::openflow::detail {
namespace {

constexpr std::uint32_t kMaxBucket = 0xffffff00;
/// A bucket without an ID of its own, until all buckets are known.
constexpr std::uint32_t kNoBucketId = kBucketAll;

struct AllowedInGroup {
  bool type;
  bool buckets;
  bool command_bucket;
  bool all_buckets;  ///< as command_bucket_id
};
AllowedInGroup allowed_by(GroupCommand command) {
  switch (command) {
    case GroupCommand::kAdd:
    case GroupCommand::kModify:
    case GroupCommand::kAddOrModify:
      return {true, true, false, false};
    case GroupCommand::kInsertBucket:
      return {false, true, true, false};
    case GroupCommand::kRemoveBucket:
      return {false, false, true, true};
    case GroupCommand::kDelete:
      break;
  }
  return {false, false, false, false};
}

class GroupReader {
 public:
  GroupReader(Source& source, GroupMod& mod)
      : source_(source), mod_(mod), allowed_(allowed_by(mod.command)) {}

  bool read(std::string_view text);

 private:
  bool read_option(const Pair& option);
  bool read_command_bucket(const Pair& option);
  bool read_type(const Pair& option);
  bool read_fields(std::string_view text);
  bool read_bucket(std::string_view text);
  bool check_options(std::string_view text);
  bool unneeded(const Pair& option) {
    return source_.fail(option.key, std::string(option.key) + " is not possible here");
  }
  void number_buckets();
  SelectionMethod& selection() {
    if (!mod_.group.selection) mod_.group.selection.emplace();
    return *mod_.group.selection;
  }

  Source& source_;
  GroupMod& mod_;
  AllowedInGroup allowed_;
  bool has_type_ = false;
  bool has_command_bucket_ = false;
};

bool GroupReader::read(std::string_view text) {
  Group& group = mod_.group;
  group.id = kAnyGroup;
  mod_.command_bucket = kBucketAll;
  if (mod_.command == GroupCommand::kDelete && text.empty()) {
    group.id = kAllGroups;
    return true;
  }
  constexpr std::string_view kBucket = "bucket=";
  std::size_t at = text.find(kBucket);
  if (at != std::string_view::npos && !allowed_.buckets)
    return source_.fail(text.substr(at), "buckets are not possible here");
  Lexer lexer(text.substr(0, at));
  Pair option;
  while (lexer.next(option))
    if (!read_option(option)) return false;
  if (!check_options(text)) return false;
  while (at != std::string_view::npos) {
    const std::size_t start = at + kBucket.size();
    at = text.find(kBucket, start);
    if (!read_bucket(text.substr(start, at == std::string_view::npos ? at : at - start)))
      return false;
  }
  if (group.type == GroupType::kIndirect && group.buckets.size() > 1)
    return source_.fail(text, "an indirect group has one bucket at most");
  number_buckets();
  return true;
}

bool GroupReader::read_option(const Pair& option) {
  const std::string_view value = option.value;
  if (option.key == "command_bucket_id") return read_command_bucket(option);
  if (option.key == "group_id") {
    GroupId& id = mod_.group.id;
    if (value == "all") {
      id = kAllGroups;
      return true;
    }
    if (!read_u32(source_, value, "group ID", id.value)) return false;
    return id == kAllGroups || id <= kMaxGroup ||
           source_.fail(value, "group ID must be 0 to 0xffffff00");
  }
  constexpr std::string_view kTyped[] = {"type", "selection_method", "selection_method_param",
                                         "fields"};
  if (std::find(std::begin(kTyped), std::end(kTyped), option.key) == std::end(kTyped))
    return source_.fail(option.key, "unknown keyword " + quoted(option.key));
  if (!allowed_.type) return unneeded(option);
  if (option.key == "type") return read_type(option);
  if (option.key == "fields") return read_fields(value);
  if (option.key == "selection_method_param")
    return read_u64(source_, value, "parameter", selection().param);
  if (value.size() > 15) return source_.fail(value, "a selection method has 15 characters at most");
  selection().method = value;
  return true;
}

bool GroupReader::read_command_bucket(const Pair& option) {
  if (!allowed_.command_bucket) return unneeded(option);
  std::uint32_t& id = mod_.command_bucket;
  const std::string_view value = option.value;
  if (value == "all") {
    id = kBucketAll;
  } else if (value == "first") {
    id = kBucketFirst;
  } else if (value == "last") {
    id = kBucketLast;
  } else {
    if (!read_u32(source_, value, "bucket ID", id)) return false;
    if (id > kMaxBucket && id != kBucketFirst && id != kBucketLast && id != kBucketAll)
      return source_.fail(value, "bucket ID must be 0 to 0xffffff00, all, first or last");
  }
  if (id == kBucketAll && !allowed_.all_buckets)
    return source_.fail(value, "all buckets are not possible here");
  has_command_bucket_ = true;
  return true;
}

bool GroupReader::read_type(const Pair& option) {
  constexpr std::pair<std::string_view, GroupType> kTypes[] = {
      {"all", GroupType::kAll},
      {"select", GroupType::kSelect},
      {"indirect", GroupType::kIndirect},
      {"ff", GroupType::kFastFailover},
      {"fast_failover", GroupType::kFastFailover}};
  for (const auto& [name, type] : kTypes) {
    if (option.value != name) continue;
    mod_.group.type = type;
    has_type_ = true;
    return true;
  }
  return source_.fail(option.value, "expected all, select, indirect, ff or fast_failover");
}

bool GroupReader::read_fields(std::string_view text) {
  auto& fields = selection().fields;
  Lexer lexer(text);
  Pair field;
  while (lexer.next(field)) {
    const auto id = field_by_match_name(field.key);
    if (!id) return source_.fail(field.key, "unknown field " + quoted(field.key));
    for (const auto& other : fields)
      if (other.field == *id) return source_.fail(field.key, "a field stands twice");
    FieldValue mask = byte_mask(*id);
    if (!field.value.empty()) {
      if (!read_exact_value(source_, *id, field.value, mask)) return false;
      if (mask.zero() && !is_tun_metadata(*id))
        return source_.fail(field.value, "a mask of zeros selects nothing");
      if (!info(*id).maskable && mask != byte_mask(*id))
        return source_.fail(field.value, std::string(field.key) + " takes no mask");
    }
    fields.push_back({*id, mask});
  }
  std::sort(fields.begin(), fields.end(),
            [](const auto& a, const auto& b) { return own_place(a.field) < own_place(b.field); });
  return true;
}

bool GroupReader::check_options(std::string_view text) {
  Group& group = mod_.group;
  if (group.id == kAnyGroup) return source_.fail(text, "a group needs group_id");
  if (allowed_.type && !has_type_) return source_.fail(text, "a group needs type");
  if (group.selection) {
    if (group.selection->method != "hash" && !group.selection->fields.empty())
      return source_.fail(text, "fields need selection_method=hash");
    if (group.selection->method.empty() && group.selection->param != 0)
      return source_.fail(text, "selection_method_param needs selection_method");
    if (group.selection->method.empty()) group.selection.reset();
  }
  if (allowed_.command_bucket && !allowed_.all_buckets && !has_command_bucket_)
    return source_.fail(text, "expected command_bucket_id");
  return true;
}

bool GroupReader::read_bucket(std::string_view text) {
  const GroupType type = mod_.group.type;
  Bucket bucket;
  bucket.id = kNoBucketId;
  bool acts = false;
  ActionParser actions(source_, bucket.actions);
  Lexer lexer(text);
  Pair part;
  while (lexer.next(part)) {
    bool good = true;
    if (equals_ignoring_case(part.key, "weight")) {
      std::uint16_t weight = 0;
      good = read_u16(source_, part.value, "weight", weight);
      bucket.weight = weight;
    } else if (equals_ignoring_case(part.key, "watch_port")) {
      std::uint16_t port = 0;
      good = (source_.to_port16(part.value, port) &&
              (port < 0xff00 || port == 0xffff || port == 0xfffd)) ||
             source_.fail(part.value, quoted(part.value) + " cannot be watched");
      bucket.watch_port = port_from16(port);
    } else if (equals_ignoring_case(part.key, "watch_group")) {
      GroupId group;
      good = read_u32(source_, part.value, "group ID", group.value) &&
             (group <= kMaxGroup || source_.fail(part.value, "group ID must be 0 to 0xffffff00"));
      bucket.watch_group = group;
    } else if (equals_ignoring_case(part.key, "bucket_id")) {
      good = read_u32(source_, part.value, "bucket ID", bucket.id) &&
             (bucket.id <= kMaxBucket ||
              source_.fail(part.value, "bucket ID must be 0 to 0xffffff00"));
    } else if (equals_ignoring_case(part.key, "action") ||
               equals_ignoring_case(part.key, "actions")) {
      acts = true;
      good = actions.add(part.value);
    } else {
      acts = true;
      good = actions.add(part);
    }
    if (!good) return false;
  }
  if (bucket.watch_port == kPortAny) bucket.watch_port.reset();
  if (!acts) return source_.fail(text, "a bucket needs actions");
  if (type == GroupType::kFastFailover && !bucket.watch_port && !bucket.watch_group)
    return source_.fail(text, "a bucket of fast failover needs watch_port or watch_group");
  if (!actions.finish()) return false;
  if (type != GroupType::kSelect && bucket.weight.value_or(0) == 0) bucket.weight.reset();
  if (bucket.weight && type != GroupType::kSelect && mod_.command != GroupCommand::kInsertBucket)
    return source_.fail(text, "only buckets of select groups have weights");
  mod_.group.buckets.push_back(std::move(bucket));
  return true;
}

/// Buckets without an ID get the lowest ones that no later bucket has.
void GroupReader::number_buckets() {
  auto& buckets = mod_.group.buckets;
  const auto first = std::find_if(buckets.begin(), buckets.end(),
                                  [](const Bucket& bucket) { return bucket.id == kNoBucketId; });
  std::set<std::uint32_t> taken;
  for (auto bucket = first; bucket != buckets.end(); ++bucket) taken.insert(bucket->id);
  std::uint32_t next = 0;
  for (auto bucket = first; bucket != buckets.end(); ++bucket) {
    if (bucket->id != kNoBucketId) continue;
    while (taken.contains(next)) ++next;
    bucket->id = next++;
  }
}

}  // namespace

bool read_group_mod(Source& source, std::string_view text, GroupCommand command, GroupMod& mod) {
  mod.command = command;
  return GroupReader(source, mod).read(text);
}

bool read_group_line(Source& source, std::string_view text, GroupMod& mod) {
  constexpr std::pair<std::string_view, GroupCommand> kCommands[] = {
      {"add", GroupCommand::kAdd},
      {"delete", GroupCommand::kDelete},
      {"modify", GroupCommand::kModify},
      {"add_or_mod", GroupCommand::kAddOrModify},
      {"insert_bucket", GroupCommand::kInsertBucket},
      {"remove_bucket", GroupCommand::kRemoveBucket}};
  std::string_view rest;
  const std::string_view word = first_word(text, rest);
  for (const auto& [name, command] : kCommands)
    if (!word.empty() && name.starts_with(word)) return read_group_mod(source, rest, command, mod);
  return read_group_mod(source, text, GroupCommand::kAdd, mod);
}

}  // namespace antrea::openflow::detail
