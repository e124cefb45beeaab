#pragma once

#include <cmath>

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/gradient_targets.hpp"
#include "dispar/contrastive/gradient_views.hpp"
#include "dispar/contrastive/softmax_terms.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// Uniformity of rows.
struct uniformity_loss {
  double value;  ///< the loss; 0 where there are no pairs
  double pairs;  ///< how many pairs of rows it is the mean of; 0 with one row: the value then says nothing
};

/// How uniformity is made.
struct uniformity_options {
  double t = 2;         ///< factor of the squared distance, positive
  index band_rows = 0;  ///< rows worked on at a time; 0: as many as `band_bytes` hold. Changes last bits
};

namespace detail {

/// -t d^2, whose exponential is the Gaussian potential of a pair.
template<class T>
struct potential_exponents {
  static constexpr int channels = 1, outputs = 1, operands = 0;
  T t;
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(const vec<V, 1>& square, const At&) const {
    return {{V(-t) * square[0]}};
  }
};

/// The derivative of the loss by the squared distance of a pair; the operand is the log-sum-exp of all pairs.
template<class T>
struct potential_slopes {
  static constexpr int channels = 1, outputs = 1, operands = 1;
  T t;
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(const vec<V, 1>& square, const At& at) const {
    return {{V(-t) * exp(V(-t) * square[0] - at.row[0])}};
  }
};

/// The loss from states that count every pair twice.
struct finish_uniformity {
  const log_sum_exp_state* parts;
  index count;
  double pairs;
  double* log_sum;
  uniformity_loss* out;
  DISPAR_FN void operator()() const {
    auto all = folds::log_sum_exp<double>::identity();
    for (index i = 0; i < count; ++i) folds::log_sum_exp<double>::merge(all, parts[i]);
    *log_sum = folds::log_sum_exp<double>::finalize(all) - std::log(2.0);
    *out = {*log_sum - std::log(pairs), pairs};
  }
};
struct no_uniformity {
  uniformity_loss* out;
  DISPAR_FN void operator()() const { *out = {0, 0}; }
};

/// One number for every row.
template<class T>
struct same_operand {
  const double* value;
  T* out;
  DISPAR_FN void operator()(index i) const { out[i] = static_cast<T>(*value); }
};

}  // namespace detail

