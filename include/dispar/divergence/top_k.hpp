#pragma once
/// \file
/// Divergences of the most probable tokens alone: what is left of two distributions where an interface hands out the best k, and
/// a cheaper target for distillation.

#include "dispar/backend/ranked_rows.hpp"
#include "dispar/backend/step.hpp"
#include "dispar/divergence/lumped.hpp"

DISPAR_NAMESPACE_BEGIN

namespace divergence {

/// Whose most probable tokens count.
enum class top_k_of {
  first,   ///< those of P
  second,  ///< those of Q
  either   ///< the union of both: k to 2 k tokens
};

/// What becomes of all other tokens.
enum class top_k_rest {
  renormalized,  ///< they do not exist: P and Q are divided by their mass in the k tokens
  lumped         ///< they are one token, of all their mass
};

/// A divergence restricted to the k most probable tokens, equal ones by lowest index:
///
///     divergence::rows(cpu{}, a, b, divergence::top_k{divergence::kullback_leibler{}, 50}, values);
///     const divergence::top_k best{divergence::jensen_shannon{}, 50, divergence::top_k_of::either,
///     divergence::top_k_rest::lumped}; divergence::mean_and_gradient(cpu{}, teacher, student, best, {.b = gradient});
///
/// With the set S of a row, renormalized: D(P(. | S), Q(. | S)). Lumped: D of the k + 1 probabilities p_v of S and 1 - sum_S p_v,
/// never more than D(P, Q) for an f-divergence (data processing inequality); the mass of the rest is summed itself, not taken
/// from 1. The set counts as constant in gradients, which are 0 outside of it where it is renormalized. k at least the number of
/// tokens is D(P, Q) itself.
///
/// For `rows`, `rows_and_gradient`, `mean`, `mean_and_gradient` of logits; of probabilities, hand in logarithms. Masks and
/// lengths are not supported. A row that cannot be ranked (NaN, plus infinity, nothing but minus infinity) gives NaN.
///
/// Time: the selection (`run_ranked_rows`) and, renormalized, that of the whole divergence; lumped, twice that. Memory: one byte
/// per token. Used for distillation from interfaces with top log-probabilities, where both forms are found.
template<divergence_of_rows F>
struct top_k {
  F f;                                         ///< the divergence
  index k;                                     ///< how many tokens, at least 1
  top_k_of of = top_k_of::first;               ///< whose
  top_k_rest rest = top_k_rest::renormalized;  ///< what becomes of the others

