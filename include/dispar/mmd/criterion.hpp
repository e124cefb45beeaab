#pragma once

#include "dispar/mmd/gradient.hpp"
#include "dispar/mmd/variance.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// Coefficients as in `options`; `lambda` is added to the variance inside the root (1e-8 in the released MMD-MP code).
struct criterion_options {
  double xx = 1;         ///< factor of the mean within X
  double yy = 1;         ///< factor of the mean within Y
  double xy = 2;         ///< factor of the mean across, subtracted
  double lambda = 1e-8;  ///< not negative
};

/// J and what it is made of.
struct criterion_result {
  double statistic;  ///< the one-sample U statistic
  double variance;   ///< V, see `variance_h1`
  double value;      ///< J = statistic / sqrt(V + lambda)
};

namespace detail {

/// Upstream per pair: a constant of the block, a multiple of the sum of both rows' numbers, and an extra for matched pairs.
template<class T>
struct row_upstream {
  static constexpr int operands = 1;
  vec<T, 3> constant;
  vec<T, 3> slope;
  T matched;

  template<class V, class At>
  DISPAR_FN V operator()(const At& at) const {
    const V u = fma(V(slope[at.block]), at.row[0] + at.col[0], V(constant[at.block]));
    return u + select(at.matched, V(matched), V(0));
  }
  template<class V, class At>
  DISPAR_FN static V weigh(V value, const At&) {
    return value;
  }
};

/// The gradient of any f(U, V): d f / d H_ij = by_u [i != j] / (n (n - 1)) + by_v 8 (r_i - mean r) / n^3.
/// H_ij and H_ji hold the same k(x_i, x_j); k(x_i, y_j) enters both with -xy/2.
template<backend B, class Samples, pair_function K, class T, class S>
void h1_gradient(const B& b, const Samples& samples, const K& k, const options& o, const std::vector<double>& centred_rows,
                 double by_u, double by_v, const gradients<T, K::channels, S>& out) {
  const auto n = static_cast<double>(samples.n());
  const double pair = by_u / (n * (n - 1)), row = by_v * 8 / (n * n * n);
  std::vector<T> rows;
  for (int sample_number = 0; sample_number < 2; ++sample_number)
    for (double r : centred_rows) rows.push_back(static_cast<T>(row * r));
  const auto narrow = [](double a, double c, double d) {
    return vec<T, 3>{{static_cast<T>(a), static_cast<T>(c), static_cast<T>(d)}};
  };
  const row_upstream<T> pairs{narrow(2 * o.xx * pair, 2 * o.yy * pair, -o.xy * pair), narrow(o.xx, o.yy, -o.xy / 2),
                              static_cast<T>(o.xy * pair)};
  const row_upstream<T> diagonal{narrow(0, 0, 0), narrow(o.xx / 2, o.yy / 2, 0), T(0)};
  const std::array<vector_view<const T>, 1> operands{vector_view<const T>(rows.data(), static_cast<index>(rows.size()))};
  (void)gradient_pass(b, samples, k, pairs, diagonal, std::span<const vector_view<const T>>(operands), out, {},
                      std::make_index_sequence<static_cast<std::size_t>(K::channels)>());
}

[[nodiscard]] inline criterion_result criterion_of(const h1_statistics& h, const criterion_options& o) {
  return {h.statistic, h.variance, h.statistic / std::sqrt(h.variance + o.lambda)};
}

template<backend B, class Samples, pair_function K>
[[nodiscard]] h1_statistics h1(const B& b, const Samples& samples, const K& k, const criterion_options& o) {
  require(o.lambda >= 0, "criterion: lambda", "must not be negative", o.lambda);
  require_paired(samples, "criterion: samples");
  return h1_from_rows(sum_by_row(b, samples, k), {.xx = o.xx, .yy = o.yy, .xy = o.xy});
}

}  // namespace detail

