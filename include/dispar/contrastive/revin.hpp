#pragma once
/// \file
/// Reversible instance normalization of series: every series leaves its level and scale behind and gets them back.

#include <cmath>

#include "dispar/backend/strided_vector.hpp"
#include "dispar/contrastive/token_spread.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// How series are normalized.
struct revin_options {
  double eps = 1e-5;           ///< added to variances, above 0; its square to weights that are divided by
  bool subtract_last = false;  ///< series are measured from their last value instead of their mean
};

/// What a series left behind: things x features each, in double.
template<memory_space S = host>
struct revin_statistics {
  matrix_view<double, S> level{};  ///< mean over time, or the last value
  matrix_view<double, S> scale{};  ///< sqrt(variance over time + eps), divisor the times
};

/// The learnt map behind the normalization, w n + c by feature; null views: none.
template<class T, memory_space S = host>
struct revin_affine {
  vector_view<const T, S> weight{};  ///< w, one per feature
  vector_view<const T, S> bias{};    ///< c, one per feature
};

/// Where gradients by the affine map go; null views are not computed.
template<class T, memory_space S = host>
struct revin_affine_gradients {
  vector_view<T, S> weight{};  ///< by w
  vector_view<T, S> bias{};    ///< by c
};

namespace detail {

/// The affine map and its inverse, (n - c) / (w + eps^2), of one feature.
template<class T>
struct affine_map {
  dispar::detail::strided_vector<const T> weight, bias;
  [[nodiscard]] DISPAR_FN double w(index k) const { return weight.data ? in_double(weight(k)) : 1; }
  [[nodiscard]] DISPAR_FN double c(index k) const { return bias.data ? in_double(bias(k)) : 0; }
  [[nodiscard]] DISPAR_FN double divisor(index k, double eps) const { return weight.data ? w(k) + eps * eps : 1; }
};
template<class T, memory_space S>
[[nodiscard]] affine_map<T> affine_map_of(const revin_affine<T, S>& map) {
  return {dispar::detail::strided_of(map.weight), dispar::detail::strided_of(map.bias)};
}

template<class T>
struct normalize_series {
  token_array<const T> x;
  index features;
  revin_options o;
  affine_map<T> map;
  token_array<T> out;
  strided<double> level, scale;
  DISPAR_FN void operator()(index e) const {
    const index i = e / features, k = e % features;
    const auto [mean, spread] = x.over_tokens(i, k, o.eps);
    const double from = o.subtract_last ? in_double(x(i, x.tokens - 1, k)) : mean, w = map.w(k), c = map.c(k);
    level(i, k) = from;
    scale(i, k) = spread;
    for (index t = 0; t < x.tokens; ++t) out(i, t, k) = static_cast<T>((in_double(x(i, t, k)) - from) / spread * w + c);
  }
};
template<class T>
struct denormalize_series {
  token_array<const T> y;
  index features;
  double eps;
  affine_map<T> map;
  strided<const double> level, scale;
  token_array<T> out;
  DISPAR_FN void operator()(index e) const {
    const index i = e / features, k = e % features;
    const double c = map.c(k), divisor = map.divisor(k, eps), s = scale(i, k), from = level(i, k);
    for (index t = 0; t < y.tokens; ++t) out(i, t, k) = static_cast<T>((in_double(y(i, t, k)) - c) / divisor * s + from);
  }
};

/// d out / d x = w / scale; by the map, sums over the times of a series.
template<class T>
struct normalize_gradient {
  token_array<const T> x, by_out;
  index features;
  affine_map<T> map;
  strided<const double> level, scale;
  token_array<T> by_x;
  double* sums;  ///< things x (2 features): by weight, by bias
  DISPAR_FN void operator()(index e) const {
    const index i = e / features, k = e % features;
    const double w = map.w(k), s = scale(i, k), from = level(i, k);
    double by_weight = 0, by_bias = 0;
    for (index t = 0; t < x.tokens; ++t) {
      const double g = in_double(by_out(i, t, k));
      by_weight += g * ((in_double(x(i, t, k)) - from) / s);
      by_bias += g;
      by_x(i, t, k) = static_cast<T>(g * w / s);
    }
    sums[i * 2 * features + k] = by_weight;
    sums[(i * 2 + 1) * features + k] = by_bias;
  }
};
/// d out / d y = scale / (w + eps^2).
template<class T>
struct denormalize_gradient {
  token_array<const T> y, by_out;
  index features;
  double eps;
  affine_map<T> map;
  strided<const double> scale;
  token_array<T> by_y;
  double* sums;
  DISPAR_FN void operator()(index e) const {
    const index i = e / features, k = e % features;
    const double c = map.c(k), divisor = map.divisor(k, eps), slope = scale(i, k) / divisor;
    double by_weight = 0, by_bias = 0;
    for (index t = 0; t < y.tokens; ++t) {
      const double g = in_double(by_out(i, t, k)) * slope;
      by_weight -= g * ((in_double(y(i, t, k)) - c) / divisor);
      by_bias -= g;
      by_y(i, t, k) = static_cast<T>(g);
    }
    sums[i * 2 * features + k] = by_weight;
    sums[(i * 2 + 1) * features + k] = by_bias;
  }
};
template<class T>
struct write_affine_gradients {
  const double* sums;
  index features;
  dispar::detail::strided_vector<T> weight, bias;
  DISPAR_FN void operator()(index k) const {
    if (weight.data) weight(k) = static_cast<T>(sums[k]);
    if (bias.data) bias(k) = static_cast<T>(sums[features + k]);
  }
};

template<memory_space S>
[[nodiscard]] strided<const double> read_only(const matrix_view<double, S>& numbers) {
  return dispar::detail::strided_of(matrix_view<const double, S>(numbers));
}

template<class T, memory_space S, class Statistics, class Affine>
void require_revin(const tensor_view<const T, 3, S>& x, const Statistics& kept, const Affine& map, const revin_options& o) {
  const auto number = [](index n) { return static_cast<double>(n); };
  require(o.eps > 0 && o.eps < 1e300, "revin: eps", "must be positive and finite", o.eps);
  require(x.extent(1) > 0, "revin: times", "must be at least 1", number(x.extent(1)));
  const auto require_statistics = [&](const auto& view) {
    require(view.rows() == x.extent(0) && view.cols() == x.extent(2), "revin: statistics",
            "must have a row per thing and a column per feature", number(view.rows()));
  };
  require_statistics(kept.level);
  require_statistics(kept.scale);
  const auto require_affine = [&](const auto& view) {
    if (view) require(view.size() == x.extent(2), "revin: affine", "must have one entry per feature", number(view.size()));
  };
  require_affine(map.weight);
  require_affine(map.bias);
}
template<backend B, class T, memory_space S>
void finish_affine_gradients(const B& b, const array<double, 2, B>& by_thing, index features,
                             const revin_affine_gradients<T, S>& g) {
  array<double, 1, B> sums(b, {2 * features});
  column_sums(b, by_thing.view(), sums.view());
  for_each_index(
      b, features,
      write_affine_gradients<T>{sums.data(), features, dispar::detail::strided_of(g.weight), dispar::detail::strided_of(g.bias)});
}

}  // namespace detail

