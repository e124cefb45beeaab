#pragma once

#include <string>

#include "array.hpp"
#include "fixture.hpp"

namespace golden {

/// Empty where all elements agree, else one line that names how many do not and the worst. NaN equals NaN, an infinity itself.
[[nodiscard]] std::string difference(const std::vector<double>& got, const array& expected, const tolerance& allowed);

/// Largest |got - expected| over the elements that are finite on both sides.
[[nodiscard]] double largest_error(const std::vector<double>& got, const array& expected);

}  // namespace golden
