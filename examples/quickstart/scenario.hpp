#pragma once

#include <string>
#include <vector>

#include "digits.hpp"

namespace quickstart {

/// The current half of the digits as it looks after a drift.
struct scenario {
  std::string drift, strength;
  bool is_strongest = false;
  table current;
};

/// No drift first, then blur, shift and class imbalance, each from barely there to plain.
[[nodiscard]] std::vector<scenario> scenarios(const labelled_images& current);

}  // namespace quickstart
