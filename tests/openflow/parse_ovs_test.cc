#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "../ovs/fixture.h"
#include "antrea/base/bytes.h"
#include "antrea/openflow/codec.h"
#include "antrea/openflow/text.h"
#include "flow_grammar.h"

// The parser beside the installed ovs-ofctl: the same random lines are accepted, with the same
// bytes.
namespace antrea::openflow::testing {
namespace {

/// A switch that agrees to all and keeps what it is told, in hex digits, with xid 0.
class Recorder {
 public:
  explicit Recorder(const std::string& path) : listener_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(listener_, 4) != 0)
      throw std::runtime_error("cannot listen on " + path);
    thread_ = std::thread([this] { run(); });
  }
  ~Recorder() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
  }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// What was told since the last call. Only between runs of a client.
  std::vector<std::string> take() { return std::exchange(told_, {}); }

 private:
  bool readable(int fd) const {
    pollfd waiting{fd, POLLIN, 0};
    while (!stop_)
      if (::poll(&waiting, 1, 50) > 0) return true;
    return false;
  }
  void run() {
    while (readable(listener_)) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      serve(peer);
      ::close(peer);
    }
  }
  void serve(int peer) {
    std::vector<std::byte> hello;
    encode(1, Hello{}, hello);
    send(peer, hello);
    std::vector<std::byte> stream;
    std::vector<std::byte> chunk(1 << 16);
    while (readable(peer)) {
      const auto size = ::read(peer, chunk.data(), chunk.size());
      if (size <= 0) return;
      stream.insert(stream.end(), chunk.begin(), chunk.begin() + size);
      std::size_t used = 0;
      while (const auto header = peek_header(std::span(stream).subspan(used))) {
        if (header->length < 8 || header->length > stream.size() - used) break;
        answer(peer, *header, std::span(stream).subspan(used, header->length));
        used += header->length;
      }
      stream.erase(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(used));
    }
  }
  void answer(int peer, const Header& header, std::span<const std::byte> wire) {
    constexpr std::uint8_t kHello = 0, kBarrier = 20, kBundleControl = 33, kBundleAdd = 34;
    std::vector<std::byte> reply(wire.begin(), wire.end());
    switch (header.type) {
      case kHello:
        return;
      case kBarrier:
        reply[1] = std::byte{kBarrier + 1};
        return send(peer, reply);
      case kBundleControl:
        // Each reply's type is that of the request and one.
        reply[13] |= std::byte{1};
        return send(peer, reply);
      case kBundleAdd:
        wire = wire.subspan(16);
        break;
      default:
        break;
    }
    std::vector<std::byte> kept(wire.begin(), wire.end());
    std::fill(kept.begin() + 4, kept.begin() + 8, std::byte{0});
    told_.push_back(to_hex(kept));
  }
  static void send(int peer, const std::vector<std::byte>& bytes) {
    (void)!::write(peer, bytes.data(), bytes.size());
  }

  int listener_;
  std::atomic<bool> stop_ = false;
  std::vector<std::string> told_;
  std::thread thread_;
};

class OvsOfctl : public ::testing::Test {
 protected:
  /// What ovs-ofctl sends for each line of a bundle file; empty where it refuses the line.
  std::vector<std::string> sent_for(const std::vector<std::string>& lines) {
    std::vector<std::string> sent(lines.size());
    std::vector<std::size_t> left(lines.size());
    for (std::size_t i = 0; i < left.size(); ++i) left[i] = i;
    send_lines(lines, left, sent);
    return sent;
  }
  /// What one command sends; empty if it is refused.
  std::string sent_by(const std::string& arguments) {
    if (!run(arguments)) return {};
    const auto told = recorder_.take();
    return told.size() == 1 ? told[0] : "not one message";
  }
  std::string target() const { return "unix:" + socket_; }

 private:
  bool run(const std::string& arguments) {
    recorder_.take();
    const std::string command = "ovs-ofctl -O OpenFlow15 --no-names -vconsole:off " + arguments +
                                " </dev/null >/dev/null 2>" + complaint_;
    return std::system(command.c_str()) == 0;
  }
  /// Takes out the line that is complained about until the rest is sent. A complaint about no line
  /// is narrowed down by halves.
  void send_lines(const std::vector<std::string>& lines, std::vector<std::size_t> left,
                  std::vector<std::string>& sent) {
    while (!left.empty()) {
      std::ofstream file(file_);
      for (const std::size_t i : left) file << lines[i] << '\n';
      file.close();
      if (run("bundle " + target() + " " + file_)) {
        const auto told = recorder_.take();
        ASSERT_EQ(told.size(), left.size());
        for (std::size_t i = 0; i < left.size(); ++i) sent[left[i]] = told[i];
        return;
      }
      if (const auto line = complained_line()) {
        ASSERT_LE(*line, left.size());
        left.erase(left.begin() + static_cast<std::ptrdiff_t>(*line) - 1);
        continue;
      }
      if (left.size() == 1) return;
      const auto half = left.begin() + static_cast<std::ptrdiff_t>(left.size() / 2);
      send_lines(lines, {left.begin(), half}, sent);
      send_lines(lines, {half, left.end()}, sent);
      return;
    }
  }
  std::optional<std::size_t> complained_line() const {
    std::stringstream text;
    text << std::ifstream(complaint_).rdbuf();
    const std::string complaint = text.str();
    const std::size_t at = complaint.find(file_ + ":");
    if (at == std::string::npos) return {};
    return std::strtoul(complaint.c_str() + at + file_.size() + 1, nullptr, 10);
  }

