#pragma once

#include <boost/json.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "antrea/base/bytes.h"

// The vectors of vectors/openflow.jsonl (vectors/README.md).
namespace antrea::openflow::testing {

inline const std::string kVectorFolder = ANTREA_SOURCE_DIR "/tests/openflow/vectors/";

struct Vector {
  std::string id, kind, type, hex, error, canonical, text, flow;
  bool reencodes = true;
  bool releases_differ = false;  ///< 3.1 says something else than later releases

  std::vector<std::byte> bytes() const { return *from_hex(hex); }
};

inline std::vector<Vector> load_vectors() {
  std::vector<Vector> vectors;
  std::ifstream file(kVectorFolder + "openflow.jsonl");
  for (std::string line; std::getline(file, line);) {
    const auto object = boost::json::parse(line).as_object();
    const auto text = [&](const char* key) {
      const auto* value = object.if_contains(key);
      return value != nullptr && value->is_string() ? std::string(value->as_string())
                                                    : std::string();
    };
    Vector v{text("id"),    text("kind"),      text("type"), text("hex"),
             text("error"), text("canonical"), text("text"), text("flow")};
    if (const auto* reencodes = object.if_contains("reencodes")) v.reencodes = reencodes->as_bool();
    v.releases_differ = object.contains("ovs31");
    vectors.push_back(std::move(v));
  }
  return vectors;
}

}  // namespace antrea::openflow::testing
