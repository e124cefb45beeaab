#pragma once

#include "dispar/decoding/step.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

/// Makes tokens of the history (`state::history`) less likely, each distinct one once: x_v := r x_v where x_v < 0, else x_v / r.
/// Minus infinity stays. Writes to the logits. r = 1 is off; without a history nothing happens.
///
/// Throws `invalid_argument` for a penalty that is not positive and finite. Keskar et al., arXiv 1909.05858, equation 2 (there
/// for positive scores only); Hugging Face and llama.cpp do the same.
struct repetition_penalty {
  static constexpr bool changes_logits = true;  ///< see `step`
  row_parameter<double> r = 1;                  ///< positive; above 1 less repetition

  /// See `step`.
  ///@{
  template<memory_space Space>
  void check(index rows, index) const {
    r.template check<Space>(rows, "repetition_penalty: r", "must be positive and finite",
                            [](double value) { return valid(value); });
  }
  template<class Row>
  DISPAR_FN void operator()(Row& row) const {
    const double penalty = r(row.number());
    if (!valid(penalty)) {
      row.valid = false;
    } else if (penalty < 1 || penalty > 1) {
      row.tokens.change(row.known.history, [penalty](auto x, std::int32_t) {
        using V = decltype(x);
        return x < V(0) ? x * V(penalty) : x / V(penalty);
      });
    }
  }
  ///@}

private:
  [[nodiscard]] DISPAR_FN static bool valid(double penalty) { return penalty > 0 && !is_special(penalty); }
};

/// Takes off the logits of tokens of the history: x_v := x_v - presence - frequency n_v, where v occurs n_v > 0 times. As
/// OpenAI's interface has it. Writes to the logits. Both 0 is off.
///
///     decoding::occurrence_penalty{.presence = 0.5, .frequency = 0.1}
///
/// Throws `invalid_argument` for numbers that are not finite.
struct occurrence_penalty {
  static constexpr bool changes_logits = true;  ///< see `step`
  row_parameter<double> presence = 0;           ///< once per token that occurs
  row_parameter<double> frequency = 0;          ///< for each time that it occurs

  /// See `step`.
  ///@{
  template<memory_space Space>
  void check(index rows, index) const {
    presence.template check<Space>(rows, "occurrence_penalty: presence", "must be finite",
                                   [](double value) { return valid(value); });
    frequency.template check<Space>(rows, "occurrence_penalty: frequency", "must be finite",
                                    [](double value) { return valid(value); });
  }
  template<class Row>
  DISPAR_FN void operator()(Row& row) const {
    const double once = presence(row.number()), each = frequency(row.number());
    if (!valid(once) || !valid(each)) {
      row.valid = false;
    } else if (once < 0 || once > 0 || each < 0 || each > 0) {
      row.tokens.change(row.known.history, [once, each](auto x, std::int32_t count) {
        using V = decltype(x);
        return x - V(once + each * static_cast<double>(count));
      });
    }
  }
  ///@}

private:
  [[nodiscard]] DISPAR_FN static bool valid(double value) { return !is_special(value); }
};

}  // namespace decoding

DISPAR_NAMESPACE_END
