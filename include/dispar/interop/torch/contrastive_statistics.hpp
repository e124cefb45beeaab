#pragma once

#include "dispar/interop/torch/embedding_loss.hpp"
#include "dispar/interop/torch/statistic_losses.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// `contrastive::barlow_twins` as a scalar in the graph; backward() reaches both views.
///
///     auto loss = autograd::barlow_twins(net(view1), net(view2), {.lambda = 0.0051});
[[nodiscard]] inline at::Tensor barlow_twins(const at::Tensor& x, const at::Tensor& y,
                                             const contrastive::barlow_twins_options& o = {}) {
  return detail::embedding_loss({.rows = {{{"x", x}, {"y", y}}}}, {}, barlow_twins_loss{o});
}

/// `contrastive::vicreg` as a scalar in the graph; backward() reaches both views.
///
///     auto loss = autograd::vicreg(net(view1), net(view2));
[[nodiscard]] inline at::Tensor vicreg(const at::Tensor& x, const at::Tensor& y, const contrastive::vicreg_options& o = {}) {
  return detail::embedding_loss({.rows = {{{"x", x}, {"y", y}}}}, {}, vicreg_loss{o});
}

/// `contrastive::coral` as a scalar in the graph: the covariances of two samples, rows of which do not belong together.
/// backward() reaches both.
///
///     auto loss = task_loss + autograd::coral(net(labelled), net(unlabelled));
[[nodiscard]] inline at::Tensor coral(const at::Tensor& source, const at::Tensor& target,
                                      const contrastive::coral_options& o = {}) {
  return detail::embedding_loss({.rows = {{{"source", source}, {"target", target}}}}, {}, coral_loss{o});
}

/// `contrastive::hsic` as a scalar in the graph: how dependent two representations of the same things are. backward() reaches
/// both; kernels are constants.
///
///     auto penalty = autograd::hsic(features, attributes, gaussian{2.0}, gaussian{1.0});
template<pair_function KX, pair_function KY>
[[nodiscard]] at::Tensor hsic(const at::Tensor& x, const at::Tensor& y, const KX& kx, const KY& ky,
                              const contrastive::hsic_options& o = {}) {
  return detail::embedding_loss({.rows = {{{"x", x}, {"y", y}}}}, {}, hsic_loss<KX, KY>{kx, ky, o});
}

/// `contrastive::cka` as a scalar in the graph: centred kernel alignment, to be made large. backward() reaches both; kernels are
/// constants.
///
///     auto loss = 1 - autograd::cka(student, teacher.detach(), identity<dot>{}, identity<dot>{});   // linear kernels
template<pair_function KX, pair_function KY>
[[nodiscard]] at::Tensor cka(const at::Tensor& x, const at::Tensor& y, const KX& kx, const KY& ky,
                             const contrastive::cka_options& o = {}) {
  return detail::embedding_loss({.rows = {{{"x", x}, {"y", y}}}}, {}, cka_loss<KX, KY>{kx, ky, o});
}

}  // namespace autograd

DISPAR_NAMESPACE_END
