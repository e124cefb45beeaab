#pragma once

#include <torch/optim/adam.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "detector.hpp"
#include "feature_net.hpp"

namespace mmd_mp {

/// What a detector is made of, in torch's terms.
struct detector::parts {
  explicit parts(const detector_settings& s);

  [[nodiscard]] at::Tensor phi(const at::Tensor& batch) const;
  [[nodiscard]] at::Tensor criterion_loss(const at::Tensor& x, const at::Tensor& y, epoch_means& means) const;
  [[nodiscard]] at::Tensor classifier_loss(const at::Tensor& x, const at::Tensor& y);
  /// Without gradients and dropout.
  void each_batch(const sentence_rows& sentences, const std::function<void(const at::Tensor&)>& use) const;

  detector_settings settings;
  at::Device device;
  std::shared_ptr<feature_net> net;                                   ///< null for `objective::raw`
  mutable torch::nn::Linear logits{nullptr};                          ///< for `objective::cross_entropy`
  std::vector<std::pair<std::string, at::Tensor>> kernel_parameters;  ///< s, s0, e; empty for a classifier
  std::vector<std::pair<std::string, at::Tensor>> trained;            ///< what Adam changes
  std::unique_ptr<torch::optim::Adam> optimizer;
};

}  // namespace mmd_mp
