#include "capture_stream.h"

#include "antrea/openflow/codec.h"

namespace antrea::openflow::detail {
namespace {

/// A gap that so much waits behind is not filled any more.
constexpr std::size_t kMaxWaiting = 1 << 20;
/// Sequence numbers further off than that belong to nothing.
constexpr std::int64_t kMaxDistance = 1 << 28;
constexpr std::uint8_t kLastType = 34;

bool plausible(const Header& header) {
  return header.version >= 1 && header.version <= kOpenFlow15 && header.type <= kLastType &&
         header.length >= kHeaderSize;
}

enum class Chain : std::uint8_t { kNone, kOpen, kFound };

/// Whether message headers chain from here to the end of the bytes: two at least, or one whose
/// message ends with the bytes. Open: more bytes may tell.
Chain follow_chain(std::span<const std::byte> bytes) {
  constexpr int kEnough = 4;
  std::size_t at = 0;
  for (int count = 0; count < kEnough && at < bytes.size(); ++count) {
    const auto header = peek_header(bytes.subspan(at));
    if (!header) return count > 1 ? Chain::kFound : Chain::kOpen;
    if (!plausible(*header)) return Chain::kNone;
    at += header->length;
    if (at > bytes.size()) return count > 0 ? Chain::kFound : Chain::kOpen;
  }
  return Chain::kFound;
}

}  // namespace

void CaptureStream::start(std::uint32_t sequence) {
  if (first_ == sequence) return;  // sent again
  const std::size_t lost = lost_bytes_;
  *this = CaptureStream();
  lost_bytes_ = lost;
  first_ = sequence;
  state_ = State::kStarted;
  next_ = std::uint64_t{sequence} + 1;
}

void CaptureStream::add(std::uint32_t sequence, std::span<const std::byte> data,
                        const OnMessage& on_message) {
  if (data.empty() || state_ == State::kForeign) return;
  if (state_ == State::kUnknown) {
    state_ = State::kLost;
    next_ = sequence;
  }
  // Sequence numbers wrap: the position is the one nearest to what is expected.
  const std::int64_t distance =
      static_cast<std::int32_t>(sequence - static_cast<std::uint32_t>(next_));
  if (distance > kMaxDistance || distance < -kMaxDistance) return;
  if (distance <= 0) {
    const auto known = static_cast<std::size_t>(-distance);
    if (known >= data.size()) return;
    append(data.subspan(known), on_message);
    return take_waiting(on_message);
  }
  const std::uint64_t position = next_ + static_cast<std::uint64_t>(distance);
  auto& waiting = waiting_[position];
  if (waiting.size() < data.size()) {
    waiting_bytes_ += data.size() - waiting.size();
    waiting.assign(data.begin(), data.end());
  }
  if (waiting_bytes_ > kMaxWaiting) skip_gap(on_message);
}

void CaptureStream::finish(const OnMessage& on_message) {
  while (!waiting_.empty()) skip_gap(on_message);
  lose(bytes_.size());
  bytes_.clear();
}

void CaptureStream::append(std::span<const std::byte> data, const OnMessage& on_message) {
  bytes_.insert(bytes_.end(), data.begin(), data.end());
  next_ += data.size();
  cut_messages(on_message);
}

void CaptureStream::take_waiting(const OnMessage& on_message) {
  while (!waiting_.empty() && waiting_.begin()->first <= next_) {
    const auto node = waiting_.extract(waiting_.begin());
    waiting_bytes_ -= node.mapped().size();
    const std::uint64_t known = next_ - node.key();
    if (known < node.mapped().size()) append(std::span(node.mapped()).subspan(known), on_message);
  }
}

void CaptureStream::skip_gap(const OnMessage& on_message) {
  const std::uint64_t position = waiting_.begin()->first;
  lose(bytes_.size() + static_cast<std::size_t>(position - next_));
  bytes_.clear();
  next_ = position;
  if (state_ != State::kForeign) state_ = State::kLost;
  take_waiting(on_message);
}

void CaptureStream::cut_messages(const OnMessage& on_message) {
  if (state_ == State::kForeign) return bytes_.clear();
  std::size_t at = 0;
  for (;;) {
    const auto left = std::span<const std::byte>(bytes_).subspan(at);
    if (left.size() < kHeaderSize) break;
    if (state_ == State::kLost) {
      const Chain chain = follow_chain(left);
      if (chain == Chain::kOpen) break;
      if (chain == Chain::kNone) {
        lose(1);
        ++at;
        continue;
      }
      state_ = State::kInside;
    }
    const auto header = peek_header(left);
    const bool hello = header->type == 0;
    if (!plausible(*header) || (state_ == State::kStarted && !hello)) {
      state_ = state_ == State::kStarted ? State::kForeign : State::kLost;
      if (state_ == State::kForeign) return bytes_.clear();
      continue;
    }
    state_ = State::kInside;
    if (left.size() < header->length) break;
    on_message(left.first(header->length), lost_before_);
    lost_before_ = 0;
    at += header->length;
  }
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(at));
}

void CaptureStream::lose(std::size_t bytes) {
  if (state_ == State::kForeign) return;
  lost_before_ += bytes;
  lost_bytes_ += bytes;
}

}  // namespace antrea::openflow::detail
