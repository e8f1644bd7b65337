// The README's program: three hosts keep one address, and a client asks for it while they fail.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/egress/segment.h"

namespace antrea::egress {
namespace {

std::string content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

class KeepAddress : public testing::Test {
 protected:
  static constexpr const char* kAddress = "10.9.0.100";

  void SetUp() override {
    auto segment = Segment::create(4);
    if (!segment) GTEST_SKIP() << segment.error().to_string();
    segment_.emplace(*std::move(segment));
  }
  std::vector<SegmentHost>& hosts() { return segment_->hosts; }
  const SegmentHost& client() { return segment_->hosts[3]; }
  void start(std::size_t i) {
    auto process = lab::Process::spawn(
        {.argv = {ANTREA_BIN_DIR "/keep_address", "host" + std::to_string(i + 1), "eth0", kAddress,
                  "host1=10.9.0.1", "host2=10.9.0.2", "host3=10.9.0.3"},
         .view = hosts()[i].view()});
    ASSERT_TRUE(process.has_value()) << process.error().to_string();
    hosts()[i].program.emplace(std::move(*process));
  }
  std::vector<std::size_t> owners() const { return segment_->owners(kAddress, 3); }
  bool client_reaches_it() {
    client().run({"ip", "neighbour", "flush", "all"});
    return client().run({"ping", "-c1", "-W1", kAddress}).find("1 received") != std::string::npos;
  }
  /// The MAC that the client remembers for the address; it asks for none.
  std::string neighbour() {
    const auto text = client().run({"ip", "neighbour", "show", kAddress});
    const auto at = text.find("lladdr ");
    return at == std::string::npos ? "" : text.substr(at + 7, 17);
  }

  std::optional<Segment> segment_;
};

TEST_F(KeepAddress, AlwaysOneHostHasIt) {
  for (std::size_t i = 0; i < 3; ++i) start(i);
  ASSERT_TRUE(eventually([&] { return owners().size() == 1; }));
  EXPECT_TRUE(eventually([&] { return client_reaches_it(); }));
  const auto remembered = neighbour();
  ASSERT_NE(remembered, "");

  // Its link is cut: it gives the address up by itself, and another one has it.
  const auto first = owners().at(0);
  ASSERT_TRUE(segment_->cut(first).has_value());
  ASSERT_TRUE(eventually([&] {
    const auto now = owners();
    return now.size() == 1 && now[0] != first;
  })) << "owners: "
      << owners().size();
  EXPECT_TRUE(eventually([&] { return neighbour() != remembered; }))
      << "the client has heard of it, though it asked nobody";
  EXPECT_TRUE(eventually([&] { return client_reaches_it(); }));

  // It comes back, and all three agree again; then the program of whoever has it ends for good.
  ASSERT_TRUE(segment_->mend(first).has_value());
  ASSERT_TRUE(eventually([&] { return owners().size() == 1 && client_reaches_it(); }));
}

TEST_F(KeepAddress, TwoOfThreeGoOnWhenOneIsStopped) {
  for (std::size_t i = 0; i < 3; ++i) start(i);
  ASSERT_TRUE(eventually([&] { return owners().size() == 1; }));
  const auto first = owners().at(0);
  hosts()[first].program->signal(SIGSTOP);
  ASSERT_TRUE(eventually([&] { return owners().size() == 2; }))
      << "a stopped program withdraws nothing";
  hosts()[first].program->signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return owners().size() == 1; }));
}

TEST(Readme, ShowsTheProgramThatIsTested) {
  const auto program = content(ANTREA_SOURCE_DIR "/examples/keep_address.cc");
  const auto readme = content(ANTREA_SOURCE_DIR "/libantrea-egress/README.md");
  ASSERT_FALSE(program.empty());
  EXPECT_NE(readme.find(program), std::string::npos);
}

}  // namespace
}  // namespace antrea::egress