/// Uniformity: how evenly rows spread over the sphere, by the Gaussian potentials of all pairs,
///
///     L = log mean_{i < j} exp(-t |u_i - u_j|^2),    u_i = x_i / |x_i|;
///
/// with another similarity than `cosine` u are the rows as that scales them. The smaller, the more uniform. The gradient is by
/// the rows as they are given.
///
///     auto loss = contrastive::uniformity(cpu{}, x, contrastive::cosine{}, {.x = gx});   // loss.value
///
/// x: n x d, any strides. Default t = 2, as the paper. Sums by log-sum-exp: no t underflows. With one row there is no pair: value
/// 0, pairs 0, gradient 0. Accuracy in float: t times 1e-6, gradients 1e-5 of the largest.
///
/// Time: n^2 d / 2 multiply-adds for the value, twice that again with the gradient. Memory: one number per row, and bands of
/// rows, at most 64 MiB on the host and 1 GiB on a device (`band_bytes`) for any n; with the gradient, on the host, distances
/// that fit into 64 MiB more (`kept_bytes`); with `accumulate` a copy of the gradient. The bits depend on shapes only, not on the
/// number of threads.
///
/// Throws `invalid_argument` for a matrix without rows or columns, t that is not positive and finite, and NaN or infinity in a
/// row (on a GPU at the next wait). Wang & Isola, ICML 2020, section 4.1.
template<backend B, sample_matrix X, similarity Similarity>
[[nodiscard]] uniformity_loss uniformity(const B& b, const X& x, const Similarity& how, const row_gradient_of<X>& g = {},
                                         const uniformity_options& o = {}) {
  result<uniformity_loss, B> loss(b);
  uniformity(b, x, how, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, similarity Similarity, class R>
void uniformity(const B& b, const X& rows_of_x, const Similarity& how, const scalar_view<uniformity_loss, R>& out,
                const row_gradient_of<X>& g = {}, const uniformity_options& o = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  using S = space_of<X>;
  using space = typename B::space;
  static_assert(has_pairwise<B>, "dispar: this backend cannot compute over pairs of rows: it has no member has_pairwise = true");
  static_assert(reachable<R, space>, "dispar: this backend cannot write to that memory");
  const matrix_view<const E, S> x = view_of(rows_of_x);
  const auto number = [](index n) { return static_cast<double>(n); };
  require(static_cast<bool>(out), "uniformity: out", "must not be the null view");
  require(o.t > 0 && o.t < 1e30, "uniformity: t", "must be positive and finite", o.t);
  require(o.band_rows >= 0, "uniformity: band_rows", "must not be negative", number(o.band_rows));
  require(x.rows() > 0, "uniformity: rows of x", "must be at least 1", number(x.rows()));
  require(x.cols() > 0, "uniformity: columns of x", "must be at least 1", number(x.cols()));
  detail::require_like(g.x, x, "uniformity: gradient by x");
  const std::array<detail::embeddings<E, B>, 1> matrices{detail::embeddings<E, B>(b, detail::reached<B>(x))};
  detail::require_finite(matrices[0], "x");

  const index n = x.rows(), features = x.cols();
  const double work = number(x.size());
  const auto clear = [&](const matrix_view<T, space>& by) {
    for_each_index(b, n, work, detail::clear_rows<T>{dispar::detail::strided_of(by), features});
  };
  if (n < 2) {
    if (g.x && !g.accumulate) clear(detail::reached<B>(g.x));
    return in_order(b, detail::no_uniformity{out.data()});
  }
  const std::array<detail::meeting, 1> met{{{0, 0}}};
  const index parts = n < 1024 ? n : 1024;
  array<detail::log_sum_exp_state, 1, B> states(b, {n}), folded(b, {parts});
  array<double, 1, B> log_sum(b, {1});
  for_each_index(b, n, detail::clear_states{states.data()});
  const std::span<const vector_view<const T, space>> no_operands;
  auto passes = detail::passes_over_bands<sq_euclidean>(b, matrices, how, met, o.band_rows, static_cast<bool>(g.x));
  passes.for_each([&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool) {
    array<detail::log_sum_exp_state, 2, B> own(b, {data.rows(), 1});
    pairwise(b, data, detail::potential_exponents<T>{static_cast<T>(o.t)}, blocks, no_operands,
             row_log_sum_exp<0, space>{own.view()});
    for_each_index(b, data.rows(), detail::merge_states{own.data(), states.data() + r.first, states.data() + c.first, r.count});
  });
  for_each_index(b, parts, number(n), detail::fold_states{states.data(), n, parts, folded.data()});
  in_order(b, detail::finish_uniformity{folded.data(), parts, number(n) * (number(n) - 1) / 2, log_sum.data(), out.data()});
  if (!g.x) return;

  const detail::gradient_targets<B, T, S, 1> targets(b, {g.x}, g.accumulate);
  passes.for_each([&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool) {
    array<T, 1, B> operand(b, {data.rows()});
    for_each_index(b, data.rows(), detail::same_operand<T>{log_sum.data(), operand.data()});
    const std::array<vector_view<const T, space>, 1> by_row{{{operand.data(), data.rows()}}};
    const bool square = data.segments() == 1;
    pairwise(b, data, detail::potential_slopes<T>{static_cast<T>(o.t)}, blocks,
             std::span<const vector_view<const T, space>>(by_row),
             feature_gradient<0, 0, T, 2, space>{{targets.of(r), square ? matrix_view<T, space>{} : targets.of(c)}, 1, true});
  });
  targets.finish(b, matrices, how, nullptr, g.factor, g.upstream.data());
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, similarity Similarity>
[[nodiscard]] uniformity_loss uniformity(const X& x, const Similarity& how, const row_gradient_of<X>& g = {},
                                         const uniformity_options& o = {}) {
  return uniformity(B{}, x, how, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
