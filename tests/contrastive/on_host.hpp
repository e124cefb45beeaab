#pragma once

#include <vector>

#include "dispar/backend/gpu.hpp"

namespace contrastive_tests {

/// The elements of an array on the GPU.
template<class T, int Rank>
[[nodiscard]] std::vector<T> on_host(const dispar::gpu& b, const dispar::array<T, Rank, dispar::gpu>& x) {
  const auto copy = to_host(b, x);
  return {copy.data(), copy.data() + copy.view().size()};
}

}  // namespace contrastive_tests
