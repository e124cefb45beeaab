#pragma once

#include <cmath>

#include "dispar/decoding/step.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

/// Keeps the tokens whose probability is at least p times that of the likeliest, at the row's temperature:
/// x_v >= max x + t log p. The plausibility cut of contrastive decoding. p = 0 is off and costs nothing.
///
/// Throws `invalid_argument` for p outside of [0, 1]. Nguyen et al., ICLR 2025; arXiv 2407.01082.
struct min_p {
  row_parameter<double> p = 0;  ///< in [0, 1]; 0: off

  /// See `step`.
  ///@{
  template<memory_space Space>
  void check(index rows, index) const {
    p.template check<Space>(rows, "min_p: p", "must lie in [0, 1]", [](double value) { return valid(value); });
  }
  template<class Row>
  DISPAR_FN void operator()(Row& row) const {
    const double share = p(row.number());
    if (!valid(share)) {
      row.valid = false;
    } else if (share > 0) {
      const auto best = row.tokens.best();
      using C = std::remove_cvref_t<decltype(best.value)>;
      row.tokens.keep_at_least(static_cast<C>(static_cast<double>(best.value) + std::log(share) / row.inverse_temperature));
    }
  }
  ///@}

private:
  [[nodiscard]] DISPAR_FN static bool valid(double share) { return share >= 0 && share <= 1; }
};

}  // namespace decoding

DISPAR_NAMESPACE_END
