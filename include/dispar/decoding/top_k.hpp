#pragma once

#include "dispar/decoding/step.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

/// Keeps the k likeliest tokens; of equal ones those with the lower index. k = 0, or as many as there are tokens, keeps all and
/// costs nothing. Never sorts: one pass over the row for k up to a 256th of the vocabulary.
///
/// Throws `invalid_argument` for a negative k, and one larger than the vocabulary.
struct top_k {
  row_parameter<index> k = 0;  ///< 0: off

  /// See `step`.
  ///@{
  template<memory_space Space>
  void check(index rows, index columns) const {
    k.template check<Space>(rows, "top_k: k", "must be 0 (off) to the number of tokens",
                            [columns](index value) { return value >= 0 && value <= columns; });
  }
  template<class Row>
  DISPAR_FN void operator()(Row& row) const {
    const index count = k(row.number());
    if (count < 0 || count > row.tokens.size())
      row.valid = false;
    else if (count > 0 && count < row.tokens.size())
      row.tokens.keep_first(count);
  }
  ///@}
};

}  // namespace decoding

DISPAR_NAMESPACE_END
