#include "liveness_session.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace antrea::egress::liveness {
namespace {

std::uint16_t to_ms(Duration time) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  return static_cast<std::uint16_t>(std::clamp<decltype(ms)>(ms, 0, 0xffff));
}

}  // namespace

unsigned tries_for(double failure, double false_alarm, unsigned least) {
  constexpr double kMost = 100;
  failure = std::clamp(failure, 1e-9, 0.95);
  const double tries = std::ceil(std::log(false_alarm) / std::log(failure));
  return std::max(least, static_cast<unsigned>(std::min(tries, kMost)));
}

Session::Session(const LivenessOptions& options, std::uint32_t epoch, GossipEndpoint endpoint,
                 bool watched, TimePoint now)
    : options_(&options), endpoint(endpoint), watched(false), opened_(now), own_epoch_(epoch) {
  watch(watched, now);
  measure();
}

Hello Session::hello(bool answer_at_once, TimePoint now) {
  sent_at_[++sent_ % kWindow] = now;
  return {
      .epoch = own_epoch_,
      .sequence = sent_,
      .echo_epoch = epoch_,
      .echo_sequence = newest_,
      .interval_ms = to_ms(options_->interval),
      .detection_ms = to_ms(detection()),
      .hears_you = last_heard_ != TimePoint{} && now - last_heard_ <= detection() + excused_heard_,
      .answer_at_once = answer_at_once,
      .watches_you = watched};
}

void Session::heard(const Hello& m, TimePoint now) {
  if (m.epoch != epoch_) {  // another life of the peer
    epoch_ = m.epoch;
    newest_ = m.sequence;
    newest_at_ = now;
    window_ = window_size_ = 1;
    regular_ = 0;
    up_ = armed_ = false;
  } else {
    count_arrival(m, now);
  }
  measure();
  last_heard_ = now;
  excused_heard_ = {};
  if (m.watches_you) last_wanted_ = now;
  peer_detection_ = std::chrono::milliseconds(m.detection_ms);
  const auto age = sent_ - m.echo_sequence;
  if (m.echo_epoch == own_epoch_ && age < kWindow && m.echo_sequence != 0 &&
      sent_at_[m.echo_sequence % kWindow] > last_proof_) {
    last_proof_ = sent_at_[m.echo_sequence % kWindow];
    excused_proof_ = {};
  }
  const bool proven = last_proof_ > proof_from_ && last_proof_ != TimePoint{};
  up_ = m.hears_you && proven;
  if (up_ && now >= down_at()) up_ = false;
  if (!up_) return void(regular_ = 0);
  if (++regular_ >= kArmedAfter) armed_ = was_armed_ = true;
  met_by_ = armed_ ? TimePoint::max() : now + options_->longest_detection;
}

void Session::count_arrival(const Hello& m, TimePoint now) {
  const auto ahead = static_cast<std::int32_t>(m.sequence - newest_);
  if (ahead <= 0) {  // overtaken on the way
    if (-ahead < static_cast<std::int32_t>(kWindow)) window_ |= std::uint64_t{1} << -ahead;
    return;
  }
  const auto step = static_cast<unsigned>(ahead);
  if (step >= kWindow) {
    window_ = window_size_ = 1;
  } else {
    window_ = window_ << step | 1;
    window_size_ = std::min<unsigned>(window_size_ + step, kWindow);
    if (!m.answer_at_once && newest_at_ != TimePoint{}) {
      const auto expected = newest_at_ + step * Duration(std::chrono::milliseconds(m.interval_ms));
      const auto off = now > expected ? now - expected : expected - now;
      jitter_ += (off - jitter_) / 16;
      worst_ = std::max(worst_ - worst_ / 64, now > expected ? off : Duration{});
      worst_ = std::min(worst_, options_->longest_detection / 2);
      jitter_ = std::min(jitter_, options_->longest_detection / 8);
    }
  }
  newest_ = m.sequence;
  newest_at_ = now;
}

double Session::loss() const {
  if (window_size_ == 0) return 0.5;
  const auto missing = [&](unsigned count) {
    const auto mask = count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
    return static_cast<double>(count) - std::popcount(window_ & mask);
  };
  // The last few count, too, by themselves: loss that begins must be believed at once.
  const auto few = std::min(window_size_, 8U);
  return std::max((missing(window_size_) + 0.5) / (window_size_ + 1.0), missing(few) / few);
}

void Session::measure() {
  const auto tries = tries_for(loss(), options_->false_alarm, options_->misses);
  detection_ = std::min(tries * options_->interval + lateness(), options_->longest_detection);
}

void Session::excuse(Duration late) {
  excused_heard_ += late;
  excused_proof_ += late;
}

void Session::doubt_the_past(TimePoint now) {
  proof_from_ = now;
  up_ = false;
  patient_until_ = now + detection_ + 2 * options_->interval;
  newest_at_ = TimePoint{};  // how late the next hello is says nothing about the network
}

TimePoint Session::down_at() const {
  return std::min(
      last_heard_ + excused_heard_ + detection_,
      last_proof_ + excused_proof_ + detection_ + peer_detection_ + 2 * options_->interval);
}

}  // namespace antrea::egress::liveness
