#include "antrea/openflow/text.h"

#include <stdexcept>

namespace antrea::openflow {

Error TextError::to_error() const {
  std::string text = "parse flow syntax: " + cause + " at character " + std::to_string(offset);
  if (line != 0) text += " of line " + std::to_string(line);
  return make_error(Errc::kMalformed, text);
}

void throw_exception_from_error(const TextError& error, const boost::source_location&) {
  throw std::runtime_error(error.to_error().to_string());
}

}  // namespace antrea::openflow
