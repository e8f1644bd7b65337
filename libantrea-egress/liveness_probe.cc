#include "antrea/egress/liveness_probe.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "antrea/base/hash.h"
#include "liveness_message.h"
#include "liveness_session.h"
#include "random.h"

namespace antrea::egress {

using liveness::Answer, liveness::Hello, liveness::Question;

namespace {
constexpr unsigned kAsked = 3;                                ///< members per question
constexpr auto kUnwatchedFor = std::chrono::seconds(1);       ///< an unwatched session's life
constexpr auto kQuorumPause = std::chrono::milliseconds(30);  ///< for others to acquit
}  // namespace

struct LivenessProbe::Impl {
  Impl(LivenessOptions o, std::uint64_t seed) : options(std::move(o)), random(seed) {}

  /// We doubt a member and have asked others about it.
  struct Inquiry {
    std::uint32_t number = 0;
    std::set<std::string> asked, silent;  ///< those asked; of them those who do not hear it either
    TimePoint ask_again, confirmed = TimePoint::max(), give_up;
  };
  /// Somebody doubts a member and has asked us.
  struct Favour {
    std::string asker;  ///< this member itself: it is to look
    std::uint32_t number = 0;
    std::string about;
    TimePoint asked, give_up;
  };

  LivenessOptions options;
  Random random;
  LivenessOutput out;
  std::uint32_t next_number = 0;
  std::unordered_map<std::string, GossipEndpoint> members;  ///< that speak this, but not we
  std::set<std::pair<std::uint64_t, std::string>> circle;   ///< they and we
  std::map<std::string, liveness::Session> sessions;
  std::map<std::string, Inquiry> inquiries;
  std::vector<Favour> favours;
  TimePoint next_hello, last_hello, last_call;
  bool is_cut_off = false;

