#pragma once

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <fstream>
#include <sstream>
#include <string>

namespace antrea::kube {

/// One exchange of tests/kube/recordings.
struct Recording {
  boost::json::object document;

  explicit Recording(const std::string& name) {
    std::ifstream file(std::string(ANTREA_SOURCE_DIR "/tests/kube/recordings/") + name + ".json");
    std::stringstream text;
    text << file.rdbuf();
    boost::system::error_code error;
    auto value = boost::json::parse(text.str(), error);
    EXPECT_FALSE(error) << name << ": " << error.message();
    if (value.is_object()) document = value.get_object();
  }

  boost::json::object request_body() const { return body("request"); }
  boost::json::object response_body() const { return body("response"); }

 private:
  boost::json::object body(std::string_view part) const {
    return boost::json::parse(document.at(part).at("body").as_string()).as_object();
  }
};

}  // namespace antrea::kube
