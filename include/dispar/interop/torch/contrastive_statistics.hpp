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

}  // namespace autograd

DISPAR_NAMESPACE_END
