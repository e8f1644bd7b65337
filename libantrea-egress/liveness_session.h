#pragma once

#include <array>
#include <string>

#include "antrea/egress/liveness_probe.h"
#include "liveness_message.h"

namespace antrea::egress::liveness {

/// What one side of a session knows: what it hears, how regularly, and whether it is heard.
///
/// Being heard is proven, not assumed: a hello echoes the number of the last one that came, and we
/// know when we sent that. So what waited in a socket while this process was stopped proves
/// nothing.
class Session {
 public:
  /// `epoch` is not zero, and another one for each session with the same peer.
  Session(const LivenessOptions& options, std::uint32_t epoch, GossipEndpoint endpoint,
          bool watched, TimePoint now);

  /// The next hello to the peer.
  Hello hello(bool answer_at_once, TimePoint now);
  /// Takes in a hello of the peer.
  void heard(const Hello& hello, TimePoint now);

  /// Both ways work.
  bool up(TimePoint now) const { return up_ && now < down_at(); }
  /// When `up` ends, if nothing more comes. Meaningful while up.
  TimePoint down_at() const;
  /// Long enough in regular contact for its silence to mean something.
  bool armed() const { return armed_; }
  bool was_armed() const { return was_armed_; }
  void disarm() {
    armed_ = false;
    regular_ = 0;
    met_by_ = TimePoint::max();
  }
  /// The peer has had its time, and does not answer.
  bool down(TimePoint now) const {
    return (armed_ || unmet(now)) && !up(now) && now >= patient_until_;
  }
  /// The circle says whether we watch the peer.
  void watch(bool wanted, TimePoint now) {
    if (wanted && !watched) met_by_ = now + options_->longest_detection;
    watched = wanted;
  }
  /// When a peer that we watch should have been in regular contact at the latest; max() once it
  /// was, or was doubted for it.
  TimePoint met_by() const {
    return met_by_ == TimePoint::max() ? met_by_ : met_by_ + excused_heard_;
  }
  /// Never in regular contact, though there was time enough: whoever was there before it in the
  /// circle may have gone together with it, so that nobody else misses it.
  bool unmet(TimePoint now) const { return watched && now >= met_by(); }
  TimePoint patient_until() const { return patient_until_; }
  /// We were late by so much: what was not heard meanwhile does not count.
  void excuse(Duration late);
  /// We were stopped: nothing before `now` proves anything any more, and the peer gets time anew.
  void doubt_the_past(TimePoint now);

  TimePoint last_heard() const { return last_heard_; }
  TimePoint last_proof() const { return last_proof_; }
  /// We watch the peer, or it has lately said that it watches us.
  bool wanted(TimePoint now) const { return watched || now - last_wanted_ < kWantedFor; }
  TimePoint opened() const { return opened_; }
  double loss() const;
  /// Silence after which the peer doubts us.
  Duration peer_detection() const { return peer_detection_; }
  Duration lateness() const { return std::max(4 * jitter_, worst_); }
  /// Silence after which the peer is doubted.
  Duration detection() const { return detection_; }

 private:
  const LivenessOptions* options_;

 public:
  GossipEndpoint endpoint;
  bool watched;  ///< the circle says so; others exist only because the peer thinks so, or we asked

 private:
  static constexpr std::size_t kWindow = 64;
  static constexpr unsigned kArmedAfter = 8;  ///< hellos
  static constexpr auto kWantedFor = std::chrono::seconds(1);

  void count_arrival(const Hello& hello, TimePoint now);

  void measure();
  TimePoint opened_;
  TimePoint met_by_ = TimePoint::max();
  // Ours.
  std::uint32_t own_epoch_;
  std::uint32_t sent_ = 0;
  std::array<TimePoint, kWindow> sent_at_{};
  // The peer's.
  std::uint32_t epoch_ = 0, newest_ = 0;
  TimePoint newest_at_{};
  std::uint64_t window_ = 0;  ///< bit i: `newest_` - i came
  unsigned window_size_ = 0;
  Duration jitter_{}, worst_{};
  Duration peer_detection_{}, detection_{};
  TimePoint last_wanted_{};
  TimePoint last_heard_{}, last_proof_{}, proof_from_{}, patient_until_{};
  Duration excused_heard_{}, excused_proof_{};  ///< how late we were since then
  bool up_ = false, armed_ = false, was_armed_ = false;
  unsigned regular_ = 0;
};

/// How many tries in a row must fail, each with this probability, for that to be a false alarm no
/// more often than `false_alarm`; at least `least`.
unsigned tries_for(double failure, double false_alarm, unsigned least);

}  // namespace antrea::egress::liveness
