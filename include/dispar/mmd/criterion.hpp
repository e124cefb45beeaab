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

/// What a gradient needs of U and V besides the data: d f / d H_ij = by_u ([i != j] / (n (n - 1)) + by_v / by_u 8 c_i / n^3).
/// by_u, which is not known on the host, multiplies the finished gradients; the rest is in the operand.
struct j_upstream {
  const double* sums;  ///< of `h1_statistics`
  double lambda;
  index n;
  const double* upstream;  ///< the caller's, or null
  double* by_u;            ///< 1 / sqrt(V + lambda), times the caller's

  DISPAR_FN void operator()() const {
    *by_u = 1 / std::sqrt(h1_variance(sums, n) + lambda);
    if (upstream) *by_u *= *upstream;
  }
};
/// The operand by row, for the rows of X and again for those of Y.
template<class T>
struct write_row_upstream {
  const double *sums, *rows;
  double lambda;
  index n;
  bool of_j;  ///< J's, by_v / by_u = -U / (2 (V + lambda)); else V's, 1
  T* out;

  DISPAR_FN void operator()(index i) const {
    const auto count = static_cast<double>(n);
    const double by_v = of_j ? -h1_statistic(sums, n) / (2 * (h1_variance(sums, n) + lambda)) : 1;
    const double row = by_v * 8 / (count * count * count);
    out[i] = out[n + i] = static_cast<T>(row * rows[2 * i + 1]);
  }
};

/// The gradient of J, or of V. H_ij and H_ji hold the same k(x_i, x_j); k(x_i, y_j) enters both with -xy/2.
template<backend B, class Samples, pair_function K, class T, class S, class P>
void h1_gradient(const B& b, const Samples& samples, const K& k, const options& o, const h1_statistics<B>& h, bool of_j,
                 double lambda, gradients<T, K::channels, S, P> out) {
  using space = typename B::space;
  const index n = samples.n();
  array<T, 1, B> rows(b, {2 * n});
  for_each_index(b, n, write_row_upstream<T>{h.sums.data(), h.rows.data(), lambda, n, of_j, rows.data()});
  result<double, B> by_u(b);
  if (of_j) {
    in_order(b, j_upstream{h.sums.data(), lambda, n, out.upstream.data(), by_u.view().data()});
    out.upstream = scalar_view<const double, S>(by_u.view().data());
  }
  const double pair = of_j ? 1 / (static_cast<double>(n) * static_cast<double>(n - 1)) : 0;
  const auto narrow = [](double a, double c, double d) {
    return vec<T, 3>{{static_cast<T>(a), static_cast<T>(c), static_cast<T>(d)}};
  };
  const gradient_upstream<row_upstream<T>> how{
      {narrow(2 * o.xx * pair, 2 * o.yy * pair, -o.xy * pair), narrow(o.xx, o.yy, -o.xy / 2), static_cast<T>(o.xy * pair)},
      {narrow(0, 0, 0), narrow(o.xx / 2, o.yy / 2, 0), T(0)}};
  const std::array<vector_view<const T, space>, 1> operands{std::as_const(rows).view()};
  array<double, 2, B> by_block(b, {3, 1 + constants_of<K>});
  gradient_pass(b, samples, k, how, operands, out, by_block.view(),
                std::make_index_sequence<static_cast<std::size_t>(K::channels)>());
}

struct write_criterion {
  const double* sums;  ///< of `h1_statistics`
  index n;
  double lambda;
  criterion_result* out;
  DISPAR_FN void operator()() const {
    const double statistic = h1_statistic(sums, n), variance = h1_variance(sums, n);
    *out = {statistic, variance, statistic / std::sqrt(variance + lambda)};
  }
};

/// J at `out`, and what it is made of.
template<backend B, class Samples, pair_function K>
[[nodiscard]] h1_statistics<B> criterion(const B& b, const Samples& samples, const K& k, const criterion_options& o,
                                         criterion_result* out) {
  require(o.lambda >= 0, "criterion: lambda", "must not be negative", o.lambda);
  require_paired(samples, "criterion: samples");
  auto h = h1_from_rows(b, sum_by_row(b, samples, k), {.xx = o.xx, .yy = o.yy, .xy = o.xy});
  in_order(b, write_criterion{h.sums.data(), samples.n(), o.lambda, out});
  return h;
}

