#pragma once
/// \file
/// Every kernel and metric of the library with its definition as matrices, for tests that go through all of them.

#include "dispar/kernels.hpp"
#include "mmd/oracle.hpp"

namespace kernel_cases {

using oracle::matrix;

/// A user's kernel: no `prepare`, no `validate`, its own metric argument.
template<class Metric>
struct cauchy {
  double scale = 2;
  using metric = Metric;
  static constexpr int channels = 1, parameters = 1;
  dispar::vec<double, 1> theta() const { return {{scale}}; }
  template<class V>
  DISPAR_FN static V value(dispar::vec<V, 1> d, dispar::vec<V, 1> p) {
    return V(1) / (V(1) + d[0] / p[0]);
  }
};

/// `name`; `kernel` with parameters that are not all equal; `with` replaces them; `definition` of the same parameters.
struct gaussian {
  using type = dispar::gaussian;
  static constexpr type kernel{1.7};
  static type with(const dispar::vec<double, 1>& p) { return {p[0]}; }
  static matrix definition(const matrix& a, const matrix& b) { return oracle::gaussian(a, b, 1.7); }
};
struct laplacian_l1 {
  using type = dispar::laplacian_l1;
  static constexpr type kernel{3.1};
  static type with(const dispar::vec<double, 1>& p) { return {p[0]}; }
  static matrix definition(const matrix& a, const matrix& b) { return xt::exp(-oracle::l1(a, b) / 3.1); }
};
struct laplacian_l2 {
  using type = dispar::laplacian_l2;
  static constexpr type kernel{2.3};
  static type with(const dispar::vec<double, 1>& p) { return {p[0]}; }
  static matrix definition(const matrix& a, const matrix& b) { return xt::exp(-xt::sqrt(oracle::sq_euclidean(a, b)) / 2.3); }
};
struct rational_quadratic {
  using type = dispar::rational_quadratic;
  static constexpr type kernel{1.4, 2.2};
  static type with(const dispar::vec<double, 2>& p) { return {p[0], p[1]}; }
  static matrix definition(const matrix& a, const matrix& b) {
    return xt::pow(1 + oracle::sq_euclidean(a, b) / (2 * 2.2 * 1.4 * 1.4), -2.2);
  }
};
struct inverse_multiquadric {
  using type = dispar::inverse_multiquadric;
  static constexpr type kernel{1.3};
  static type with(const dispar::vec<double, 1>& p) { return {p[0]}; }
  static matrix definition(const matrix& a, const matrix& b) {
    return 1 / xt::sqrt(1 + oracle::sq_euclidean(a, b) / (1.3 * 1.3));
  }
};
struct gaussian_ladder {
  using type = dispar::gaussian_ladder<3>;
  static constexpr type kernel{2.9, {{0.5, 0.2, 1.1}}};
  static type with(const dispar::vec<double, 4>& p) { return {p[0], {{p[1], p[2], p[3]}}}; }
  static matrix definition(const matrix& a, const matrix& b) {
    return 0.5 * oracle::gaussian(a, b, 2.9) + 0.2 * oracle::gaussian(a, b, 2.9 / std::sqrt(2.0)) +
           1.1 * oracle::gaussian(a, b, 2.9 / 2);
  }
};
struct mixture {
  using type = dispar::mixture<dispar::gaussian, dispar::inverse_multiquadric>;
  static constexpr type kernel{{1.7}, {1.3}, 0.3, 0.9};
  static type with(const dispar::vec<double, 4>& p) { return {{p[2]}, {p[3]}, p[0], p[1]}; }
  static matrix definition(const matrix& a, const matrix& b) {
    return 0.3 * gaussian::definition(a, b) + 0.9 * inverse_multiquadric::definition(a, b);
  }
};
struct feature_kernel {
  using type = dispar::feature_kernel;
  static constexpr type kernel{4.2};
  static type with(const dispar::vec<double, 1>& p) { return {p[0]}; }
  static matrix definition(const matrix& a, const matrix& b) { return xt::exp(-oracle::sq_euclidean(a, b) / 4.2); }
};
struct cauchy_sq_euclidean {
  using type = cauchy<dispar::sq_euclidean>;
  static constexpr type kernel{2.5};
  static type with(const dispar::vec<double, 1>& p) { return {p[0]}; }
  static matrix definition(const matrix& a, const matrix& b) { return 1 / (1 + oracle::sq_euclidean(a, b) / 2.5); }
};
struct cauchy_linf {
  using type = cauchy<dispar::linf>;
  static constexpr type kernel{1.5};
  static type with(const dispar::vec<double, 1>& p) { return {p[0]}; }
  static matrix definition(const matrix& a, const matrix& b) { return 1 / (1 + oracle::linf(a, b) / 1.5); }
};
/// On the inner product: values, no feature gradients.
struct linear {
  using type = dispar::identity<>;
  static constexpr type kernel{};
  static matrix definition(const matrix& a, const matrix& b) { return oracle::dot(a, b); }
};
struct cubic {
  using type = dispar::polynomial<3>;
  static constexpr type kernel{0.4, 1.2};
  static matrix definition(const matrix& a, const matrix& b) { return xt::pow(0.4 * oracle::dot(a, b) + 1.2, 3); }
};

}  // namespace kernel_cases

#define DISPAR_KERNELS_OF_A_DISTANCE                                                                                          \
  kernel_cases::gaussian, kernel_cases::laplacian_l1, kernel_cases::laplacian_l2, kernel_cases::rational_quadratic,           \
      kernel_cases::inverse_multiquadric, kernel_cases::gaussian_ladder, kernel_cases::mixture, kernel_cases::feature_kernel, \
      kernel_cases::cauchy_sq_euclidean, kernel_cases::cauchy_linf
