#include "out.h"

namespace antrea::openflow::detail {

void Out::grow(std::size_t size) {
  // The vector fills what it grows by with zeros: little at a time, as most messages are small.
  constexpr std::size_t kStep = 256;
  const std::size_t used = this->size();
  if (owner_ == nullptr) {
    overflowed_ = true;
    owner_ = &spill_;
    spill_.assign(begin_, at_);
  }
  owner_->resize(used + (size < kStep ? kStep : size));
  begin_ = owner_->data();
  at_ = begin_ + used;
  end_ = begin_ + owner_->size();
}

}  // namespace antrea::openflow::detail