/// Series normalized by their own level and scale, which are kept for the way back,
///
///     level_ik = mean_t x(i, t, k),   scale_ik = sqrt( var_t x(i, t, k) + 1e-5 ),   out = (x - level) / scale w_k + c_k,
///
/// var with divisor times; with `subtract_last` the level is the last value. The affine map w, c may be left out.
///
///     contrastive::revin_normalize(cpu{}, x, out, {.level = level, .scale = scale});
///
/// x, out: things x times x features, any strides; out may be x. Computed in double; float or double. A constant series becomes
/// exactly c. NaN in gives NaN out. On a GPU it returns at once. Time O(size), no memory. Throws `invalid_argument` for no times,
/// shapes that do not fit, eps out of range. Kim et al., ICLR 2022; as in BALM-TSF (arXiv 2509.00622).
template<backend B, class T, memory_space S>
void revin_normalize(const B& b, const tensor_view<const T, 3, S>& x, const tensor_view<T, 3, S>& out,
                     const revin_statistics<S>& kept, const revin_affine<T, S>& map = {}, const revin_options& o = {}) {
  static_assert(reachable<S, typename B::space>, "dispar: this backend cannot reach that memory");
  detail::require_revin(x, kept, map, o);
  detail::require_same_tokens(out, x, "revin: out");
  for_each_index(b, x.extent(0) * x.extent(2), 4 * static_cast<double>(x.size()),
                 detail::normalize_series<T>{detail::token_array_of<const T>(x), x.extent(2), o, detail::affine_map_of(map),
                                             detail::token_array_of<T>(out), dispar::detail::strided_of(kept.level),
                                             dispar::detail::strided_of(kept.scale)});
}

