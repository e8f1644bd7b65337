// The CNI plugin: hands environment and standard input to the agent and prints what it answers.
//
// Decides nothing. Answers VERSION by itself; ADD, CHECK and DEL become the calls of cni.proto,
// whose two messages are simple enough to be written and read here.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "antrea/base/bytes.h"
#include "unary_call.h"

namespace {

namespace json = boost::json;

constexpr std::string_view kSocket = "/var/run/antrea/cni.sock";
constexpr std::string_view kService = "/antrea_io.antrea.pkg.apis.cni.v1beta1.Cni/";
constexpr std::string_view kNewestVersion = "1.0.0";
constexpr std::chrono::seconds kDeadline{120};

enum Code : unsigned {
  kInvalidEnvironment = 4,
  kDecodingFailure = 6,
  kTryAgainLater = 11,
  kUnknownRpcError = 201,
  kIncompatibleApiVersion = 202,
};

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

int fail(std::string_view version, unsigned code, std::string_view message) {
  const json::object error{{"cniVersion", version}, {"code", code}, {"msg", message}};
  std::cout << json::serialize(error) << '\n';
  return 1;
}

// Protobuf wire format (protobuf.dev, "Encoding"): fields of type 2 are length-delimited, of type 0
// varints.

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void put_field(std::string& out, unsigned number, std::string_view value) {
  if (value.empty()) return;
  put_varint(out, number << 3 | 2);
  put_varint(out, value.size());
  out += value;
}

std::uint64_t get_varint(antrea::ByteReader& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = in.u8();
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) break;
  }
  return value;
}

/// Calls `take(number, varint, bytes)` for each field. False for what is no message.
template <typename Take>
bool each_field(std::string_view message, Take take) {
  antrea::ByteReader in(antrea::as_byte_span(message));
  while (!in.empty()) {
    const std::uint64_t tag = get_varint(in);
    std::uint64_t number = 0;
    std::string_view bytes;
    if ((tag & 7) == 0) {
      number = get_varint(in);
    } else if ((tag & 7) == 2) {
      const auto part = in.take(get_varint(in));
      bytes = {reinterpret_cast<const char*>(part.data()), part.size()};
    } else {
      return false;
    }
    if (in.failed()) return false;
    take(tag >> 3, number, bytes);
  }
  return true;
}

struct Reply {
  std::string_view result;
  bool failed = false;
  std::uint64_t code = 0;
  std::string_view message;
};

bool decode(std::string_view message, Reply& reply) {
  bool good = true;
  const bool whole =
      each_field(message, [&](std::uint64_t field, std::uint64_t, std::string_view bytes) {
        if (field == 1) reply.result = bytes;
        if (field != 2) return;
        reply.failed = true;
        good = good && each_field(bytes, [&](std::uint64_t inner, std::uint64_t number,
                                             std::string_view text) {
                 if (inner == 1) reply.code = number;
                 if (inner == 2) reply.message = text;
               });
      });
  return whole && good;
}

int print_version() {
  json::array versions{"0.3.0", "0.3.1", "0.4.0", "1.0.0"};
  std::cout << json::serialize(json::object{{"cniVersion", kNewestVersion},
                                            {"supportedVersions", std::move(versions)}})
            << '\n';
  return 0;
}

}  // namespace

int main() {
  const std::string command = environment("CNI_COMMAND");
  if (command == "VERSION") return print_version();
  const std::string configuration{std::istreambuf_iterator<char>(std::cin), {}};

  std::string version(kNewestVersion);
  json::error_code error;
  const json::value parsed = json::parse(configuration, error);
  if (!error && parsed.is_object())
    if (const auto* const given = parsed.get_object().if_contains("cniVersion");
        given != nullptr && given->is_string())
      version = given->get_string();

  const std::string method = command == "ADD"     ? "CmdAdd"
                             : command == "CHECK" ? "CmdCheck"
                             : command == "DEL"   ? "CmdDel"
                                                  : "";
  if (method.empty())
    return fail(version, kInvalidEnvironment,
                "CNI_COMMAND \"" + command +
                    "\", expected ADD, CHECK, DEL or VERSION (antrea-cni is "
                    "run by a container runtime)");
  std::string missing;
  for (const char* const name : {"CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"})
    if (environment(name).empty() && !(command == "DEL" && std::string_view(name) == "CNI_NETNS"))
      missing += std::string(missing.empty() ? "" : ", ") + name;
  if (!missing.empty())
    return fail(version, kInvalidEnvironment,
                command + " needs the environment variables " + missing);
  if (error || !parsed.is_object())
    return fail(version, kDecodingFailure,
                "the network configuration on standard input is no JSON object");

  std::string arguments;
  put_field(arguments, 1, environment("CNI_CONTAINERID"));
  put_field(arguments, 2, environment("CNI_NETNS"));
  put_field(arguments, 3, environment("CNI_IFNAME"));
  put_field(arguments, 4, environment("CNI_ARGS"));
  put_field(arguments, 5, environment("CNI_PATH"));
  put_field(arguments, 6, configuration);
  std::string request;
  put_field(request, 1, arguments);

  const std::string given = environment("ANTREA_CNI_SOCKET");
  const std::string socket = given.empty() ? std::string(kSocket) : given;
  const auto answer =
      antrea::unary_call(socket, std::string(kService) + method, request, kDeadline);
  if (!answer) {
    const auto code = answer.error().code;
    return fail(version,
                code == antrea::Errc::kUnsupported ? kIncompatibleApiVersion
                : code == antrea::Errc::kUnavailable || code == antrea::Errc::kTimeout
                    ? kTryAgainLater
                    : kUnknownRpcError,
                answer.error().to_string());
  }
  Reply reply;
  if (!decode(*answer, reply))
    return fail(version, kUnknownRpcError, "the agent's answer is malformed");
  if (reply.failed) return fail(version, static_cast<unsigned>(reply.code), reply.message);
  if (!reply.result.empty()) std::cout << reply.result << '\n';
  return 0;
}
