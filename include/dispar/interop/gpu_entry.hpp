#pragma once
/// \file
/// Losses for CUDA tensors. Torch's headers and CUDA kernels are costly and meet in no file: a .cu file, compiled by nvcc, says
/// which losses a program uses on a GPU, and `dispar/interop/torch.hpp` finds them when it meets a CUDA tensor.
///
///     #include <dispar/interop/gpu_entry.hpp>
///     #include <dispar/kernels/deep.hpp>
///     using namespace dispar;
///     const autograd::gpu_entry<autograd::mmd_criterion_loss, deep_kernel<>, float> criterion;
///
/// Compiled by nvcc and tested in emulation on the CPU (tests/cuda_emulation); it has never run on a GPU.

#include <cstring>

#include "dispar/backend/gpu.hpp"
#include "dispar/interop/gpu_contexts.hpp"
#include "dispar/interop/gpu_device_views.hpp"
#include "dispar/interop/torch/mmd_losses.hpp"
#include "dispar/kernels/from_theta.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

namespace detail {

template<class T, int Channels>
[[nodiscard]] dispar::sample<T, Channels, device> device_sample(const dispar_device_call::sample& s) {
  dispar::sample<T, Channels, device> result{};
  for (std::size_t c = 0; c < result.channel.size(); ++c) result.channel[c] = device_rows_of<const T>(s.channel[c]);
  result.weights = device_column_of<const T>(s.weights);
  return result;
}

template<class Loss, pair_function K, class T>
void run_on_gpu(const dispar_device_call::call& c) {
  Loss loss;
  std::memcpy(static_cast<void*>(&loss), c.loss, sizeof loss);
  vec<double, K::parameters> theta{};
  for (int p = 0; p < K::parameters; ++p) theta[p] = c.theta[p];
  const K k = from_theta<K>(theta);
  const auto x = device_sample<T, K::channels>(c.x), y = device_sample<T, K::channels>(c.y);

  mmd::gradients<T, K::channels, device> out;
  bool wanted = c.parameter_gradient != nullptr;
  for (std::size_t i = 0; i < out.x.size(); ++i) {
    out.x[i] = device_rows_of<T>(c.x.gradient[i]);
    out.y[i] = device_rows_of<T>(c.y.gradient[i]);
    wanted = wanted || out.x[i] || out.y[i];
  }
  if (c.parameter_gradient) out.parameters = vector_view<double>(c.parameter_gradient, K::parameters);
  // Gradients are torch's from there on, on its own stream.
  on_kept_context(c.device, nullptr, [&](const gpu& b) {
    const auto results = wanted ? loss.gradient(b, x, y, k, out) : loss.value(b, x, y, k);
    for (int i = 0; i < Loss::results; ++i) c.results[i] = results[i];
  });
}

}  // namespace detail

/// The existence of one, at namespace scope in a .cu file, makes `Loss` (`mmd_estimate_loss`, `mmd_variance_loss`,
/// `mmd_criterion_loss`) by the kernel `K` on tensors of `T` (float or double) work on CUDA tensors, in the program that the
/// object file is linked into. (Of a static library the linker takes only what is named somewhere: use an object library.)
///
/// The call waits for torch's current stream before, and for its own work after, on the default stream of the device. Its memory
/// is kept for the next call, of any entry: `on_kept_context` says how long; `release_kept_contexts` gives it back. Any thread
/// may call, on one device one at a time. Products are `precision::exact`.
template<class Loss, pair_function K, real T>
struct gpu_entry {
  gpu_entry() { dispar_device_call::table()[detail::device_function_name<Loss, K, T>()] = &detail::run_on_gpu<Loss, K, T>; }
};

}  // namespace autograd

DISPAR_NAMESPACE_END
