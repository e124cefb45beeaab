#pragma once

#include "dispar/decoding/step.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

/// Nucleus sampling: keeps the likeliest tokens until their probabilities sum to p. With p_1 >= p_2 >= ... the probabilities of
/// what is kept so far at the row's temperature (equal ones in the order of their indices), token i stays iff i = 1 or
/// p_1 + ... + p_(i-1) < p. p = 1 is off and costs nothing. Never sorts.
///
/// Throws `invalid_argument` for p outside of (0, 1]. (AdaCAD's functions take p = 0 for greedy: here that is `greedy`, or
/// `nucleus`, which allows it.) Holtzman et al., ICLR 2020; arXiv 1904.09751.
struct top_p {
  row_parameter<double> p = 1;  ///< share of the probability, in (0, 1]; 1: off

  /// See `step`.
  ///@{
  template<memory_space Space>
  void check(index rows, index) const {
    p.template check<Space>(rows, "top_p: p", "must lie in (0, 1]", [](double value) { return valid(value); });
  }
  template<class Row>
  DISPAR_FN void operator()(Row& row) const {
    const double share = p(row.number());
    if (!valid(share))
      row.valid = false;
    else if (share < 1)
      row.tokens.keep_mass(share, row.inverse_temperature);
  }
  ///@}

private:
  [[nodiscard]] DISPAR_FN static bool valid(double share) { return share > 0 && share <= 1; }
};

/// `top_p` as AdaCAD's and CAD's released programs compute it, to reproduce their numbers: p = 0 keeps the likeliest token, and
/// p = 1 is no exception to the rule: where the running sum reaches 1 in double before the last token, the tail goes.
///
/// Throws `invalid_argument` for p outside of [0, 1]. HanNight/AdaCAD, filter_logits_top_p; arXiv 2409.07394.
struct nucleus {
  row_parameter<double> p;  ///< share of the probability, in [0, 1]

  /// See `step`.
  ///@{
  template<memory_space Space>
  void check(index rows, index) const {
    p.template check<Space>(rows, "nucleus: p", "must lie in [0, 1]", [](double value) { return valid(value); });
  }
  template<class Row>
  DISPAR_FN void operator()(Row& row) const {
    const double share = p(row.number());
    if (valid(share))
      row.tokens.keep_mass(share, row.inverse_temperature);
    else
      row.valid = false;
  }
  ///@}

private:
  [[nodiscard]] DISPAR_FN static bool valid(double share) { return share >= 0 && share <= 1; }
};

}  // namespace decoding

DISPAR_NAMESPACE_END
