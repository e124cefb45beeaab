#pragma once

#include "dispar/decoding/step.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

/// p_v ~ exp(x_v / t) for the steps behind it. Costs nothing: no logit is divided. Two of them divide twice.
/// t = 0 (below 1e-30, where quotients overflow) keeps the likeliest token alone: greedy.
///
/// Throws `invalid_argument` for a negative or infinite temperature, and NaN.
struct temperature {
  row_parameter<double> t = 1;  ///< not negative

  /// See `step`.
  ///@{
  template<memory_space Space>
  void check(index rows, index) const {
    t.template check<Space>(rows, "temperature: t", "must be finite and not negative", [](double value) { return valid(value); });
  }
  template<class Row>
  DISPAR_FN void operator()(Row& row) const {
    const double value = t(row.number());
    if (!valid(value))
      row.valid = false;
    else if (value < least)
      row.tokens.keep_first(1);
    else
      row.inverse_temperature /= value;
  }
  ///@}

private:
  static constexpr double least = 1e-30;
  [[nodiscard]] DISPAR_FN static bool valid(double value) { return !is_special(value) && value >= 0; }
};

}  // namespace decoding

DISPAR_NAMESPACE_END