/// J = U / sqrt(V + lambda): the one-sample U statistic of MMD^2 over its H1 standard deviation, a stand-in for test power.
///
///     auto j = mmd::criterion(cpu{}, channels(phi_x, raw_x), channels(phi_y, raw_y), deep, {.yy = 0});  // MMD-MP
///
/// Equal sizes. Time as `estimate`, plus O(n). Throws as `variance_h1`, and for a negative lambda.
/// Liu et al., ICML 2020; `{.yy = 0}`: Zhang et al., ICLR 2024 (MMD-MP).
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] criterion_result criterion(const B& b, const X& x, const Y& y, const K& k, const criterion_options& o = {}) {
  return detail::criterion_of(detail::h1(b, detail::make_two_samples<typename K::metric>(b, x, y), k, o), o);
}

/// The same from a kernel matrix.
template<backend B, class T, class S>
[[nodiscard]] criterion_result criterion(const B& b, const given_gram<T, S>& gram, const criterion_options& o = {}) {
  return detail::criterion_of(detail::h1(b, detail::make_two_samples(b, gram), identity<>{}, o), o);
}

/// J = U / sqrt(V + lambda) and its gradients with respect to every channel of both samples and to the kernel's parameters,
///
///     dJ = dU / sqrt(V + lambda) - U dV / (2 (V + lambda)^(3/2)).
///
/// J is to be maximized: for a loss -J say `.factor = -1` in the gradients. Time: `criterion`, then a pass with gradients;
/// memory as `value_and_gradient`. Throws as `criterion`, for gradient views of a wrong shape, and where V + lambda is 0.
/// Liu et al., ICML 2020; Zhang et al., ICLR 2024 (MMD-MP).
///
///     mmd::criterion_and_gradient(cpu{}, channels(phi_x, raw_x), channels(phi_y, raw_y), deep,
///                                 {.x = {grad_phi_x, {}}, .y = {grad_phi_y, {}}, .parameters = grad_k, .factor = -1},
///                                 {.yy = 0});
template<backend B, sample_like X, sample_like Y, pair_function K>
criterion_result criterion_and_gradient(const B& b, const X& x, const Y& y, const K& k, const gradients_of<X, K>& out,
                                        const criterion_options& o = {}) {
  static_assert(K::metric::translation_invariant, "dispar: gradients are for kernels of a distance, not of an inner product");
  const auto samples = detail::make_two_samples<typename K::metric>(b, x, y);
  const auto h = detail::h1(b, samples, k, o);
  const auto result = detail::criterion_of(h, o);
  const double spread = h.variance + o.lambda;
  require(spread > 0, "criterion: lambda", "must be positive where the variance is 0", o.lambda);
  detail::h1_gradient(b, samples, k, {.xx = o.xx, .yy = o.yy, .xy = o.xy}, h.centred_rows, 1 / std::sqrt(spread),
                      -h.statistic / (2 * spread * std::sqrt(spread)), out);
  return result;
}

/// V of `variance_h1` and its gradients, dV/dH_ij = 8 (r_i - mean r) / n^3, for criteria other than J.
///
///     double v = mmd::variance_and_gradient(cpu{}, x, y, gaussian{2.0}, {.x = {gx}});
///
/// Cost, memory and errors as `criterion_and_gradient`. Liu et al., ICML 2020.
template<backend B, sample_like X, sample_like Y, pair_function K>
double variance_and_gradient(const B& b, const X& x, const Y& y, const K& k, const gradients_of<X, K>& out,
                             const options& o = {}) {
  static_assert(K::metric::translation_invariant, "dispar: gradients are for kernels of a distance, not of an inner product");
  const auto samples = detail::make_two_samples<typename K::metric>(b, x, y);
  detail::require_paired(samples, "variance_and_gradient: samples");
  const auto h = detail::h1_from_rows(detail::sum_by_row(b, samples, k), o);
  detail::h1_gradient(b, samples, k, o, h.centred_rows, 0, 1, out);
  return h.variance;
}

}  // namespace mmd

DISPAR_NAMESPACE_END
