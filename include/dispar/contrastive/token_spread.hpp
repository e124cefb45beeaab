#pragma once

#include <cmath>

#include "dispar/contrastive/unit_rows.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// How spreads over tokens are measured.
struct token_spread_options {
  double variance_floor = 1e-8;  ///< added to variances; above 0
  double floor = 1e-8;           ///< added to the spread that is divided by; not negative
};

namespace detail {

/// The elements of three axes as steps see them: thing, token, feature.
template<class E>
struct token_array {
  E* data;
  index by_thing, by_token, by_feature, tokens;
  [[nodiscard]] DISPAR_FN E& operator()(index i, index t, index k) const {
    return data[i * by_thing + t * by_token + k * by_feature];
  }
  /// Mean and spread over the tokens.
  struct moments {
    double mean, spread;
  };
  // Measured from the first token: a constant series spreads by nothing, at any level.
  [[nodiscard]] DISPAR_FN moments over_tokens(index i, index k, double variance_floor) const {
    const double first = in_double((*this)(i, 0, k)), count = static_cast<double>(tokens);
    double sum = 0, squares = 0;
    for (index t = 0; t < tokens; ++t) sum += in_double((*this)(i, t, k)) - first;
    const double mean = first + sum / count;
    for (index t = 0; t < tokens; ++t) {
      const double v = in_double((*this)(i, t, k)) - mean;
      squares += v * v;
    }
    return {mean, std::sqrt(squares / count + variance_floor)};
  }
};
template<class T, class E, memory_space S>
[[nodiscard]] token_array<T> token_array_of(const tensor_view<E, 3, S>& x) {
  return {x.data(), x.stride(0), x.stride(1), x.stride(2), x.extent(1)};
}

template<class T>
struct match_spread {
  token_array<const T> x, like;
  index features;
  token_spread_options o;
  token_array<T> out;
  strided<T> factor;
  DISPAR_FN void operator()(index e) const {
    const index i = e / features, k = e % features;
    const double f = x.over_tokens(i, k, o.variance_floor).spread / (like.over_tokens(i, k, o.variance_floor).spread + o.floor);
    if (factor.data) factor(i, k) = static_cast<T>(f);
    for (index t = 0; t < x.tokens; ++t) out(i, t, k) = static_cast<T>(in_double(x(i, t, k)) / f);
  }
};

template<class T>
struct match_spread_gradient {
  token_array<const T> x, like, by_out;
  index features;
  token_spread_options o;
  token_array<T> by_x, by_like;
  DISPAR_FN void operator()(index e) const {
    const index i = e / features, k = e % features;
    const auto own = x.over_tokens(i, k, o.variance_floor), other = like.over_tokens(i, k, o.variance_floor);
    const double ratio = (other.spread + o.floor) / own.spread;
    double by_ratio = 0;
    for (index t = 0; t < x.tokens; ++t) by_ratio += in_double(by_out(i, t, k)) * in_double(x(i, t, k));
    const double of_x = -by_ratio * ratio / (own.spread * own.spread * static_cast<double>(x.tokens));
    const double of_like = by_ratio / (own.spread * other.spread * static_cast<double>(like.tokens));
    for (index t = 0; t < x.tokens; ++t)
      by_x(i, t, k) = static_cast<T>(ratio * in_double(by_out(i, t, k)) + of_x * (in_double(x(i, t, k)) - own.mean));
    for (index t = 0; t < like.tokens; ++t) by_like(i, t, k) = static_cast<T>(of_like * (in_double(like(i, t, k)) - other.mean));
  }
};

template<class X, class Y>
void require_same_tokens(const X& x, const Y& like, const char* name) {
  for (int axis = 0; axis < 3; ++axis)
    require(x.extent(axis) == like.extent(axis), name, "must have the shape of what it belongs to",
            static_cast<double>(x.extent(axis)));
}
template<class X, class Y>
void require_spreads(const X& x, const Y& like, const token_spread_options& o) {
  const auto number = [](index n) { return static_cast<double>(n); };
  require(o.variance_floor > 0 && o.variance_floor < 1e300, "token spread: variance_floor", "must be positive and finite",
          o.variance_floor);
  require(o.floor >= 0 && o.floor < 1e300, "token spread: floor", "must not be negative, and finite", o.floor);
  require(x.extent(1) > 0, "token spread: tokens of x", "must be at least 1", number(x.extent(1)));
  require(like.extent(1) > 0, "token spread: tokens of like", "must be at least 1", number(like.extent(1)));
  require(like.extent(0) == x.extent(0), "token spread: things of like", "must be those of x", number(like.extent(0)));
  require(like.extent(2) == x.extent(2), "token spread: features of like", "must be those of x", number(like.extent(2)));
}

}  // namespace detail

