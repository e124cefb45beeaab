#pragma once

#include <ATen/Parallel.h>

#include "dispar/backend/cpu.hpp"
#include "dispar/interop/torch/function.hpp"
#include "dispar/interop/torch/on_device.hpp"
#include "dispar/interop/torch/tensor_sample.hpp"
#include "dispar/interop/torch/trainable.hpp"
#include "dispar/mmd/gradient.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd::detail {

/// What a loss of two samples gave: the differentiable value, and all its results as numbers.
template<int Results>
struct loss_value {
  at::Tensor value;
  vec<double, Results> results;
};

/// The loss on CPU tensors of element T. `gradients`: by the channels of x, of y, then by the kernel's tensors.
template<class T, class Loss, pair_function K>
[[nodiscard]] vec<double, Loss::results> on_host(const tensor_sample& x, const tensor_sample& y, const K& k, const Loss& loss,
                                                 const std::vector<at::Tensor>& gradients, std::vector<double>& by_parameter) {
  constexpr auto channels = static_cast<std::size_t>(K::channels);
  const cpu b{.each = {.threads = at::get_num_threads()}};
  const auto sx = host_sample<T, K::channels>(x), sy = host_sample<T, K::channels>(y);
  mmd::gradients<T, K::channels> out;
  bool wanted = false;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    if (!gradients[i].defined()) continue;
    wanted = true;
    if (i < 2 * channels)
      (i < channels ? out.x : out.y)[i % channels] = from_torch<T, 2>(gradients[i]);
    else
      out.parameters = view_of(by_parameter);
  }
  return wanted ? loss.gradient(b, sx, sy, k, out) : loss.value(b, sx, sy, k);
}

template<class T, class Loss, pair_function K>
[[nodiscard]] vec<double, Loss::results> where_it_lies(const tensor_sample& x, const tensor_sample& y, const K& k,
                                                       const Loss& loss, const std::vector<at::Tensor>& gradients,
                                                       std::vector<double>& by_parameter) {
  return x.channel[0].is_cuda() ? on_device<T>(x, y, k, loss, gradients, by_parameter)
                                : on_host<T>(x, y, k, loss, gradients, by_parameter);
}

/// Checks the tensors, computes the loss where they are, and puts it into the graph. `theta` may be empty: a fixed kernel.
template<class Loss, pair_function K>
[[nodiscard]] loss_value<Loss::results> two_sample_loss(const tensor_sample& x, const tensor_sample& y, const K& k,
                                                        const std::vector<at::Tensor>& theta, const Loss& loss) {
  require(!x.channel.empty(), "x: channels", "must be as many as the kernel has", 0);
  dispar::detail::require_strided(x.channel[0], "x");
  const at::Tensor& model = x.channel[0];
  require_sample(x, "x", K::channels, model);
  require_sample(y, "y", K::channels, model);

  std::vector<at::Tensor> inputs = x.channel;
  inputs.insert(inputs.end(), y.channel.begin(), y.channel.end());
  inputs.insert(inputs.end(), theta.begin(), theta.end());
  loss_value<Loss::results> result{};
  result.value = differentiable(inputs, [&](const std::vector<at::Tensor>& gradients) {
    std::vector<double> by_parameter(static_cast<std::size_t>(K::parameters));
    result.results = model.scalar_type() == at::kFloat ? where_it_lies<float>(x, y, k, loss, gradients, by_parameter)
                                                       : where_it_lies<double>(x, y, k, loss, gradients, by_parameter);
    scatter_parameter_gradient(by_parameter, theta, gradients.data() + 2 * K::channels);
    return result.results[0];
  });
  return result;
}
template<class Loss, pair_function K>
[[nodiscard]] loss_value<Loss::results> two_sample_loss(const tensor_sample& x, const tensor_sample& y, const trainable<K>& k,
                                                        const Loss& loss) {
  return two_sample_loss(x, y, k.kernel(), k.tensors(), loss);
}
template<class Loss, pair_function K>
[[nodiscard]] loss_value<Loss::results> two_sample_loss(const tensor_sample& x, const tensor_sample& y, const K& k,
                                                        const Loss& loss) {
  return two_sample_loss(x, y, k, {}, loss);
}

}  // namespace autograd::detail

DISPAR_NAMESPACE_END
