#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dispar/core/view.hpp"

namespace golden {

/// The content of an NPY file: the elements in C order, numbers or integers.
struct array {
  std::vector<dispar::index> shape;
  bool integral = false;
  std::vector<double> real;           ///< where not integral
  std::vector<std::int64_t> integer;  ///< where integral

  [[nodiscard]] std::size_t size() const { return integral ? integer.size() : real.size(); }
  [[nodiscard]] double at(std::size_t i) const { return integral ? static_cast<double>(integer[i]) : real[i]; }
};

/// "[2, 3]".
[[nodiscard]] inline std::string shape_text(const std::vector<dispar::index>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

}  // namespace golden