/// The way back for series y of any length, (y - c) / (w + eps^2) scale + level, with the statistics of `revin_normalize`. Else
/// as that.
///
///     contrastive::revin_denormalize(cpu{}, forecast, out, {.level = level, .scale = scale});
template<backend B, class T, memory_space S>
void revin_denormalize(const B& b, const tensor_view<const T, 3, S>& y, const tensor_view<T, 3, S>& out,
                       const revin_statistics<S>& kept, const revin_affine<T, S>& map = {}, const revin_options& o = {}) {
  static_assert(reachable<S, typename B::space>, "dispar: this backend cannot reach that memory");
  detail::require_revin(y, kept, map, o);
  detail::require_same_tokens(out, y, "revin: out");
  for_each_index(b, y.extent(0) * y.extent(2), 2 * static_cast<double>(y.size()),
                 detail::denormalize_series<T>{detail::token_array_of<const T>(y), y.extent(2), o.eps, detail::affine_map_of(map),
                                               detail::read_only(kept.level), detail::read_only(kept.scale),
                                               detail::token_array_of<T>(out)});
}

/// From the gradient by what `revin_normalize` wrote, that by x and by the affine map. Statistics are constants, as in the
/// released code. `by_out` may be `by_x`; of shapes as there. Memory: two numbers per thing and feature.
///
///     contrastive::revin_normalize_gradient(cpu{}, x, by_out, by_x, kept, map, {.weight = by_w, .bias = by_c});
template<backend B, class T, memory_space S>
void revin_normalize_gradient(const B& b, const tensor_view<const T, 3, S>& x, const tensor_view<const T, 3, S>& by_out,
                              const tensor_view<T, 3, S>& by_x, const revin_statistics<S>& kept,
                              const revin_affine<T, S>& map = {}, const revin_affine_gradients<T, S>& g = {},
                              const revin_options& o = {}) {
  static_assert(reachable<S, typename B::space>, "dispar: this backend cannot reach that memory");
  detail::require_revin(x, kept, map, o);
  detail::require_same_tokens(by_out, x, "revin: gradient by out");
  detail::require_same_tokens(by_x, x, "revin: gradient by x");
  array<double, 2, B> sums(b, {x.extent(0), 2 * x.extent(2)});
  for_each_index(b, x.extent(0) * x.extent(2), 4 * static_cast<double>(x.size()),
                 detail::normalize_gradient<T>{detail::token_array_of<const T>(x), detail::token_array_of<const T>(by_out),
                                               x.extent(2), detail::affine_map_of(map), detail::read_only(kept.level),
                                               detail::read_only(kept.scale), detail::token_array_of<T>(by_x), sums.data()});
  detail::finish_affine_gradients(b, sums, x.extent(2), g);
}

/// From the gradient by what `revin_denormalize` wrote, that by y and by the affine map; else as `revin_normalize_gradient`.
///
///     contrastive::revin_denormalize_gradient(cpu{}, y, by_out, by_y, kept, map, {.weight = by_w, .bias = by_c});
template<backend B, class T, memory_space S>
void revin_denormalize_gradient(const B& b, const tensor_view<const T, 3, S>& y, const tensor_view<const T, 3, S>& by_out,
                                const tensor_view<T, 3, S>& by_y, const revin_statistics<S>& kept,
                                const revin_affine<T, S>& map = {}, const revin_affine_gradients<T, S>& g = {},
                                const revin_options& o = {}) {
  static_assert(reachable<S, typename B::space>, "dispar: this backend cannot reach that memory");
  detail::require_revin(y, kept, map, o);
  detail::require_same_tokens(by_out, y, "revin: gradient by out");
  detail::require_same_tokens(by_y, y, "revin: gradient by y");
  array<double, 2, B> sums(b, {y.extent(0), 2 * y.extent(2)});
  for_each_index(b, y.extent(0) * y.extent(2), 4 * static_cast<double>(y.size()),
                 detail::denormalize_gradient<T>{detail::token_array_of<const T>(y), detail::token_array_of<const T>(by_out),
                                                 y.extent(2), o.eps, detail::affine_map_of(map), detail::read_only(kept.scale),
                                                 detail::token_array_of<T>(by_y), sums.data()});
  detail::finish_affine_gradients(b, sums, y.extent(2), g);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
