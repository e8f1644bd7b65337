#include "manifest_input.h"

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "antrea/api/json.h"

namespace antrea::antctl {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

using Take = std::function<Result<>(const json::value& object)>;

Result<std::vector<fs::path>> files_of(const std::string& path) {
  std::error_code ec;
  if (!fs::is_directory(path, ec)) return std::vector<fs::path>{path};
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator it(path, ec), end; !ec && it != end; it.increment(ec)) {
    const auto extension = it->path().extension();
    if (extension == ".yaml" || extension == ".yml" || extension == ".json")
      files.push_back(it->path());
  }
  if (ec) return make_error(Errc::kNotFound, "read folder: " + ec.message(), path);
  if (files.empty())
    return make_error(Errc::kNotFound, "read folder: found no *.yaml, *.yml or *.json", path);
  std::ranges::sort(files);
  return files;
}

Result<std::string> text_of(const fs::path& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  std::error_code ec;
  if (!stream && !(fs::exists(file, ec) && fs::is_empty(file, ec)))
    return make_error(Errc::kNotFound, "read manifest: cannot be read", file.string());
  return text.str();
}

/// An error is one line, whatever bytes of the input it quotes.
Error one_line(Error error) {
  for (std::string* text : {&error.cause, &error.object, &error.remedy})
    for (char& c : *text)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return error;
}

Result<> take_manifest(const std::string& text, const std::string& source, const Take& take) {
  auto manifest = api::decode_manifest(text, source);
  if (!manifest) return one_line(std::move(manifest).error());
  for (const json::value& each : *manifest) {
    auto taken = take(each);
    if (taken) continue;
    Error error = std::move(taken).error();
    error.object = source + (error.object.empty() ? "" : ": " + error.object);
    return one_line(std::move(error));
  }
  return {};
}

}  // namespace

Result<> read_manifests(const std::string& path, const Sources& sources,
                        std::span<const Listing> listings, const Take& take) {
  if (path == kCluster) {
    for (const Listing& listing : listings) {
      auto answer = sources.from_api(listing.target);
      if (!answer && !listing.required && answer.error().code == Errc::kNotFound) continue;
      if (!answer) return std::move(answer).error();
      ANTREA_CHECK(take_manifest(json::serialize(*answer), listing.target, take));
    }
    return {};
  }
  ANTREA_TRY(const auto files, files_of(path));
  for (const fs::path& file : files) {
    ANTREA_TRY(const auto text, text_of(file));
    ANTREA_CHECK(take_manifest(text, file.string(), take));
  }
  return {};
}

}  // namespace antrea::antctl