  antrea::testing::TempDir folder_;
  std::string socket_ = folder_ / "switch";
  std::string file_ = folder_ / "lines";
  std::string complaint_ = folder_ / "complaint";
  Recorder recorder_{socket_};
};

std::string bytes_of(const Message& message) {
  std::vector<std::byte> wire;
  return encode(0, message, wire) ? to_hex(wire) : "too long";
}

/// ovs-ofctl puts a bucket's actions together anew and breaks this one, unless it is the first.
bool broken_by_ovs_ofctl(const std::string& line) {
  return line.find("bucket=") != std::string::npos &&
         line.find(",check_pkt_larger(") != std::string::npos;
}

std::size_t line_count() {
  const char* const wanted = std::getenv("ANTREA_GENERATED_LINES");
  return wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 1000;
}

/// What random lines seldom hold: masks that cover just the bytes that are written, options of
/// tunnels, what says nothing.
TEST_F(OvsOfctl, SendsTheSameBytesForRareLines) {
  std::vector<std::string> lines;
  for (const char* flow : {
           "actions=load:0x70->tun_metadata0[0..7]",
           "actions=load:0x70->tun_metadata0[0..15]",
           "actions=load:0x70->tun_metadata0[4..15]",
           "actions=load:0->tun_metadata0[0..7]",
           "actions=set_field:0x70/0xff->tun_metadata0",
           "actions=set_field:0x70->tun_metadata0",
           "actions=set_field:0/0->tun_metadata0",
           "actions=set_field:0->tun_metadata0",
           "actions=set_field:0x1234/0xffff->tun_metadata63",
           "actions=set_field:0/0xffffff->tun_metadata1",
           "actions=set_field:0/0->reg0",
           "ip,actions=set_field:0.0.0.0/0->ip_dst",
           "ip,actions=set_field:1.2.3.4/255.255.255.255->ip_dst",
           "actions=set_field:5/0xffffffff->reg0",
           "actions=set_field:5/0xfffff->reg0",
           "ipv6,actions=set_field:5/0xfffff->ipv6_label",
           "ipv6,actions=set_field:5->ipv6_label",
           "tun_metadata0,actions=drop",
           "tun_metadata0=0,actions=drop",
           "tun_metadata0=0/0xff,actions=drop",
           "tun_metadata0=0x100/0xffffff,actions=drop",
           "tun_metadata0=0x12/0xff,actions=drop",
           "recirc_id=5,ip,actions=drop",
           "recirc_id=5,eth,ip,actions=drop",
           "eth,actions=drop",
           "ip,actions=ct(commit,nat(src,random))",
           "ip,actions=ct(commit,nat(dst,hash,persistent))",
           "ip,actions=ct(commit,nat(random))",
           "ip,actions=ct(nat)",
           "actions=push:tun_metadata0[]",
           "actions=push:tun_metadata0[0..127]",
           "actions=move:tun_metadata0[0..991]->tun_metadata1[]",
           "actions=move:tun_metadata0[0..31]->reg0[]",
           "actions=learn(tun_metadata0[0..127]=1)",
           "actions=learn(tun_metadata0[]=tun_metadata1[],load:0x5->tun_metadata2[0..7])",
           "actions=learn(load:reg0[]->tun_metadata2[0..31])",
           "tun_gtpu_flags=0x30,tun_gtpu_msgtype=0,actions=drop",
           "actions=controller(reason=group,max_len=128,id=5,userdata=01.02,pause)",
           "actions=controller(max_len=0)",
           "actions=controller:0",
           "actions=controller",
       })
    lines.push_back(std::string("flow add ") + flow);
  const auto sent = sent_for(lines);
  ASSERT_FALSE(HasFatalFailure());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto parsed = parse_bundle_file(lines[i]);
    const std::string ours = parsed.has_value() ? bytes_of(parsed->at(0)) : std::string();
    EXPECT_EQ(ours, sent[i]) << lines[i]
                             << (parsed ? "" : "\n" + parsed.error().to_error().to_string());
  }
}

TEST_F(OvsOfctl, SendsTheSameBytesForRandomLines) {
  constexpr std::size_t kBatch = 250;
  FlowGrammar grammar(20);
  std::size_t accepted = 0;
  std::size_t count = 0;
  while (count < line_count()) {
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < kBatch; ++i, ++count) lines.push_back(grammar.line());
    const auto sent = sent_for(lines);
    ASSERT_FALSE(HasFatalFailure());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (broken_by_ovs_ofctl(lines[i])) continue;
      const auto parsed = parse_bundle_file(lines[i]);
      const std::string ours = parsed.has_value() ? bytes_of(parsed->at(0)) : std::string();
      EXPECT_EQ(ours, sent[i]) << lines[i]
                               << (parsed ? "" : "\n" + parsed.error().to_error().to_string());
      accepted += sent[i].empty() ? 0 : 1;
    }
  }
  EXPECT_GT(accepted, count / 3) << "too many of the lines are refused to say much";
}

TEST_F(OvsOfctl, SendsTheSameBytesForRandomMeters) {
  FlowGrammar grammar(21);
  for (std::size_t i = 0; i < std::min<std::size_t>(60, line_count()); ++i) {
    const std::string line = grammar.meter();
    const auto parsed = parse_meter_mod(line);
    EXPECT_EQ(parsed.has_value() ? bytes_of(*parsed) : std::string(),
              sent_by("add-meter " + target() + " '" + line + "'"))
        << line;
  }
}

}  // namespace
}  // namespace antrea::openflow::testing
