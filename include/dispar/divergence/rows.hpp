#pragma once
/// \file
/// Divergences of aligned rows: values per row, means, gradients.
///
/// Matrices are rows x vocabulary, of logits unless wrapped in `probabilities(...)`; softmax is never stored. Logits of minus
/// infinity are tokens that cannot occur: 0 log 0 = 0. Adding a constant to a row of logits changes nothing.
///
/// **What a row gives that has no divergence.** NaN in the forms that write to views: a row with a NaN, a logit of plus infinity
/// or a negative probability, a row of nothing but minus infinity, a row of length 0 or without a token under its mask. The forms
/// that return a number throw `invalid_argument` naming the row. Infinite divergences (KL where q is 0 and p is not) are
/// infinity, their gradients NaN. Probabilities are taken as they are: nothing is normalized.
///
/// **Accuracy.** Sums beyond a tile are in double. From float logits, values are within about 1e-7 nats (Jensen-Shannon) of the
/// exact ones, and gradients within about 1e-6 of the largest probability; in double 1e-15.
///
/// Time: one exponential per logit to normalize, two or three per pair of tokens for the divergence. Memory: none per token.

#include <string>

#include "dispar/backend/array.hpp"
#include "dispar/backend/default.hpp"
#include "dispar/divergence/f_divergence.hpp"

DISPAR_NAMESPACE_BEGIN

