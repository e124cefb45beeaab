#pragma once

#include <stdexcept>
#include <string>

#include "dispar/core/config.hpp"

DISPAR_NAMESPACE_BEGIN

/// Thrown for bad input, before any work: the message names the argument and the offending value or shape.
class invalid_argument : public std::invalid_argument {
public:
  using std::invalid_argument::invalid_argument;
};

/// A number as a reader would write it: integers without a decimal point, others with six significant digits.
[[nodiscard]] inline std::string to_text(double value) {
  // The range first: converting a larger number or NaN to an integer is undefined.
  if (value < 1e15 && value > -1e15 && value == static_cast<double>(static_cast<long long>(value)))
    return std::to_string(static_cast<long long>(value));
  char text[32];
  const int length = __builtin_snprintf(text, sizeof text, "%.6g", value);
  return std::string(text, text + (length > 0 ? length : 0));
}

/// `require(sigma > 0, "gaussian: sigma", "must be positive", sigma)`: throws `invalid_argument` when the condition fails.
constexpr void require(bool condition, const char* argument, const char* rule) {
  if (!condition) throw invalid_argument(std::string("dispar: ") + argument + " " + rule);
}

/// The same, with the offending value in the message.
constexpr void require(bool condition, const char* argument, const char* rule, double value) {
  if (!condition) throw invalid_argument(std::string("dispar: ") + argument + " " + rule + ", got " + to_text(value));
}

DISPAR_NAMESPACE_END
