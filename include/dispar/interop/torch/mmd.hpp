#pragma once
/// \file
/// The differentiable functions of `dispar/mmd.hpp` on torch tensors.
///
/// Rows are samples. Tensors are float or double, on the CPU, of any strides, and are not copied. The value is a scalar tensor of
/// their type; backward() reaches every channel of both samples and the parameters of a `trainable` kernel, and nothing is
/// computed for what does not require a gradient. A second derivative throws. Bad input throws `dispar::invalid_argument`,
/// which is no c10::Error.

#include "dispar/interop/torch/mmd_losses.hpp"
#include "dispar/interop/torch/two_sample_loss.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// A kernel with fixed parameters, or a `trainable` one.
template<class K>
concept tensor_kernel = pair_function<K> || requires(const K& k) {
  { k.kernel() } -> pair_function;
  k.tensors();
};

/// `mmd::estimate` as a loss: MMD^2 of the rows of x (n x d) and y (m x d), all forms and coefficients of `mmd::options`.
///
///     auto loss = autograd::mmd_estimate(generator->forward(noise), real, gaussian{2.0});
///     loss.backward();
///
/// Time and memory of `mmd::value_and_gradient` where a gradient is wanted, else of `mmd::estimate`; the gradients are kept until
/// backward(). Weights: `autograd::weighted(x, w)`. Gretton et al., JMLR 13 (2012); as a loss: Li, Swersky & Zemel, ICML 2015.
template<tensor_kernel K>
[[nodiscard]] at::Tensor mmd_estimate(const tensor_sample& x, const tensor_sample& y, const K& k, const mmd::options& o = {}) {
  return detail::two_sample_loss(x, y, k, mmd_estimate_loss{o}).value;
}

/// `mmd::variance_h1` as a function in the graph: V, for criteria other than J. Equal sizes.
template<tensor_kernel K>
[[nodiscard]] at::Tensor mmd_variance(const tensor_sample& x, const tensor_sample& y, const K& k, const mmd::options& o = {}) {
  return detail::two_sample_loss(x, y, k, mmd_variance_loss{o}).value;
}

/// J as a tensor, and what it is made of as numbers, for the log.
struct mmd_criterion_result {
  at::Tensor value;  ///< J = statistic / sqrt(variance + lambda), in the graph
  double statistic;  ///< the one-sample U statistic
  double variance;   ///< V, see `mmd::variance_h1`
};

/// `mmd::criterion` in the graph: J, a stand-in for test power, to be maximized. `{.yy = 0}` is the objective of MMD-MP.
///
///     auto j = autograd::mmd_criterion({phi_x, raw_x}, {phi_y, raw_y}, autograd::trainable<deep_kernel<>>{s, s0, e}, {.yy = 0});
///     (-j.value).backward();
///
/// Equal sizes. Time and memory of `mmd::criterion_and_gradient` where a gradient is wanted, else of `mmd::criterion`.
/// Liu et al., ICML 2020; `{.yy = 0}`: Zhang et al., ICLR 2024 (MMD-MP).
template<tensor_kernel K>
[[nodiscard]] mmd_criterion_result mmd_criterion(const tensor_sample& x, const tensor_sample& y, const K& k,
                                                 const mmd::criterion_options& o = {}) {
  const auto j = detail::two_sample_loss(x, y, k, mmd_criterion_loss{o});
  return {j.value, j.results[1], j.results[2]};
}

}  // namespace autograd

DISPAR_NAMESPACE_END