namespace divergence {

/// Options of all divergences of rows.
template<memory_space S = host>
struct row_options {
  unit in = unit::nats;                          ///< of the result and of what its gradients are derivatives of
  vector_view<const std::int64_t, S> lengths{};  ///< tokens of each row that count, the first ones; null: all
  /// Tokens where it is 0 do not take part: logits of minus infinity, probabilities of 0, gradients of 0. Row stride 0: one mask
  /// for all rows. Null: all take part.
  matrix_view<const std::uint8_t, S> mask{};
};

/// Where gradients go; a null view is not computed. They have the type and shape of the arguments, and may be the arguments
/// themselves: in place.
template<class T, memory_space S = host>
struct gradients {
  matrix_view<T, S> a{};                ///< by the first argument: logits or probabilities
  matrix_view<T, S> b{};                ///< by the second
  double factor = 1;                    ///< the upstream derivative: every gradient is multiplied with it
  vector_view<const double, S> rows{};  ///< an upstream derivative per row, in memory that the backend reads; null: all 1
  bool accumulate = false;              ///< add to what the views hold instead of overwriting it
};

namespace detail {

/// Marks a matrix of probabilities.
template<class View>
struct probability_rows {
  View view;
};

template<class X>
struct row_argument {
  static constexpr row_kind kind = row_kind::logits;
  static auto view(const X& x) requires sample_matrix<X> { return view_of(x); }
};
template<class View>
struct row_argument<probability_rows<View>> {
  static constexpr row_kind kind = row_kind::probabilities;
  static auto view(const probability_rows<View>& x) { return x.view; }
};

template<class X>
using argument_view = decltype(row_argument<std::remove_cvref_t<X>>::view(std::declval<const std::remove_cvref_t<X>&>()));
template<class X>
using argument_value = typename argument_view<X>::value_type;
template<class X>
using argument_space = typename argument_view<X>::space;

}  // namespace detail

/// A matrix of probabilities where a matrix of logits would be expected: `rows(cpu{}, probabilities(p), probabilities(q), ...)`.
template<sample_matrix X>
[[nodiscard]] auto probabilities(const X& x) {
  const view_type<X> view = view_of(x);
  return detail::probability_rows<view_type<X>>{view};
}

/// Logits or probabilities in rows.
template<class X>
concept row_like = sample_matrix<X> || requires(const std::remove_cvref_t<X> x) {
  requires std::same_as<std::remove_cvref_t<X>, detail::probability_rows<decltype(x.view)>>;
};

namespace detail {

/// The one call of the engine: `value` a view of one double per row, or null.
template<bool Gradient, class B, class A, class Q, class F, class Out, class G, class O>
void run(const B& b, const A& a, const Q& q, const F& f, const Out& value, const G& g, const O& o) {
  static_assert(row_argument<A>::kind == row_argument<Q>::kind, "dispar: both arguments must be logits, or both probabilities");
  using T = argument_value<A>;
  using S = argument_space<A>;
  static_assert(std::same_as<T, argument_value<Q>> && std::same_as<S, argument_space<Q>>,
                "dispar: both arguments must have the same element type and memory space");
  if constexpr (requires { f.check(); }) f.check();
  using program = divergence_program<F, row_argument<A>::kind, Gradient>;
  const program p{f, has_unit<F> && o.in == unit::bits ? log2_e : 1.0, g.factor};
  row_inputs<T, 2, S, program::operands> in{
      .x = {row_argument<A>::view(a), row_argument<Q>::view(q)}, .lengths = o.lengths, .mask = o.mask};
  row_outputs<T, program::outputs, 1, S, typename Out::space> out{.results = {value}};
  if constexpr (Gradient) {
    in.operands[0] = g.rows;
    out.y = {g.a, g.b};
    out.accumulate = g.accumulate;
  }
  run_rows(b, p, in, out);
}

/// The mean of values that are there; NaN throws.
template<class B>
[[nodiscard]] double mean_of(const B& b, const array<double, 1, B>& values) {
  const auto there = to_host(b, values);
  const vector_view<const double> v = there.view();
  double sum = 0;
  for (index i = 0; i < v.size(); ++i) {
    if (is_nan(v(i)))
      throw invalid_argument("dispar: divergence: row " + std::to_string(i) +
                             " has no divergence: it holds NaN, infinity or a negative probability, or nothing");
    sum += v(i);
  }
  return sum / static_cast<double>(v.size());
}

template<class A>
[[nodiscard]] index row_count(const A& a) {
  const index rows = row_argument<A>::view(a).rows();
  require(rows > 0, "divergence: number of rows", "must be at least 1");
  return rows;
}

}  // namespace detail

/// D(P_i, Q_i) of every row i, with P_i = softmax(a_i) and Q_i = softmax(b_i), or a and b themselves for `probabilities`:
///
///     divergence::rows(cpu{}, a, b, divergence::jensen_shannon{}, values);           // one double per row
///     divergence::rows(cpu{}, a, b, divergence::jensen_shannon{}, values, {.in = divergence::unit::bits});
///
/// a and b: rows x vocabulary, of one shape and type, any strides. Returns at once on a GPU. Rows without a divergence give NaN.
/// Throws `invalid_argument` for shapes that differ, no columns, and parameters of the divergence out of range.
template<backend B, row_like A, row_like Q, divergence_of_rows F, class Values>
void rows(const B& b, const A& a, const Q& q, const F& f, Values&& values, const row_options<detail::argument_space<A>>& o = {}) {
  const auto out = view_of(values);
  static_assert(std::same_as<typename decltype(out)::element_type, double>, "dispar: the divergences of rows are doubles");
  require(static_cast<bool>(out) || out.size() == 0, "divergence: values", "must not be the null view");
  detail::run<false>(b, a, q, f, out, gradients<detail::argument_value<A>, detail::argument_space<A>>{}, o);
}

/// The same with gradients, of values that may be the null view: g.a(i, j) = g.factor g.rows(i) dD(P_i, Q_i) / da(i, j). For
/// logits
///
///     dD / da_j = s_j - p_j sum_k s_k,    s_j = p_j dD / dp_j
///
/// and for probabilities dD / dp_j, as 0 where p_j is 0. Gradients may be written over the arguments.
///
///     divergence::rows_and_gradient(cpu{}, a, b, divergence::jensen_shannon{}, values, {.a = ga, .b = gb});
///
/// Time about 1.7 times that of the value. Throws as `rows`, and for gradients of another shape.
template<backend B, row_like A, row_like Q, divergence_of_rows F, class Values>
void rows_and_gradient(const B& b, const A& a, const Q& q, const F& f, Values&& values,
                       const gradients<detail::argument_value<A>, detail::argument_space<A>>& g,
                       const row_options<detail::argument_space<A>>& o = {}) {
  detail::run<true>(b, a, q, f, view_of(values), g, o);
}

/// The mean over rows of D(P_i, Q_i): `double d = divergence::mean(cpu{}, a, b, divergence::jensen_shannon{});`
/// ("batchmean" of PyTorch). Waits. Throws as `rows`, for no rows, and for a row without a divergence.
template<backend B, row_like A, row_like Q, divergence_of_rows F>
[[nodiscard]] double mean(const B& b, const A& a, const Q& q, const F& f, const row_options<detail::argument_space<A>>& o = {}) {
  array<double, 1, B> values(b, {detail::row_count(a)});
  rows(b, a, q, f, values.view(), o);
  return detail::mean_of(b, values);
}

/// The same with the gradients of the mean: those of `rows_and_gradient`, divided by the number of rows.
template<backend B, row_like A, row_like Q, divergence_of_rows F>
double mean_and_gradient(const B& b, const A& a, const Q& q, const F& f,
                         gradients<detail::argument_value<A>, detail::argument_space<A>> g,
                         const row_options<detail::argument_space<A>>& o = {}) {
  const index n = detail::row_count(a);
  array<double, 1, B> values(b, {n});
  g.factor /= static_cast<double>(n);
  rows_and_gradient(b, a, q, f, values.view(), g, o);
  return detail::mean_of(b, values);
}

/// The mean on the default backend.
template<backend B = default_backend, row_like A, row_like Q, divergence_of_rows F>
[[nodiscard]] double mean(const A& a, const Q& q, const F& f, const row_options<detail::argument_space<A>>& o = {}) {
  return mean(B{}, a, q, f, o);
}

}  // namespace divergence

DISPAR_NAMESPACE_END
