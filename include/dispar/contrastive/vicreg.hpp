#pragma once

#include <cmath>

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/columns.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// VICReg's loss and its parts, which are without their weights.
struct vicreg_loss {
  double value;       ///< the weighted sum of the parts
  double invariance;  ///< mean squared difference of both views
  double variance;    ///< how far standard deviations are below gamma, half of the sum over both views
  double covariance;  ///< squared covariances of different features over their number, sum over both views
};

/// How it is made. The defaults are the paper's.
struct vicreg_options {
  double invariance = 25;  ///< weight of the invariance
  double variance = 25;    ///< weight of the variance
  double covariance = 1;   ///< weight of the covariance
  double gamma = 1;        ///< standard deviation that is wanted
  double eps = 1e-4;       ///< added to a variance below the root
  index band_columns = 0;  ///< as in `barlow_twins_options`
};

namespace detail {

/// Element by element, (x - y)^2.
template<class E>
struct squared_difference {
  strided<const E> x, y;
  DISPAR_FN double operator()(index i, index k) const {
    const double difference = in_double(x(i, k)) - in_double(y(i, k));
    return difference * difference;
  }
};

/// Of feature k: the squared differences of both views, and how far its standard deviations are below gamma.
struct vicreg_terms {
  const double* difference;
  const double* square_x;
  const double* square_y;
  double count, gamma, eps;
  double* terms;  ///< columns x 2
  [[nodiscard]] DISPAR_FN double short_of(double square) const {
    const double below = gamma - std::sqrt(square / (count - 1) + eps);
    return below > 0 ? below : 0;
  }
  DISPAR_FN void operator()(index k) const {
    terms[2 * k] = difference[k];
    terms[2 * k + 1] = short_of(square_x[k]) + short_of(square_y[k]);
  }
};
struct finish_vicreg {
  const double* sums;     ///< of the terms
  const double* squares;  ///< of covariances, every pair once
  double count, features;
  vicreg_options how;
  vicreg_loss* out;
  DISPAR_FN void operator()() const {
    const double invariance = sums[0] / (count * features), variance = sums[1] / (2 * features);
    const double covariance = 2 * *squares / features;
    *out = {how.invariance * invariance + how.variance * variance + how.covariance * covariance, invariance, variance,
            covariance};
  }
};

/// The gradient by a view: of each part by its element, with v the centred columns over sqrt(n - 1),
///
///     2 (z - z') / (n d) - (z - mean)_k / (2 d (n - 1) s_k) where s_k < gamma + 4 / (d sqrt(n - 1)) sum_{j != k} Cov_kj v_j.
template<class E, class T>
struct vicreg_gradient {
  index rows, cols;
  strided<const E> own, other;
  const double* mean;
  const double* square;
  const T* sums;  ///< columns x rows: sum_{j != k} Cov_kj v_j
  vicreg_options how;
  double weight;
  const double* upstream;
  bool accumulate;
  strided<T> out;
  struct column {
    double mean, by_difference, by_deviation, by_sum;
  };
  [[nodiscard]] DISPAR_FN column of(index k) const {
    const auto n = static_cast<double>(rows), d = static_cast<double>(cols);
    const double factor = upstream ? weight * *upstream : weight, deviation = std::sqrt(square[k] / (n - 1) + how.eps);
    return {mean[k], factor * how.invariance * 2 / (n * d),
            deviation < how.gamma ? -factor * how.variance / (2 * d * (n - 1) * deviation) : 0,
            factor * how.covariance * 4 / (d * std::sqrt(n - 1))};
  }
  DISPAR_FN void operator()(index i, index k, const column& c) const {
    const double z = in_double(own(i, k));
    const double by = c.by_difference * (z - in_double(other(i, k))) + c.by_deviation * (z - c.mean) +
                      c.by_sum * static_cast<double>(sums[k * rows + i]);
    out(i, k) = static_cast<T>(accumulate ? static_cast<double>(out(i, k)) + by : by);
  }
};

}  // namespace detail