/// Tokens divided so that every feature of a thing spreads over its tokens as in another modality,
///
///     s(x)_ik = sqrt( var_t x(i, t, k) + 1e-8 ),   factor = s(x) / (s(like) + 1e-8),   out = x / factor,
///
/// var with divisor tokens: BALM-TSF's balance of texts `x` and series `like`. Means are kept, but divided too.
///
///     contrastive::match_token_spread(cpu{}, texts, series, scaled);
///
/// x and out: things x tokens x features; `like` may have another number of tokens; `factor` things x features, or the null view.
/// Computed in double; float or double, any strides; `out` may be x. With one token of x the spread is its floor, 1e-4: out is x
/// times about 1e4 s(like). NaN in gives NaN out. On a GPU it returns at once. Time O(size), no memory.
/// Throws `invalid_argument` for no tokens, shapes that differ, floors out of range.
/// Zhou, Schöner, Lyu, Fouché & Wang, CIKM 2025 (arXiv 2509.00622), released code.
template<backend B, class T, memory_space S>
void match_token_spread(const B& b, const tensor_view<const T, 3, S>& x, const tensor_view<const T, 3, S>& like,
                        const tensor_view<T, 3, S>& out, const matrix_view<T, S>& factor = {},
                        const token_spread_options& o = {}) {
  static_assert(reachable<S, typename B::space>, "dispar: this backend cannot reach that memory");
  detail::require_spreads(x, like, o);
  detail::require_same_tokens(out, x, "token spread: out");
  if (factor)
    require(factor.rows() == x.extent(0) && factor.cols() == x.extent(2), "token spread: factor",
            "must have a row per thing and a column per feature", static_cast<double>(factor.rows()));
  for_each_index(b, x.extent(0) * x.extent(2), 4 * static_cast<double>(x.size() + like.size()),
                 detail::match_spread<T>{detail::token_array_of<const T>(x), detail::token_array_of<const T>(like), x.extent(2),
                                         o, detail::token_array_of<T>(out), dispar::detail::strided_of(factor)});
}

/// The gradients by x and `like` from that by `out`, through the factor as well.
///
///     contrastive::match_token_spread_gradient(cpu{}, texts, series, by_scaled, by_texts, by_series);
///
/// `by_out` may be `by_x`. Else as `match_token_spread`.
template<backend B, class T, memory_space S>
void match_token_spread_gradient(const B& b, const tensor_view<const T, 3, S>& x, const tensor_view<const T, 3, S>& like,
                                 const tensor_view<const T, 3, S>& by_out, const tensor_view<T, 3, S>& by_x,
                                 const tensor_view<T, 3, S>& by_like, const token_spread_options& o = {}) {
  static_assert(reachable<S, typename B::space>, "dispar: this backend cannot reach that memory");
  detail::require_spreads(x, like, o);
  detail::require_same_tokens(by_out, x, "token spread: gradient by out");
  detail::require_same_tokens(by_x, x, "token spread: gradient by x");
  detail::require_same_tokens(by_like, like, "token spread: gradient by like");
  for_each_index(b, x.extent(0) * x.extent(2), 8 * static_cast<double>(x.size() + like.size()),
                 detail::match_spread_gradient<T>{detail::token_array_of<const T>(x), detail::token_array_of<const T>(like),
                                                  detail::token_array_of<const T>(by_out), x.extent(2), o,
                                                  detail::token_array_of<T>(by_x), detail::token_array_of<T>(by_like)});
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