  void excuse_lateness(Duration late);
  void note_time(TimePoint now, TimePoint due);
  std::set<std::string> neighbours() const;
  void choose_sessions(TimePoint now);
  liveness::Session& session_with(const std::string& name, TimePoint now);
  void send(const GossipEndpoint& to, const liveness::Message& message) {
    out.packets.push_back({to, liveness::encode(message)});
  }
  void send_hello(const std::string& name, bool answer_at_once, TimePoint now);
  void on_hello(const Hello& m, TimePoint now);
  void on_question(const Question& m, TimePoint now);
  void on_answer(const Answer& m, TimePoint now);
  void disarm(const std::string& name) {
    if (const auto found = sessions.find(name); found != sessions.end()) found->second.disarm();
  }
  void doubt(TimePoint now);
  void ask(const std::string& about, Inquiry& inquiry, TimePoint now);
  void conclude(TimePoint now);
  void do_favours(TimePoint now);
  void judge_connection(TimePoint now);
  void set_cut_off(bool value) {
    if (value == is_cut_off) return;
    is_cut_off = value;
    out.cut_off = value;
  }
  /// How long to listen for a member we were not in touch with: asking it twice per interval.
  Duration patience() const {
    double loss = 0.01;
    Duration lateness{};
    for (const auto& [name, session] : sessions) {
      if (!session.armed()) continue;
      loss = std::max(loss, session.loss());
      lateness = std::max(lateness, session.lateness());
    }
    const double round_trip = 1 - (1 - loss) * (1 - loss);
    const auto tries = liveness::tries_for(round_trip, options.false_alarm, options.misses);
    return std::min(tries * options.interval / 2 + 2 * lateness + options.interval / 2,
                    options.longest_detection);
  }
};

LivenessProbe::LivenessProbe(LivenessOptions options, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(std::move(options), seed)) {}
LivenessProbe::~LivenessProbe() = default;
LivenessProbe::LivenessProbe(LivenessProbe&&) noexcept = default;
LivenessProbe& LivenessProbe::operator=(LivenessProbe&&) noexcept = default;

void LivenessProbe::start(TimePoint now) {
  auto& m = *impl_;
  m.last_call = m.last_hello = m.next_hello = now;
  m.circle.emplace(stable_hash(m.options.name), m.options.name);
}

/// What did not come while this process itself was late says nothing about others: it may wait in
/// the socket.
void LivenessProbe::Impl::excuse_lateness(Duration late) {
  if (late <= options.interval / 5) return;
  for (auto& [name, session] : sessions) session.excuse(late);
  for (auto& [name, inquiry] : inquiries) {
    inquiry.give_up += late;
    if (inquiry.confirmed != TimePoint::max()) inquiry.confirmed += late;
  }
  for (auto& favour : favours) favour.give_up += late;
}

/// Whoever said nothing for as long as others are patient was stopped meanwhile, and they may have
/// drawn their conclusions. What arrives now may have been sent before that, until it proves to be
/// new.
void LivenessProbe::Impl::note_time(TimePoint now, TimePoint due) {
  excuse_lateness(now - std::max(due, last_call));
  last_call = now;
  auto patience_of_others = Duration::max();
  for (const auto& [name, session] : sessions)
    if (session.armed())
      patience_of_others = std::min(patience_of_others, session.peer_detection());
  if (now - last_hello < patience_of_others) return;
  for (auto& [name, session] : sessions) session.doubt_the_past(now);
  inquiries.clear();
  favours.clear();
  next_hello = last_hello = now;
  set_cut_off(true);
}

std::set<std::string> LivenessProbe::Impl::neighbours() const {
  std::set<std::string> out_names;
  if (members.size() <= options.neighbours) {
    for (const auto& [name, endpoint] : members) out_names.insert(name);
    return out_names;
  }
  const auto self = circle.find({stable_hash(options.name), options.name});
  auto after = self, before = self;
  for (unsigned i = 0; i < options.neighbours / 2; ++i) {
    if (++after == circle.end()) after = circle.begin();
    if (before == circle.begin()) before = circle.end();
    --before;
    out_names.insert(after->second);
    out_names.insert(before->second);
  }
  return out_names;
}

void LivenessProbe::Impl::choose_sessions(TimePoint now) {
  const auto wanted = neighbours();
  for (auto& [name, session] : sessions) session.watch(wanted.contains(name), now);
  for (const auto& name : wanted) session_with(name, now).watch(true, now);
}

void LivenessProbe::member_alive(const std::string& name, const GossipEndpoint& endpoint,
                                 TimePoint now) {
  auto& m = *impl_;
  if (name == m.options.name) return;
  if (m.members.empty()) m.last_call = m.last_hello = m.next_hello = now;
  m.members[name] = endpoint;
  m.circle.emplace(stable_hash(name), name);
  if (const auto session = m.sessions.find(name); session != m.sessions.end())
    session->second.endpoint = endpoint;
  m.choose_sessions(now);
}

void LivenessProbe::member_gone(const std::string& name, TimePoint now) {
  auto& m = *impl_;
  if (m.members.erase(name) == 0) return;
  m.circle.erase({stable_hash(name), name});
  m.sessions.erase(name);
  m.inquiries.erase(name);
  m.choose_sessions(now);
}

liveness::Session& LivenessProbe::Impl::session_with(const std::string& name, TimePoint now) {
  const auto found = sessions.find(name);
  if (found != sessions.end()) return found->second;
  const auto epoch = static_cast<std::uint32_t>(random.next()) | 1;
  return sessions.try_emplace(name, options, epoch, members.at(name), false, now).first->second;
}

void LivenessProbe::Impl::send_hello(const std::string& name, bool answer_at_once, TimePoint now) {
  auto& session = session_with(name, now);
  auto hello = session.hello(answer_at_once, now);
  hello.from = options.name;
  send(session.endpoint, hello);
}

void LivenessProbe::Impl::on_hello(const Hello& m, TimePoint now) {
  auto& session = session_with(m.from, now);
  session.heard(m, now);
  if (m.answer_at_once) send_hello(m.from, false, now);
  if (!session.up(now)) return;
  set_cut_off(false);
  inquiries.erase(m.from);
}

void LivenessProbe::Impl::on_question(const Question& m, TimePoint now) {
  const auto to = members.find(m.from);
  if (to == members.end() || m.about == options.name) return;
  const bool known = std::ranges::any_of(
      favours, [&](const Favour& f) { return f.asker == m.from && f.number == m.number; });
  if (known || favours.size() >= 256) return;
  if (!members.contains(m.about))  // declared gone here already
    return send(to->second, Answer{options.name, m.number, m.about, false});
  const auto session = sessions.find(m.about);
  if (session != sessions.end() && session->second.down(now))
    return send(to->second, Answer{options.name, m.number, m.about, false});
  favours.push_back({m.from, m.number, m.about, now, now + patience()});
  send_hello(m.about, true, now);
}

void LivenessProbe::Impl::on_answer(const Answer& m, TimePoint now) {
  const auto found = inquiries.find(m.about);
  if (found == inquiries.end() || found->second.number != m.number ||
      !found->second.asked.contains(m.from))
    return;
  auto& inquiry = found->second;
  if (m.heard) {  // the trouble is between us and it; gossip goes round that
    disarm(m.about);
    inquiries.erase(found);
    return;
  }
  inquiry.silent.insert(m.from);
  inquiry.confirmed = std::min(inquiry.confirmed, now + kQuorumPause);
  conclude(now);
}

void LivenessProbe::Impl::doubt(TimePoint now) {
  for (auto& [name, session] : sessions) {
    if (!session.watched || !session.down(now) || inquiries.contains(name)) continue;
    Inquiry inquiry{.number = ++next_number, .ask_again = now};
    // Neighbours of the doubted one know best, and among them those that we hear.
    std::vector<std::string> others;
    for (const auto& [other, other_session] : sessions)
      if (other != name && other_session.up(now)) others.push_back(other);
    random.shuffle(others);
    if (others.empty()) continue;  // the trouble is ours, or there is nobody to ask
    if (others.size() > kAsked) others.resize(kAsked);
    inquiry.asked.insert(others.begin(), others.end());
    inquiry.give_up = now + 2 * patience() + session.detection();
    inquiries.emplace(name, std::move(inquiry));
  }
}

void LivenessProbe::Impl::ask(const std::string& about, Inquiry& inquiry, TimePoint now) {
  inquiry.ask_again = now + options.interval;
  for (const auto& name : inquiry.asked)
    if (const auto to = members.find(name); to != members.end() && !inquiry.silent.contains(name))
      send(to->second, Question{options.name, inquiry.number, about});
}

void LivenessProbe::Impl::conclude(TimePoint now) {
  for (auto& [name, inquiry] : inquiries)
    if (now >= inquiry.ask_again) ask(name, inquiry, now);
  std::erase_if(inquiries, [&](const auto& entry) {
    const auto& name = entry.first;
    const auto& inquiry = entry.second;
    // Those asked that we still hear, or that have answered, have a vote.
    const auto votes =
        static_cast<std::size_t>(std::ranges::count_if(inquiry.asked, [&](auto& who) {
          const auto session = sessions.find(who);
          return inquiry.silent.contains(who) ||
                 (session != sessions.end() && session->second.up(now));
        }));
    const auto silent = inquiry.silent.size();
    const bool most = 2 * silent > votes && now >= inquiry.confirmed;
    if (silent != inquiry.asked.size() && !most)
      return now >= inquiry.give_up;  // too few answered; once more, if the doubt remains
    disarm(name);
    out.failed.push_back(name);
    return true;
  });
}

void LivenessProbe::look_for(const std::string& name, TimePoint now) {
  auto& m = *impl_;
  if (!m.members.contains(name)) return m.out.not_found.push_back(name);
  const bool looks = std::ranges::any_of(m.favours, [&](const Impl::Favour& favour) {
    return favour.asker == m.options.name && favour.about == name;
  });
  if (looks) return;
  m.favours.push_back({m.options.name, 0, name, now, now + 2 * m.patience()});
  m.send_hello(name, true, now);
}

void LivenessProbe::Impl::do_favours(TimePoint now) {
  std::erase_if(favours, [&](const Favour& favour) {
    const auto session = sessions.find(favour.about);
    const bool known = session != sessions.end();
    const bool heard =
        known && session->second.up(now) && session->second.last_proof() > favour.asked;
    const bool silent = now >= favour.give_up || !members.contains(favour.about) ||
                        (known && session->second.down(now));
    if (!heard && !silent) return false;
    if (favour.asker == options.name && silent) out.not_found.push_back(favour.about);
    if (const auto to = members.find(favour.asker); to != members.end())
      send(to->second, Answer{options.name, favour.number, favour.about, heard});
    return true;
  });
}

void LivenessProbe::Impl::judge_connection(TimePoint now) {
  unsigned silent = 0;
  for (const auto& [name, session] : sessions) {
    if (!session.watched) continue;
    if (session.up(now)) return;
    silent += session.was_armed() || session.unmet(now) ? 1 : 0;
  }
  if (silent >= 2) set_cut_off(true);
}

bool LivenessProbe::received(std::span<const std::byte> body, TimePoint now) {
  auto& m = *impl_;
  const auto message = liveness::decode(body);
  if (!message) return false;
  m.note_time(now, next_deadline());
  const auto& from =
      std::visit([](const auto& any) -> const std::string& { return any.from; }, *message);
  if (!m.members.contains(from)) return true;
  if (const auto* hello = std::get_if<Hello>(&*message)) {
    m.on_hello(*hello, now);
    m.do_favours(now);
  } else if (const auto* question = std::get_if<Question>(&*message)) {
    m.on_question(*question, now);
  } else {
    m.on_answer(std::get<Answer>(*message), now);
  }
  return true;
}

void LivenessProbe::tick(TimePoint now) {
  auto& m = *impl_;
  m.note_time(now, next_deadline());
  std::erase_if(m.sessions, [&](const auto& entry) {
    const auto& session = entry.second;
    return !session.wanted(now) && now - session.opened() > kUnwatchedFor;
  });
  if (now >= m.next_hello) {
    // As in BFD, up to a tenth early, so that members do not fall into step.
    const auto tenth = m.options.interval / 10;
    m.next_hello = now + m.options.interval -
                   Duration(static_cast<Duration::rep>(
                       m.random.below(static_cast<std::uint64_t>(tenth.count()))));
    m.last_hello = now;
    for (auto& [name, session] : m.sessions)
      if (session.wanted(now)) m.send_hello(name, false, now);
    for (const auto& favour : m.favours)
      if (m.members.contains(favour.about)) m.send_hello(favour.about, true, now);
  }
  m.doubt(now);
  m.conclude(now);
  m.do_favours(now);
  m.judge_connection(now);
}

TimePoint LivenessProbe::next_deadline() const {
  const auto& m = *impl_;
  if (m.members.empty()) return TimePoint::max();
  auto next = m.next_hello;
  for (const auto& [name, session] : m.sessions)
    if (session.armed() && session.up(m.last_call)) {
      next = std::min(next, session.down_at());
    } else if (session.armed() && session.patient_until() > m.last_call) {
      next = std::min(next, session.patient_until());
    } else if (session.watched && session.met_by() > m.last_call) {
      next = std::min(next, session.met_by());
    }
  for (const auto& [name, inquiry] : m.inquiries)
    next = std::min({next, inquiry.ask_again,
                     std::max(inquiry.confirmed, m.last_call + kQuorumPause / 3), inquiry.give_up});
  for (const auto& favour : m.favours) next = std::min(next, favour.give_up);
  return next;
}

LivenessOutput LivenessProbe::take() { return std::exchange(impl_->out, {}); }

std::vector<LivenessProbe::Session> LivenessProbe::sessions() const {
  std::vector<Session> all;
  for (const auto& [name, s] : impl_->sessions)
    if (s.watched)
      all.push_back({name, s.up(impl_->last_call), s.loss(), s.lateness(), s.detection()});
  return all;
}

bool LivenessProbe::cut_off() const { return impl_->is_cut_off; }

}  // namespace antrea::egress