/// VICReg: both views of a thing shall agree, features shall vary, and not with one another,
///
///     L = 25 inv + 25 var + 1 cov,    inv = mean_ik (x_ik - y_ik)^2,
///     var = 1/2 sum over views of mean_k max(0, gamma - sqrt(Var_k + eps)),
///     cov = sum over views of 1/d sum_{i != j} Cov_ij^2,
///
/// Var and Cov with divisor n - 1. Gradients are by the matrices as they are given.
///
///     auto loss = contrastive::vicreg(cpu{}, x, y, {.x = gx, .y = gy});   // loss.value, .invariance, .variance, .covariance
///
/// x, y: n x d of one type, any strides; row i of both is the same thing; n at least 2. Defaults are the paper's: weights 25, 25,
/// 1; gamma 1, in the unit of the data; eps 1e-4. The variance term is halved as in the released code. At a deviation of exactly
/// gamma the gradient of the hinge is 0. Invariance and variances are computed in double.
///
/// Time: n d^2 multiply-adds for the value (half of it per view), three times that with gradients. Memory: two centred copies of
/// the type computed in, with gradients two more, and bands of columns as `band_bytes`; never d x d. The bits depend on shapes
/// only, not on the number of threads.
///
/// Throws `invalid_argument` for fewer than two rows, no columns, shapes that differ, weights, gamma or eps that are negative or
/// not finite, and NaN or infinity in a row (on a GPU at the next wait). Bardes, Ponce & LeCun, ICLR 2022, section 4.1.
template<backend B, sample_matrix X, sample_matrix Y>
[[nodiscard]] vicreg_loss vicreg(const B& b, const X& x, const Y& y, const paired_gradients_of<X>& g = {},
                                 const vicreg_options& o = {}) {
  result<vicreg_loss, B> loss(b);
  vicreg(b, x, y, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, class R>
void vicreg(const B& b, const X& first_view, const Y& second_view, const scalar_view<vicreg_loss, R>& out,
            const paired_gradients_of<X>& g = {}, const vicreg_options& o = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  using space = typename B::space;
  static_assert(has_pairwise<B>, "dispar: this backend cannot compute over pairs of rows: it has no member has_pairwise = true");
  const auto number = [](index n) { return static_cast<double>(n); };
  const auto usable = [](double v) { return v >= 0 && v < 1e30; };
  require(usable(o.invariance), "vicreg: invariance", "must be finite and not negative", o.invariance);
  require(usable(o.variance), "vicreg: variance", "must be finite and not negative", o.variance);
  require(usable(o.covariance), "vicreg: covariance", "must be finite and not negative", o.covariance);
  require(usable(o.gamma), "vicreg: gamma", "must be finite and not negative", o.gamma);
  require(usable(o.eps) && o.eps > 0, "vicreg: eps", "must be positive and finite", o.eps);
  require(o.band_columns >= 0, "vicreg: band_columns", "must not be negative", number(o.band_columns));
  const auto [x, y] = detail::matched_views<B>("vicreg", first_view, second_view, out, g);
  require(x.rows() > 1, "vicreg: rows of x", "must be at least 2: one row has no variance", number(x.rows()));
  detail::require_finite_rows(b, detail::reached<B>(x), "x");
  detail::require_finite_rows(b, detail::reached<B>(y), "y");

  const index n = x.rows(), d = x.cols();
  const std::array<detail::column_moments<E, B>, 2> z{detail::column_moments<E, B>(b, detail::reached<B>(x)),
                                                      detail::column_moments<E, B>(b, detail::reached<B>(y))};
  array<T, 2, B> centred_x(b, {d, n}), centred_y(b, {d, n});
  const double scale = 1 / std::sqrt(number(n - 1));
  detail::copy_columns(b, z[0], nullptr, scale, centred_x.view());
  detail::copy_columns(b, z[1], nullptr, scale, centred_y.view());
  std::array<array<T, 2, B>, 2> sums;
  if (g.x) sums[0] = detail::zeros<T>(b, d, n);
  if (g.y) sums[1] = detail::zeros<T>(b, d, n);
  auto squares = detail::zeros<double>(b, 1, 1);
  array<double, 2, B> part(b, {1, 1});
  const std::span<const vector_view<const T, space>> no_operands;
  const std::array<detail::embeddings<T, B>, 2> matrices{detail::as_embeddings(b, centred_x),
                                                         detail::as_embeddings(b, centred_y)};
  const std::array<detail::meeting, 2> met{{{0, 0}, {1, 1}}};
  detail::for_each_band_pair(
      b, matrices, inner_product{}, met, o.band_columns,
      [&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool) {
        auto& to = sums[static_cast<std::size_t>(r.of)];
        if (to.data()) {
          const auto own = detail::rows_of_band(to, r);
          pairwise(b, data, detail::covariances{}, blocks, no_operands, total<1, 1, space>{part.view()},
                   feature_gradient<0, 0, T, 2, space>{
                       {own, data.segments() == 1 ? matrix_view<T, space>{} : detail::rows_of_band(to, c)}, 1, true});
        } else {
          pairwise(b, data, detail::square_covariances{}, blocks, no_operands, total<0, 1, space>{part.view()});
        }
        for_each_index(b, 1, detail::add_numbers{part.data(), squares.data()});
      });

  array<double, 1, B> difference(b, {d}), parts(b, {2});
  array<double, 2, B> terms(b, {d, 2});
  detail::sum_over_rows(b, z[0].blocks(), detail::squared_difference<E>{z[0].elements(), z[1].elements()}, difference.view());
  for_each_index(
      b, d,
      detail::vicreg_terms{difference.data(), z[0].square.data(), z[1].square.data(), number(n), o.gamma, o.eps, terms.data()});
  column_sums(b, std::as_const(terms).view(), parts.view());
  in_order(b, detail::finish_vicreg{parts.data(), squares.data(), number(n), number(d), o, out.data()});
  const auto gradient = [&](const matrix_view<T, space_of<X>>& by, std::size_t side) {
    if (!by) return;
    detail::for_each_element(
        b, z[side].blocks(), 6,
        detail::vicreg_gradient<E, T>{n, d, z[side].elements(), z[1 - side].elements(), z[side].mean.data(),
                                      z[side].square.data(), sums[side].data(), o, g.factor, g.upstream.data(), g.accumulate,
                                      dispar::detail::strided_of(detail::reached<B>(by))});
  };
  gradient(g.x, 0);
  gradient(g.y, 1);
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix Y>
[[nodiscard]] vicreg_loss vicreg(const X& x, const Y& y, const paired_gradients_of<X>& g = {}, const vicreg_options& o = {}) {
  return vicreg(B{}, x, y, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
