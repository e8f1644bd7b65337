#pragma once

namespace antrea::policy {

/// Empties a container and gives back what it took; to assign `{}` would keep that.
template <typename Container>
void release_memory(Container& container) {
  container = Container();
}

}  // namespace antrea::policy
