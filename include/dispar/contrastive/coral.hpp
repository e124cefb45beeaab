#pragma once

#include <cmath>

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/columns.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// How CORAL is made.
struct coral_options {
  index band_columns = 0;  ///< as in `barlow_twins_options`
};

namespace detail {

struct finish_coral {
  const double* squares;
  double features;
  double* out;
  DISPAR_FN void operator()() const { *out = *squares / (4 * features * features); }
};

/// The gradient by one sample, from the sums of its columns: dL / dX_k = sum_j (Cov_s - Cov_t)_kj X_j / (d^2 (n - 1)), which the
/// signs of the second matrix turn for the target.
template<class T>
struct coral_gradient {
  index rows, cols;
  strided<const T> sums;  ///< columns x rows: sum_j (Cov_s - Cov_t)_kj +-X_j / sqrt(n - 1)
  double weight;
  const double* upstream;
  bool accumulate;
  strided<T> out;
  [[nodiscard]] DISPAR_FN double of(index) const {
    const auto n = static_cast<double>(rows), d = static_cast<double>(cols);
    return (upstream ? weight * *upstream : weight) / (d * d * std::sqrt(n - 1));
  }
  DISPAR_FN void operator()(index i, index k, double scale) const {
    const double by = scale * static_cast<double>(sums(k, i));
    out(i, k) = static_cast<T>(accumulate ? static_cast<double>(out(i, k)) + by : by);
  }
};

}  // namespace detail

/// Deep CORAL: features of two samples shall have the same covariances,
///
///     L = |Cov_s - Cov_t|_F^2 / (4 d^2),    Cov with divisors n - 1 and m - 1.
///
/// Gradients are by the matrices as they are given.
///
///     double loss = contrastive::coral(cpu{}, source, target, {.x = by_source, .y = by_target});
///
/// source: n x d, target: m x d, of one type, any strides, at least two rows each; rows do not belong together. Each difference
/// of covariances is one inner product over the centred rows of both samples, [s, t] with [s, -t]: large covariances do not
/// swallow small differences, and equal samples give 0 up to the square of rounding.
/// Accuracy in float on the host, with 3000 rows as with 100 000: gradients are off by 2e-6 of the largest where the covariances
/// differ by their own size, by 4e-5 where they differ by a hundredth of it (tests/contrastive/coral.cpp).
///
/// Time: (n + m) d^2 multiply-adds for the value, twice that with gradients. Memory: two centred copies of both samples of the
/// type computed in, with gradients one more, and bands of columns as `band_bytes`; never d x d. The bits depend on shapes only,
/// not on the number of threads.
///
/// Throws `invalid_argument` for fewer than two rows, no columns, numbers of columns that differ, and NaN or infinity in a row
/// (on a GPU at the next wait). Sun & Saenko, ECCV 2016 workshops, equation 1.
template<backend B, sample_matrix X, sample_matrix Y>
[[nodiscard]] double coral(const B& b, const X& source, const Y& target, const paired_gradients_of<X>& g = {},
                           const coral_options& o = {}) {
  result<double, B> loss(b);
  coral(b, source, target, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, class R>
void coral(const B& b, const X& source, const Y& target, const scalar_view<double, R>& out, const paired_gradients_of<X>& g = {},
           const coral_options& o = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  using S = space_of<X>;
  using space = typename B::space;
  static_assert(has_pairwise<B>, "dispar: this backend cannot compute over pairs of rows: it has no member has_pairwise = true");
  static_assert(std::same_as<E, value_type_of<Y>> && std::same_as<S, space_of<Y>>,
                "dispar: both matrices must have the same element type and memory space");
  static_assert(reachable<R, space>, "dispar: this backend cannot write to that memory");
  const matrix_view<const E, S> s = view_of(source), t = view_of(target);
  const auto number = [](index n) { return static_cast<double>(n); };
  require(static_cast<bool>(out), "coral: out", "must not be the null view");
  require(o.band_columns >= 0, "coral: band_columns", "must not be negative", number(o.band_columns));
  require(s.rows() > 1, "coral: rows of source", "must be at least 2: one row has no covariance", number(s.rows()));
  require(t.rows() > 1, "coral: rows of target", "must be at least 2: one row has no covariance", number(t.rows()));
  require(s.cols() > 0, "coral: columns of source", "must be at least 1", number(s.cols()));
  require(t.cols() == s.cols(), "coral: columns of target", "must be those of source", number(t.cols()));
  detail::require_like(g.x, s, "coral: gradient by source");
  detail::require_like(g.y, t, "coral: gradient by target");
  detail::require_finite_rows(b, detail::reached<B>(s), "source");
  detail::require_finite_rows(b, detail::reached<B>(t), "target");

  const index n = s.rows(), both = n + t.rows(), d = s.cols();
  const auto part_of = [&](array<T, 2, B>& all, index first, index rows) {
    return matrix_view<T, space>(all.data() + first, {d, rows}, {both, 1});
  };
  array<T, 2, B> sum(b, {d, both}), difference(b, {d, both}), by_columns;
  const detail::column_moments<E, B> moments_s(b, detail::reached<B>(s)), moments_t(b, detail::reached<B>(t));
  const double scale_s = 1 / std::sqrt(number(n - 1)), scale_t = 1 / std::sqrt(number(both - n - 1));
  detail::copy_columns(b, moments_s, nullptr, scale_s, part_of(sum, 0, n));
  detail::copy_columns(b, moments_t, nullptr, scale_t, part_of(sum, n, both - n));
  detail::copy_columns(b, moments_s, nullptr, scale_s, part_of(difference, 0, n));
  detail::copy_columns(b, moments_t, nullptr, -scale_t, part_of(difference, n, both - n));
  if (g.x || g.y) by_columns = detail::zeros<T>(b, d, both);
  auto squares = detail::zeros<double>(b, 1, 1);
  array<double, 2, B> part(b, {1, 1});
  const std::span<const vector_view<const T, space>> no_operands;
  const std::array<detail::embeddings<T, B>, 2> matrices{detail::as_embeddings(b, sum), detail::as_embeddings(b, difference)};
  const std::array<detail::meeting, 1> met{{{0, 1}}};
  detail::for_each_band_pair(
      b, matrices, inner_product{}, met, o.band_columns,
      [&](const auto& data, const auto& blocks, const detail::band& r, const detail::band&, bool) {
        if (by_columns.data())
          pairwise(b, data, detail::covariances{}, blocks, no_operands, total<1, 1, space>{part.view()},
                   feature_gradient<0, 0, T, 2, space>{{detail::rows_of_band(by_columns, r), matrix_view<T, space>{}}, 1, true});
        else
          pairwise(b, data, detail::square_covariances{}, blocks, no_operands, total<0, 1, space>{part.view()});
        for_each_index(b, 1, detail::add_numbers{part.data(), squares.data()});
      });
  in_order(b, detail::finish_coral{squares.data(), number(d), out.data()});
  const auto gradient = [&](const matrix_view<T, S>& by, index first) {
    if (!by) return;
    detail::for_each_element(b, {by.rows(), d}, 2,
                             detail::coral_gradient<T>{by.rows(),
                                                       d,
                                                       {by_columns.data() + first, both, 1},
                                                       g.factor,
                                                       g.upstream.data(),
                                                       g.accumulate,
                                                       dispar::detail::strided_of(detail::reached<B>(by))});
  };
  gradient(g.x, 0);
  gradient(g.y, n);
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix Y>
[[nodiscard]] double coral(const X& source, const Y& target, const paired_gradients_of<X>& g = {}, const coral_options& o = {}) {
  return coral(B{}, source, target, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
