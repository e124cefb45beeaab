#pragma once

#include "dispar/core/view.hpp"

namespace engine_tests {

using dispar::index;

/// Labels that are small integers, not only signs.
struct integer_labels {
  index rows, labels;

  [[nodiscard]] double at(index i, index p) const { return static_cast<double>((i * 7 + p * 3) % 5 - 2); }
  template<class T>
  void expand(T* target, index first_row, index row_count, index first, index count, index stride) const {
    for (index i = 0; i < row_count; ++i)
      for (index p = 0; p < count; ++p)
        target[i * stride + p] = first + p < labels ? static_cast<T>(at(first_row + i, first + p)) : T(0);
  }
};

}  // namespace engine_tests
