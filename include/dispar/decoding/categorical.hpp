#pragma once

#include "dispar/core/random/uniform.hpp"
#include "dispar/decoding/step.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

/// Draws one of the kept tokens from their probabilities at the row's temperature: the smallest index whose cumulative
/// probability, in the order of indices, exceeds u. u is `state::uniforms` of the row where given, else uniform on [0, 1) by
/// Philox from (key, step, row): the same on every backend, whichever rows are drawn together.
///
///     decoding::chain{decoding::temperature{0.8}, decoding::categorical{{.seed = 1}}}(b, logits, tokens, {.step = t});
struct categorical {
  static constexpr bool takes_token = true;  ///< see `step`
  random_key key{};                          ///< names the draws
  index first_row = 0;                       ///< number of the first row: for batches that are parts of a larger one

  /// See `step`.
  template<class Row>
  DISPAR_FN void operator()(Row& row) const {
    const index i = row.number();
    const auto& known = row.known;
    const std::uint64_t at = known.steps.data != nullptr ? static_cast<std::uint64_t>(known.steps(i)) : known.step;
    const double u = known.uniforms.data != nullptr ? known.uniforms(i) : uniform<double>(key.fork(at), first_row + i);
    if (u >= 0 && u < 1)
      row.token = row.tokens.draw(u, row.inverse_temperature);
    else
      row.valid = false;
  }
};

}  // namespace decoding

DISPAR_NAMESPACE_END
