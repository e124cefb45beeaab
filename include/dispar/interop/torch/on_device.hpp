#pragma once

#include <vector>

#include "dispar/interop/torch/device_dispatch.hpp"
#include "dispar/interop/torch/tensor_sample.hpp"
#include "dispar/kernels/pair_function.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd::detail {

/// The loss on CUDA tensors of element T, by the function that a `gpu_entry` of a .cu file put into the table.
template<class T, class Loss, pair_function K>
[[nodiscard]] vec<double, Loss::results> on_device(const tensor_sample& x, const tensor_sample& y, const K& k, const Loss& loss,
                                                   const std::vector<at::Tensor>& gradients, std::vector<double>& by_parameter) {
  const auto function = device_function(dispar_device_call::table(), device_function_name<Loss, K, T>(), "gpu_entry");
  constexpr auto channels = static_cast<std::size_t>(K::channels);
  std::vector<dispar_device_call::matrix> matrices;  // x, y, their gradients
  for (const auto& t : x.channel) matrices.push_back(device_matrix(t));
  for (const auto& t : y.channel) matrices.push_back(device_matrix(t));
  for (std::size_t i = 0; i < 2 * channels; ++i) matrices.push_back(device_matrix(gradients[i]));
  const auto theta = k.theta();
  vec<double, Loss::results> results{};
  dispar_device_call::call call;
  call.device = static_cast<int>(x.channel[0].get_device());
  call.x = {matrices.data(), matrices.data() + 2 * channels, device_matrix(x.weights)};
  call.y = {matrices.data() + channels, matrices.data() + 3 * channels, device_matrix(y.weights)};
  call.theta = theta.data;
  for (std::size_t i = 2 * channels; i < gradients.size(); ++i)
    if (gradients[i].defined()) call.parameter_gradient = by_parameter.data();
  call.loss = &loss;
  call.results = results.data;

  call_on_device(function, call, x.channel[0]);
  return results;
}

}  // namespace autograd::detail

DISPAR_NAMESPACE_END
