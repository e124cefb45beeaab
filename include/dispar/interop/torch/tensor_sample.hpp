#pragma once

#include <initializer_list>
#include <utility>
#include <vector>

#include "dispar/backend/sample.hpp"
#include "dispar/interop/torch/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// A sample made of tensors: one matrix (rows are samples) per channel of the kernel, and optional row weights. A tensor
/// converts to it; so do braces, `{phi, raw}`.
struct tensor_sample {
  std::vector<at::Tensor> channel;  ///< matrices with the same rows, float or double
  at::Tensor weights;               ///< of the type of the matrices, one per row; undefined: every row counts once

  /// A sample of one channel.
  tensor_sample(at::Tensor matrix) : channel{std::move(matrix)} {}  // NOLINT(google-explicit-constructor)
  /// A sample of several channels.
  tensor_sample(std::initializer_list<at::Tensor> matrices) : channel(matrices) {}
};

/// The sample whose row i counts `weights[i]` times. The weights themselves are not trained: they must not require a gradient.
[[nodiscard]] inline tensor_sample weighted(tensor_sample x, at::Tensor weights) {
  x.weights = std::move(weights);
  return x;
}

namespace detail {

/// Throws unless the tensors are a sample of `channels` matrices like `model`: the first tensor of the call.
inline void require_sample(const tensor_sample& x, const char* name, int channels, const at::Tensor& model) {
  require(x.channel.size() == static_cast<std::size_t>(channels), (std::string(name) + ": channels").c_str(),
          "must be as many as the kernel has", static_cast<double>(x.channel.size()));
  const auto require_like = [&](const at::Tensor& t, const std::string& argument, int dimensions) {
    dispar::detail::require_strided(t, argument);
    dispar::detail::torch_require(t.scalar_type() == at::kFloat || t.scalar_type() == at::kDouble, argument,
                                  "must be float or double", c10::toString(t.scalar_type()));
    dispar::detail::torch_require(t.scalar_type() == model.scalar_type(), argument, "must have the type of the other tensors",
                                  c10::toString(t.scalar_type()));
    dispar::detail::torch_require(t.device().is_cpu() || t.device().is_cuda(), argument, "must be on the CPU or on a CUDA device",
                                  t.device().str());
    dispar::detail::torch_require(t.device() == model.device(), argument, "must be on the device of the other tensors",
                                  t.device().str());
    require(!t.is_neg(), argument.c_str(), "must hold its elements as they are: call resolve_neg()");
    require(t.dim() == dimensions, (argument + ": dim()").c_str(), dimensions == 2 ? "must be 2" : "must be 1",
            static_cast<double>(t.dim()));
    require(t.size(0) == x.channel[0].size(0), (argument + ": size(0)").c_str(), "must be the same in every tensor of a sample",
            static_cast<double>(t.size(0)));
  };
  for (std::size_t c = 0; c < x.channel.size(); ++c)
    require_like(x.channel[c], x.channel.size() == 1 ? std::string(name) : name + (": channel " + std::to_string(c)), 2);
  if (!x.weights.defined()) return;
  require_like(x.weights, std::string(name) + ": weights", 1);
  require(!x.weights.requires_grad(), (std::string(name) + ": weights").c_str(),
          "must not require a gradient: there is none by weights");
}

/// CPU tensors as a sample; no element is copied.
template<class T, int Channels>
[[nodiscard]] sample<T, Channels> host_sample(const tensor_sample& x) {
  sample<T, Channels> s{};
  for (std::size_t c = 0; c < s.channel.size(); ++c) s.channel[c] = from_torch<const T, 2>(x.channel[c]);
  if (x.weights.defined()) s.weights = from_torch<const T, 1>(x.weights);
  return s;
}

}  // namespace detail

}  // namespace autograd

DISPAR_NAMESPACE_END
