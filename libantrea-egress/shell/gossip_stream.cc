#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>

#include "gossip_impl.h"

// Streams: the same exchange in both roles, one message there and one back.
namespace antrea::egress {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr std::size_t kChunk = 64U << 10;
constexpr unsigned kMostStreams = 128;  // at once, from others (memberlist net.go)

asio::awaitable<Result<>> write_all(Stream& stream, Bytes bytes) {
  const auto [code, size] = co_await asio::async_write(stream, asio::buffer(bytes), kTuple);
  if (code) co_return errno_error(code.value(), "write gossip stream");
  co_return Result<>{};
}

}  // namespace

/// Ends with the sockets; every piece of work holds on to what it uses.
void Gossip::Impl::spawn(asio::awaitable<void> work) {
  asio::co_spawn(executor_, std::move(work),
                 [self = shared_from_this()](const std::exception_ptr& failure) {
                   if (failure) std::rethrow_exception(failure);
                 });
}

asio::awaitable<Result<Bytes>> Gossip::Impl::read_message(Stream& stream, bool labelled) {
  Bytes bytes;
  std::size_t skip = 0;
  bool label_read = !labelled;
  gossip::StreamMeter meter;
  for (;;) {
    const auto size = bytes.size();
    bytes.resize(size + kChunk);
    const auto [code, got] =
        co_await stream.async_read_some(asio::buffer(bytes.data() + size, kChunk), kTuple);
    bytes.resize(size + got);
    if (code) co_return errno_error(code.value(), "read gossip stream");
    if (!label_read) {
      const bool has_label = bytes[0] == std::byte(GossipType::kHasLabel);
      const bool partial = has_label && (bytes.size() < 2 ||
                                         bytes.size() < 2 + std::to_integer<std::size_t>(bytes[1]));
      if (partial) continue;
      const auto rest = gossip::strip_label(wire_.label, bytes);
      if (!rest) co_return rest.error();
      skip = bytes.size() - rest->size();
      label_read = true;
    }
    const auto body = std::span(bytes).subspan(skip);
    const auto measured = meter.measure(body);
    if (!measured) co_return measured.error();
    if (*measured) co_return wire_.unwrap_stream(body.first(**measured));
  }
}

asio::awaitable<Result<Bytes>> Gossip::Impl::exchange(const StreamRequest& request) {
  const Remote remote{.kind = Remote::Kind::kTcp,
                      .address = request.to.address.to_string(),
                      .port = request.to.port};
  auto stream = co_await connect_stream(remote, request.timeout);
  if (!stream) co_return stream.error();
  auto wire = wire_.wrap_stream(request.message, true);
  if (!wire) co_return wire.error();
  const auto written = co_await write_all(*stream, std::move(*wire));
  if (!written) co_return written.error();
  co_return co_await read_message(*stream, false);
}

asio::awaitable<void> Gossip::Impl::make(StreamRequest request) {
  ++counters.streams_out;
  asio::steady_timer limit(executor_, request.timeout);
  auto done = co_await (exchange(request) || limit.async_wait(kTuple));
  if (stopped_) co_return;
  Result<Bytes> answer = make_error(Errc::kTimeout, "gossip stream: no answer in time");
  if (done.index() == 0) answer = std::get<0>(std::move(done));
  auto taken = membership->stream_done(request.id, answer, std::chrono::steady_clock::now());
  if (!taken) {
    auto error = std::move(taken).error();
    error.object = request.to.to_string();
    options.log->debug("{}", error.to_string());
    taken = std::move(error);
  }
  if (const auto join = joins_.find(request.id); join != joins_.end())
    join->second = std::move(taken);
  drain();
  changed_.notify();
}

asio::awaitable<void> Gossip::Impl::answer(Stream& stream, const GossipEndpoint& from) {
  auto message = co_await read_message(stream, true);
  if (stopped_) co_return;
  std::optional<Bytes> reply;
  if (message) {
    reply = membership->stream_received(from, *message, std::chrono::steady_clock::now());
    drain();
  } else {
    ++counters.refused;
    options.log->debug("gossip stream of {}: {}", from.to_string(), message.error().to_string());
    if (message.error().code == Errc::kUnauthenticated)
      reply = gossip::encode(gossip::ErrorReply{message.error().to_string()});
  }
  if (!reply) co_return;
  auto wire = wire_.wrap_stream(*reply, false);
  if (wire) (void)co_await write_all(stream, std::move(*wire));
}

asio::awaitable<void> Gossip::Impl::serve(Stream stream, GossipEndpoint from) {
  if (streams_open_ >= kMostStreams) co_return;
  ++counters.streams_in;
  ++streams_open_;
  asio::steady_timer limit(executor_, options.membership.stream_timeout);
  (void)co_await (answer(stream, from) || limit.async_wait(kTuple));
  --streams_open_;
}

}  // namespace antrea::egress