inline void require_spread(const criterion_result& j, const criterion_options& o) {
  require(j.variance + o.lambda > 0, "criterion: lambda", "must be positive where the variance is 0", o.lambda);
}

template<backend B, class Samples, pair_function K, class G>
void criterion_and_gradient(const B& b, const Samples& samples, const K& k, const G& out, const criterion_options& o,
                            criterion_result* j) {
  const auto h = criterion(b, samples, k, o, j);
  if constexpr (std::is_same_v<typename B::space, host>) require_spread(*j, o);  // before a gradient is touched
  h1_gradient(b, samples, k, {.xx = o.xx, .yy = o.yy, .xy = o.xy}, h, true, o.lambda, out);
}

template<backend B, class Samples, pair_function K, class G>
void variance_and_gradient(const B& b, const Samples& samples, const K& k, const G& out, const options& o, double* variance) {
  require_paired(samples, "variance_and_gradient: samples");
  const auto h = h1_from_rows(b, sum_by_row(b, samples, k), o);
  in_order(b, write_h1_variance{h.sums.data(), samples.n(), variance});
  h1_gradient(b, samples, k, o, h, false, 0, out);
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
  result<criterion_result, B> j(b);
  criterion(b, x, y, k, j.view(), o);
  return j.get();
}
/// The same, written to `out`; asynchronous as `estimate` with an output.
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void criterion(const B& b, const X& x, const Y& y, const K& k, const scalar_view<criterion_result, S>& out,
               const criterion_options& o = {}) {
  detail::require_output<B>(out, "criterion: out");
  (void)detail::criterion(b, detail::make_two_samples<typename K::metric>(b, x, y), k, o, out.data());
}

/// The same from a kernel matrix.
///@{
template<backend B, class T, class S>
[[nodiscard]] criterion_result criterion(const B& b, const given_gram<T, S>& gram, const criterion_options& o = {}) {
  result<criterion_result, B> j(b);
  criterion(b, gram, j.view(), o);
  return j.get();
}
template<backend B, class T, class S, class R>
void criterion(const B& b, const given_gram<T, S>& gram, const scalar_view<criterion_result, R>& out,
               const criterion_options& o = {}) {
  detail::require_output<B>(out, "criterion: out");
  (void)detail::criterion(b, detail::make_two_samples(b, gram), identity<>{}, o, out.data());
}
///@}

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
  const auto result = detail::returned<criterion_result>(b, out, K::parameters, [&](const auto& there, criterion_result* j) {
    detail::criterion_and_gradient(b, detail::make_two_samples<typename K::metric>(b, x, y), k, there, o, j);
  });
  detail::require_spread(result, o);
  return result;
}
/// The same, J written to `j`: asynchronous as `value_and_gradient` with an output. Where V + lambda is 0, J and gradients are
/// not finite: nobody is there to throw.
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void criterion_and_gradient(const B& b, const X& x, const Y& y, const K& k, const scalar_view<criterion_result, S>& j,
                            const gradients_on<B, X, K>& out, const criterion_options& o = {}) {
  static_assert(K::metric::translation_invariant, "dispar: gradients are for kernels of a distance, not of an inner product");
  detail::require_output<B>(j, "criterion_and_gradient: j");
  detail::criterion_and_gradient(b, detail::make_two_samples<typename K::metric>(b, x, y), k, out, o, j.data());
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
  return detail::returned<double>(b, out, K::parameters, [&](const auto& there, double* variance) {
    detail::variance_and_gradient(b, detail::make_two_samples<typename K::metric>(b, x, y), k, there, o, variance);
  });
}
/// The same, V written to `variance`: asynchronous as `value_and_gradient` with an output.
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void variance_and_gradient(const B& b, const X& x, const Y& y, const K& k, const scalar_view<double, S>& variance,
                           const gradients_on<B, X, K>& out, const options& o = {}) {
  static_assert(K::metric::translation_invariant, "dispar: gradients are for kernels of a distance, not of an inner product");
  detail::require_output<B>(variance, "variance_and_gradient: variance");
  detail::variance_and_gradient(b, detail::make_two_samples<typename K::metric>(b, x, y), k, out, o, variance.data());
}

}  // namespace mmd

DISPAR_NAMESPACE_END
