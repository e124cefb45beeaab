#pragma once

#include <cmath>
#include <concepts>
#include <type_traits>

#include "dispar/core/error.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// Logits are similarities divided by tau. Default 0.07: Wu et al., CVPR 2018; He et al., CVPR 2020.
struct temperature {
  double tau = 0.07;  ///< above 0
  /// What similarities are multiplied with.
  [[nodiscard]] DISPAR_FN double scale() const { return 1 / tau; }
  /// The derivative by tau, given sum_ij (dL / dz_ij) z_ij.
  [[nodiscard]] DISPAR_FN double derivative(double by_log_scale) const { return -by_log_scale / tau; }
  /// Throws unless tau is above 0.
  void check() const { require(tau > 0, "temperature: tau", "must be above 0", tau); }
};

/// Logits are similarities times min(exp(t), maximum). Default t = ln(1 / 0.07), at most 100: CLIP, Radford et al., ICML 2021.
struct exponential_scale {
  double t = 2.6592600369327781;  ///< learnt; finite
  double maximum = 100;           ///< above 0
  /// See `temperature`.
  ///@{
  [[nodiscard]] DISPAR_FN double scale() const { return clamped() ? maximum : std::exp(t); }
  [[nodiscard]] DISPAR_FN double derivative(double by_log_scale) const { return clamped() ? 0 : by_log_scale; }
  void check() const {
    require(t - t == 0, "exponential_scale: t", "must be finite", t);
    require(maximum > 0, "exponential_scale: maximum", "must be above 0", maximum);
  }
  ///@}
private:
  [[nodiscard]] DISPAR_FN bool clamped() const { return !(std::exp(t) < maximum); }
};

/// Logits are similarities times log(1 + exp(t)). Default t = ln(1 / 0.07), hence a scale of 2.73: the released code of UBP.
struct softplus_scale {
  double t = 2.6592600369327781;  ///< learnt; finite
  /// See `temperature`.
  ///@{
  [[nodiscard]] DISPAR_FN double scale() const { return t > 0 ? t + std::log1p(std::exp(-t)) : std::log1p(std::exp(t)); }
  [[nodiscard]] DISPAR_FN double derivative(double by_log_scale) const { return by_log_scale / (1 + std::exp(-t)) / scale(); }
  void check() const { require(t - t == 0, "softplus_scale: t", "must be finite", t); }
  ///@}
};

/// What similarities are multiplied with, and its derivative: a user's own looks like `temperature`.
template<class S>
concept logit_scale = std::is_trivially_copyable_v<S> && requires(const S s, double x) {
  { s.scale() } -> std::convertible_to<double>;
  { s.derivative(x) } -> std::convertible_to<double>;
  s.check();
};

}  // namespace contrastive

DISPAR_NAMESPACE_END
