#pragma once
/// \file
/// What a step of a decoding chain is, and what it sees.
///
/// A *step* is a small struct. It changes the logits of a row, its temperature, or which of its tokens are kept, or takes one:
///
///     struct top_two {                                                            // a step of yours
///       template<class Row> DISPAR_FN void operator()(Row& row) const { row.tokens.keep_first(2); }
///     };
///     decoding::chain{decoding::temperature{0.8}, top_two{}, decoding::categorical{{.seed = 1}}}(cpu{}, logits, next);
///
/// `row` is a `token_row`; `row.tokens` is the backend's ranked row (`dispar/backend/ranked_rows.hpp`): the tokens from the
/// likeliest down, of which steps keep the first ones. Nothing is sorted, and no logit is written by a step that only keeps. On
/// a GPU all threads of a block run a step together. Optional members:
///
/// - `template<memory_space Space> void check(index rows, index columns) const` throws `invalid_argument` for parameters out of
///   range, before any work. Space is that of the backend.
/// - `static constexpr bool changes_logits = true`: it writes to the logits. Such steps come first and need mutable logits.
/// - `static constexpr bool takes_token = true`: it decides. It comes last.

#include <cstdint>

#include "dispar/backend/ranked_rows.hpp"
#include "dispar/decoding/row_parameter.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

/// What a chain knows beyond the logits: every member optional.
///
///     chain(b, logits, tokens, {.history = so_far, .lengths = how_many, .step = t});
template<memory_space S = host>
struct state {
  /// Tokens so far, rows x any number: what penalties count. Ids outside of the vocabulary are skipped, such as -1 for padding.
  matrix_view<const std::int64_t, S> history{};
  vector_view<const std::int64_t, S> lengths{};  ///< of the history of each row; null: all columns
  std::uint64_t step = 0;                        ///< number of the token that is being drawn: the draw depends on it
  vector_view<const std::int64_t, S> steps{};    ///< the same per row, instead: a CUDA graph reads them at each launch
  vector_view<const double, S> uniforms{};       ///< numbers in [0, 1) per row that draws take instead of random ones
};

/// `state` as it is read where the steps run.
struct state_of_rows {
  /// As in `state`.
  ///@{
  id_rows history{};
  std::uint64_t step = 0;
  dispar::detail::strided_vector<const std::int64_t> steps{};
  dispar::detail::strided_vector<const double> uniforms{};
  ///@}
};

/// What a step sees of a row.
template<class Ranked>
struct token_row {
  Ranked& tokens;                  ///< a ranked row: see `dispar/backend/ranked_rows.hpp`
  const state_of_rows& known;      ///< the caller's `state`
  double inverse_temperature = 1;  ///< the scale of the masses: p_v ~ exp(inverse_temperature x_v)
  index token = -1;                ///< taken; -1: none
  bool valid = true;               ///< whether the row's parameters are: else it gets no token

  /// The row's number.
  [[nodiscard]] DISPAR_FN index number() const { return tokens.number(); }
};

/// A step of a chain.
template<class P>
concept step = std::is_trivially_copyable_v<P> && std::is_class_v<P>;

namespace detail {

template<class P>
concept changes_logits = requires {
  requires P::changes_logits;
};
template<class P>
concept takes_token = requires {
  requires P::takes_token;
};

/// A list that kernels take as an argument.
template<class... Steps>
struct step_list {
  template<bool Take, class Row>
  DISPAR_FN void run(Row&) const {}
  template<memory_space Space>
  void check(index, index) const {}
};
template<class First, class... Rest>
struct step_list<First, Rest...> {
  First first;
  step_list<Rest...> rest;

  /// In order; without `Take` leaving out what takes a token.
  template<bool Take, class Row>
  DISPAR_FN void run(Row& row) const {
    if constexpr (Take || !takes_token<First>) first(row);
    rest.template run<Take>(row);
  }
  template<memory_space Space>
  void check(index rows, index columns) const {
    if constexpr (requires { first.template check<Space>(rows, columns); }) first.template check<Space>(rows, columns);
    rest.template check<Space>(rows, columns);
  }
};

template<class First, class... Rest>
[[nodiscard]] constexpr step_list<First, Rest...> list_steps(const First& first, const Rest&... rest) {
  if constexpr (sizeof...(Rest) == 0)
    return {first, {}};
  else
    return {first, list_steps(rest...)};
}

}  // namespace detail

}  // namespace decoding

DISPAR_NAMESPACE_END
