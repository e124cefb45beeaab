#pragma once
/// \file
/// Which part of a model's output exists because several inputs are present together: Harsanyi dividends and Shapley values.

#include "dispar/backend/step.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

namespace detail {

/// Element j of all subsets, bit by bit in place: what S has beyond S without the bit.
template<class T>
struct harsanyi_step {
  dispar::detail::strided<const T> v;
  dispar::detail::strided<T> dividends;
  index subsets;
  DISPAR_FN void operator()(index j) const {
    if (v.data != dividends.data)
      for (index s = 0; s < subsets; ++s) dividends(s, j) = v(s, j);
    for (index bit = 1; bit < subsets; bit *= 2)
      for (index s = bit; s < subsets; s = (s + 1) | bit) dividends(s, j) -= dividends(s - bit, j);
  }
};

/// Element j of all players.
template<class T>
struct shapley_step {
  dispar::detail::strided<const T> dividends;
  dispar::detail::strided<T> values;
  index players;
  DISPAR_FN void operator()(index j) const {
    for (index i = 0; i < players; ++i) {
      const index bit = index(1) << i;
      double sum = 0;
      for (index s = bit; s < index(1) << players; s = (s + 1) | bit) {
        int size = 0;
        for (index rest = s; rest > 0; rest &= rest - 1) ++size;
        sum += static_cast<double>(dividends(s, j)) / size;
      }
      values(i, j) = static_cast<T>(sum);
    }
  }
};

/// The n of 2^n rows.
[[nodiscard]] inline index players_of(index rows, const char* argument) {
  require(rows > 0 && (rows & (rows - 1)) == 0, argument, "must have 2^n rows, one for every set of players",
          static_cast<double>(rows));
  index n = 0;
  while (index(1) << n < rows) ++n;
  return n;
}

}  // namespace detail

/// The Harsanyi dividends of a game whose players are inputs and whose value is a vector, such as logits: row S of v, a bit mask
/// of the n players (bit i: player i is present), is the output when only those are present. Row S of `dividends` is what exists
/// because all of S is there (the Moebius transform):
///
///     I(S) = sum over L subset of S of (-1)^(|S| - |L|) v(L),      v(S) = sum over L subset of S of I(L),     I(empty) =
///     v(empty)
///
/// v, dividends: 2^n x m, of one type; dividends may be v. A batch [2^n, batch, vocabulary] without gaps is a matrix of m =
/// batch * vocabulary columns. With image and text as players, row 3 is the I of `inter`.
///
///     decoding::harsanyi(cpu{}, v, dividends);
///
/// O(n 2^n m) time, no memory. NaN and infinity spread to every set that contains theirs. Throws `invalid_argument` for a number
/// of rows that is no power of 2, and for shapes that differ.
///
/// Harsanyi, International Economic Review 4 (1963).
template<backend B, sample_matrix X, class Out>
requires real<value_type_of<X>>
void harsanyi(const B& b, const X& v, Out&& dividends) {
  using T = value_type_of<X>;
  const matrix_view<const T, space_of<X>> x = view_of(v);
  const matrix_view<T, space_of<X>> out = view_of(dividends);
  static_assert(reachable<space_of<X>, typename B::space>, "dispar: harsanyi: the backend cannot read this memory");
  (void)detail::players_of(x.rows(), "harsanyi: v");
  require(out.rows() == x.rows(), "harsanyi: dividends", "must have the rows of v", static_cast<double>(out.rows()));
  require(out.cols() == x.cols(), "harsanyi: dividends", "must have the columns of v", static_cast<double>(out.cols()));
  for_each_index(b, x.cols(), detail::harsanyi_step<T>{dispar::detail::strided_of(x), dispar::detail::strided_of(out), x.rows()});
}

/// Shapley values of the players, from dividends: every set shares its dividend equally,
///
///     phi_i = sum over S containing i of I(S) / |S|,       sum_i phi_i = v(all) - v(empty)
///
/// dividends: 2^n x m; values: n x m, row i for player i.
///
///     decoding::shapley(cpu{}, dividends, values);
///
/// O(n 2^n m) time, sums in double, no memory. Throws as `harsanyi`.
///
/// Shapley, Contributions to the Theory of Games 2 (1953).
template<backend B, sample_matrix X, class Out>
requires real<value_type_of<X>>
void shapley(const B& b, const X& dividends, Out&& values) {
  using T = value_type_of<X>;
  const matrix_view<const T, space_of<X>> x = view_of(dividends);
  const matrix_view<T, space_of<X>> out = view_of(values);
  static_assert(reachable<space_of<X>, typename B::space>, "dispar: shapley: the backend cannot read this memory");
  const index n = detail::players_of(x.rows(), "shapley: dividends");
  require(out.rows() == n, "shapley: values", "must have one row per player", static_cast<double>(out.rows()));
  require(out.cols() == x.cols(), "shapley: values", "must have the columns of the dividends", static_cast<double>(out.cols()));
  for_each_index(b, x.cols(), detail::shapley_step<T>{dispar::detail::strided_of(x), dispar::detail::strided_of(out), n});
}

}  // namespace decoding

DISPAR_NAMESPACE_END