  /// Throws `invalid_argument` for a k below 1, and for parameters of the divergence out of range.
  void check() const {
    require(k >= 1, "top_k: k", "must be at least 1", static_cast<double>(k));
    if constexpr (requires { f.check(); }) f.check();
  }
};
/// `top_k{f, k}`.
template<divergence_of_rows F, class... Rest>
top_k(F, index, Rest...) -> top_k<F>;

namespace detail {

template<class F>
inline constexpr bool restricts_tokens<top_k<F>> = true;

/// The last of the first k tokens of every row; position -1 for a row that has no order.
template<class C>
struct find_last_of_top_k {
  ranked_element<C>* out;
  index k;
  template<class Row>
  DISPAR_FN void operator()(Row& row) const {
    row.keep_first(k);
    const auto last = row.last();
    if (row.leads()) out[row.number()] = {static_cast<C>(last.value), last.at};
  }
};

/// The tokens of a matrix that are at or before a place in the order of their row.
template<class T>
struct tokens_until {
  using C = computed_type<T>;
  dispar::detail::strided<const T> x{};
  const ranked_element<C>* last = nullptr;  ///< per row; null: none
  [[nodiscard]] DISPAR_FN bool ranks(index i) const { return last == nullptr || last[i].at >= 0; }
  /// mask[j] |= whether token first + j counts.
  DISPAR_FN void add(index i, index first, index count, std::uint8_t* __restrict mask) const {
    if (last == nullptr) return;
    const C value = last[i].value;
    const index at = last[i].at, stride = x.col_stride;
    const T* const row = &x(i, first);
    // Apart, so that compilers vectorize: before the place, behind it, and elements of rows that are no memory in a line.
    const index before = at < first ? 0 : at - first < count ? at - first + 1 : count;
    if (stride == 1) {
      for (index j = 0; j < before; ++j) mask[j] |= static_cast<C>(row[j]) >= value ? 1 : 0;
      for (index j = before; j < count; ++j) mask[j] |= static_cast<C>(row[j]) > value ? 1 : 0;
    } else {
      for (index j = 0; j < count; ++j) {
        const C element = static_cast<C>(row[j * stride]);
        mask[j] |= (j < before ? element >= value : element > value) ? 1 : 0;
      }
    }
  }
};

/// The mask of `grain` tokens of a row: one on a GPU, where neighbours are written together.
template<class T>
struct mark_top_k {
  tokens_until<T> first, second;
  std::uint8_t* mask;
  index columns, grain;
  DISPAR_FN void operator()(index t) const {
    const index pieces = (columns + grain - 1) / grain, i = t / pieces, begin = t % pieces * grain;
    const index count = columns - begin < grain ? columns - begin : grain;
    std::uint8_t* const target = mask + i * columns + begin;
    for (index j = 0; j < count; ++j) target[j] = 0;
    if (!first.ranks(i) || !second.ranks(i)) return;
    first.add(i, begin, count, target);
    second.add(i, begin, count, target);
  }
};

/// The tokens that count, as a dense mask; none of a row that has no order.
template<class B, class T, class S, class F>
[[nodiscard]] array<std::uint8_t, 2, B> top_k_mask(const B& b, const matrix_view<const T, S>& a, const matrix_view<const T, S>& q,
                                                   const top_k<F>& f) {
  using C = computed_type<T>;
  const index n = a.rows(), v = a.cols();
  array<std::uint8_t, 2, B> mask(b, {n, v});
  array<ranked_element<C>, 2, B> last(b, {2, n});
  mark_top_k<T> step{{}, {}, mask.data(), v, std::same_as<typename B::space, host> ? index{4096} : index{1}};
  const auto find = [&](const matrix_view<const T, S>& x, tokens_until<T>& tokens, index place) {
    ranked_element<C>* const out = last.data() + place * n;
    run_ranked_rows(b, find_last_of_top_k<C>{out, f.k}, x);
    tokens = {dispar::detail::strided_of(x), out};
  };
  if (f.of != top_k_of::second) find(a, step.first, 0);
  if (f.of != top_k_of::first) find(q, step.second, 1);
  for_each_index(b, n * ((v + step.grain - 1) / step.grain), 2.0 * static_cast<double>(n) * static_cast<double>(v), step);
  return mask;
}

template<bool Gradient, class B, class A, class Q, class F, class Out, class G, class O>
void run_top_k(const B& b, const A& a, const Q& q, const top_k<F>& f, const Out& values, const G& g, const O& o) {
  static_assert(sample_matrix<A> && sample_matrix<Q>, "dispar: top_k is of logits; hand in the logarithms of probabilities");
  using T = value_type_of<A>;
  using S = space_of<A>;
  static_assert(std::same_as<T, value_type_of<Q>> && std::same_as<S, space_of<Q>>,
                "dispar: both arguments must have the same element type and memory space");
  f.check();
  require(!o.mask && !o.lengths, "top_k: masks and lengths", "are not supported");
  const matrix_view<const T, S> x(view_of(a)), y(view_of(q));
  require(x.rows() == y.rows() && x.cols() == y.cols(), "top_k: rows and columns", "must be the same in both matrices",
          static_cast<double>(y.cols()));
  require(x.cols() > 0 || x.rows() == 0, "rows: number of columns", "must be at least 1", 0);
  if (x.rows() == 0) return;
  const auto mask = top_k_mask(b, x, y, f);
  if (f.rest == top_k_rest::lumped) {
    run_lumped<Gradient>(b, x, y, f.f, values, g, o, mask.view());
    return;
  }
  auto masked = o;
  masked.mask = matrix_view<const std::uint8_t, S>(mask.data(), x.rows(), x.cols());
  run<Gradient>(b, x, y, f.f, values, g, masked);
}

}  // namespace detail

/// See `top_k`.
///@{
template<backend B, row_like A, row_like Q, class F, class Values>
void rows(const B& b, const A& a, const Q& q, const top_k<F>& f, Values&& values,
          const row_options<detail::argument_space<A>>& o = {}) {
  detail::run_top_k<false>(b, a, q, f, view_of(values), gradients<detail::argument_value<A>, detail::argument_space<A>>{}, o);
}
template<backend B, row_like A, row_like Q, class F, class Values>
void rows_and_gradient(const B& b, const A& a, const Q& q, const top_k<F>& f, Values&& values,
                       const gradients<detail::argument_value<A>, detail::argument_space<A>>& g,
                       const row_options<detail::argument_space<A>>& o = {}) {
  detail::run_top_k<true>(b, a, q, f, view_of(values), g, o);
}
///@}

}  // namespace divergence

DISPAR_NAMESPACE_END
