#pragma once

#include "dispar/decoding/step.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

/// Takes the likeliest token, of equal ones that with the lowest index: argmax_v x_v. One pass.
///
///     decoding::chain{decoding::greedy{}}(cpu{}, logits, tokens);
struct greedy {
  static constexpr bool takes_token = true;  ///< see `step`
  /// See `step`.
  template<class Row>
  DISPAR_FN void operator()(Row& row) const {
    row.token = row.tokens.best().at;
  }
};

}  // namespace decoding

DISPAR_NAMESPACE_END
