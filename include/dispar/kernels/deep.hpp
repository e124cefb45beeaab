#pragma once

#include "dispar/kernels/pair_function.hpp"

DISPAR_NAMESPACE_BEGIN

/// epsilon = e^2, sigma = s^2, sigma0 = s0^2 with free reals (s, s0, e): the released MMD-MP code.
struct squared_parameters {
  /// epsilon of the free parameter e.
  template<class R>
  DISPAR_FN static R epsilon(R e) {
    return e * e;
  }
};

/// epsilon = 1 / (1 + exp(-e)), sigma and sigma0 squared: the deep-kernel code of Liu et al. 2020.
struct logistic_parameters {
  /// epsilon of the free parameter e.
  template<class R>
  DISPAR_FN static R epsilon(R e) {
    return R(1) / (R(1) + exp(-e));
  }
};

/// The deep kernel on two channels, features phi (channel 0) and raw inputs (channel 1), with squared distances:
///
///     k = ((1 - epsilon) exp(-D_phi / sigma0) + epsilon) exp(-D_raw / sigma)
///
/// evaluated as (1 - epsilon) exp(-D_phi/sigma0 - D_raw/sigma) + epsilon exp(-D_raw/sigma). No factor 2: sigma and sigma0
/// play the role of 2 bandwidth^2. epsilon = 1 is the plain Gaussian on the raw channel ("MMD-O").
/// The parameters (s, s0, e) are free reals; `Parametrization` maps them. Samples are `channels(phi, raw)`.
/// Liu et al., ICML 2020; Zhang et al., ICLR 2024 (MMD-MP).
template<class Parametrization = squared_parameters>
struct deep_kernel {
  double s = 1;   ///< sigma = s^2, width on the raw channel; not 0
  double s0 = 1;  ///< sigma0 = s0^2, width on the channel phi; not 0
  double e = 0;   ///< gives epsilon, the share of the raw kernel
  using metric = sq_euclidean;
  static constexpr int channels = 2, parameters = 3, constants = 3;

  /// The kernel with given sigma, sigma0 and epsilon in the squared parametrization.
  [[nodiscard]] static deep_kernel from(double sigma, double sigma0,
                                        double epsilon) requires std::same_as<Parametrization, squared_parameters> {
    require(sigma > 0, "deep_kernel: sigma", "must be positive", sigma);
    require(sigma0 > 0, "deep_kernel: sigma0", "must be positive", sigma0);
    require(epsilon >= 0 && epsilon <= 1, "deep_kernel: epsilon", "must lie in [0, 1]", epsilon);
    return {__builtin_sqrt(sigma), __builtin_sqrt(sigma0), __builtin_sqrt(epsilon)};
  }

  [[nodiscard]] vec<double, 3> theta() const { return {{s, s0, e}}; }
  void validate() const {
    require(s > 0 || s < 0, "deep_kernel: s", "must not be 0", s);
    require(s0 > 0 || s0 < 0, "deep_kernel: s0", "must not be 0", s0);
    require(e - e == 0, "deep_kernel: e", "must be finite", e);
  }
  template<class R>
  DISPAR_FN static vec<R, 3> prepare(vec<R, 3> p) {
    const R log2_e(1.44269504088896340735992468100);
    return {{-log2_e / (p[0] * p[0]), -log2_e / (p[1] * p[1]), Parametrization::epsilon(p[2])}};
  }
  template<class V>
  DISPAR_FN static V value(vec<V, 2> d, vec<V, 3> c) {
    const V raw = d[1] * c[0];
    return (V(1) - c[2]) * exp2_nonpositive(fma(d[0], c[1], raw)) + c[2] * exp2_nonpositive(raw);
  }
};

/// exp(-D / width) on squared distances: the deep kernel without its smoothing factor (`is_smooth = false`), one channel phi.
struct feature_kernel {
  double width = 1;  ///< > 0, plays the role of 2 bandwidth^2
  using metric = sq_euclidean;
  static constexpr int channels = 1, parameters = 1, constants = 1;
  [[nodiscard]] vec<double, 1> theta() const { return {{width}}; }
  void validate() const { require(width > 0, "feature_kernel: width", "must be positive", width); }
  template<class R>
  DISPAR_FN static vec<R, 1> prepare(vec<R, 1> p) {
    return {{R(-1.44269504088896340735992468100) / p[0]}};
  }
  template<class V>
  DISPAR_FN static V value(vec<V, 1> d, vec<V, 1> c) {
    return exp2_nonpositive(d[0] * c[0]);
  }
};

DISPAR_NAMESPACE_END
