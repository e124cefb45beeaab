#pragma once

#include "dispar/kernels/from_theta.hpp"
#include "dispar/kernels/gaussian.hpp"

DISPAR_NAMESPACE_BEGIN

/// sum_l w_l exp(-|x - y|^2 / (2 sigma_l^2)), sigma_l = sigma / sqrt(2)^l for l = 0 .. Count - 1: a geometric ladder of
/// Gaussians whose exponents double, so that one exponential and Count - 1 squarings give all of them.
///
/// `sigma` is the largest bandwidth; the weights default to 1 / Count each.
template<int Count>
requires(Count >= 1) struct gaussian_ladder {
  double sigma = 1;                              ///< the largest bandwidth, > 0
  vec<double, Count> weights = equal_weights();  ///< w_l, from the largest bandwidth to the smallest; not negative
  using metric = sq_euclidean;
  static constexpr int channels = 1, parameters = 1 + Count, constants = 1 + Count;

  [[nodiscard]] vec<double, parameters> theta() const {
    vec<double, parameters> p{};
    p[0] = sigma;
    DISPAR_UNROLL
    for (int l = 0; l < Count; ++l) p[1 + l] = weights[l];
    return p;
  }
  void validate() const {
    require(sigma > 0, "gaussian_ladder: sigma", "must be positive", sigma);
    DISPAR_UNROLL
    for (int l = 0; l < Count; ++l) require(weights[l] >= 0, "gaussian_ladder: weights", "must not be negative", weights[l]);
  }
  template<class R>
  DISPAR_FN static vec<R, constants> prepare(vec<R, parameters> p) {
    p[0] = R(-0.5 * 1.44269504088896340735992468100) / (p[0] * p[0]);
    return p;
  }
  template<class V>
  DISPAR_FN static V value(vec<V, 1> d, vec<V, constants> c) {
    V power = exp2_nonpositive(d[0] * c[0]);
    V total = c[1] * power;
    DISPAR_UNROLL
    for (int l = 1; l < Count; ++l) {
      power = power * power;
      total = fma(c[1 + l], power, total);
    }
    return total;
  }

private:
  static constexpr vec<double, Count> equal_weights() {
    vec<double, Count> w{};
    DISPAR_UNROLL
    for (int l = 0; l < Count; ++l) w[l] = 1.0 / Count;
    return w;
  }
};

/// weight_a * a + weight_b * b of two kernels on the same metric and channels; nests for more.
template<pair_function A, pair_function B>
requires(std::same_as<typename A::metric, typename B::metric>&& A::channels == B::channels) struct mixture {
  A a;                    ///< the first kernel
  B b;                    ///< the second kernel
  double weight_a = 0.5;  ///< factor of the first, not negative
  double weight_b = 0.5;  ///< factor of the second, not negative
  using metric = typename A::metric;
  static constexpr int channels = A::channels;
  static constexpr int parameters = A::parameters + B::parameters + 2;
  static constexpr int constants = constants_of<A> + constants_of<B> + 2;

  [[nodiscard]] vec<double, parameters> theta() const {
    const auto pa = a.theta();
    const auto pb = b.theta();
    vec<double, parameters> p{};
    p[0] = weight_a;
    p[1] = weight_b;
    DISPAR_UNROLL
    for (int i = 0; i < A::parameters; ++i) p[2 + i] = pa[i];
    DISPAR_UNROLL
    for (int i = 0; i < B::parameters; ++i) p[2 + A::parameters + i] = pb[i];
    return p;
  }
  /// The mixture with these parameters: the weights come first in `theta()`, and last among the members.
  [[nodiscard]] static mixture from_theta(const vec<double, parameters>& p) {
    return {dispar::from_theta<A>(part<A::parameters>(p, 2)), dispar::from_theta<B>(part<B::parameters>(p, 2 + A::parameters)),
            p[0], p[1]};
  }
  void validate() const {
    require(weight_a >= 0, "mixture: weight_a", "must not be negative", weight_a);
    require(weight_b >= 0, "mixture: weight_b", "must not be negative", weight_b);
    if constexpr (requires { a.validate(); }) a.validate();
    if constexpr (requires { b.validate(); }) b.validate();
  }
  template<class R>
  DISPAR_FN static vec<R, constants> prepare(vec<R, parameters> p) {
    const auto ca = prepare_constants<A>(part<A::parameters>(p, 2));
    const auto cb = prepare_constants<B>(part<B::parameters>(p, 2 + A::parameters));
    vec<R, constants> c{};
    c[0] = p[0];
    c[1] = p[1];
    DISPAR_UNROLL
    for (int i = 0; i < constants_of<A>; ++i) c[2 + i] = ca[i];
    DISPAR_UNROLL
    for (int i = 0; i < constants_of<B>; ++i) c[2 + constants_of<A> + i] = cb[i];
    return c;
  }
  template<class V>
  DISPAR_FN static V value(vec<V, channels> d, vec<V, constants> c) {
    return c[0] * A::value(d, part<constants_of<A>>(c, 2)) + c[1] * B::value(d, part<constants_of<B>>(c, 2 + constants_of<A>));
  }

private:
  template<int Count, class R, int N>
  DISPAR_FN static vec<R, Count> part(const vec<R, N>& whole, int first) {
    vec<R, Count> result{};
    DISPAR_UNROLL
    for (int i = 0; i < Count; ++i) result[i] = whole[first + i];
    return result;
  }
};

DISPAR_NAMESPACE_END
