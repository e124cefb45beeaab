#pragma once
/// \file
/// The functions of `dispar/interop/torch/rows.hpp` for CUDA tensors: what a .cu file says, compiled by nvcc and linked in. See
/// `dispar/interop/gpu_entry.hpp`, its counterpart for losses of samples.
///
///     #include <dispar/divergence/jensen_shannon.hpp>
///     #include <dispar/interop/gpu_row_entry.hpp>
///     using namespace dispar;
///     const autograd::gpu_row_entry<autograd::divergence_loss<divergence::jensen_shannon>, float> jensen_shannon;
///
/// Compiled by nvcc and tested in emulation on the CPU (tests/cuda_emulation); it has never run on a GPU.

#include <cstring>

#include "dispar/backend/gpu/rows.hpp"
#include "dispar/backend/gpu/step.hpp"
#include "dispar/interop/gpu_contexts.hpp"
#include "dispar/interop/gpu_device_views.hpp"
#include "dispar/interop/torch/row_losses.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

namespace detail {

template<class Loss, class T>
void run_rows_on_gpu(const dispar_device_call::row_call& c) {
  Loss loss;
  std::memcpy(static_cast<void*>(&loss), c.loss, sizeof loss);
  row_arguments<T, device> x;
  x.a = device_rows_of<const T>(c.a);
  x.b = device_rows_of<const T>(c.b);
  x.by_a = device_rows_of<T>(c.by_a);
  x.by_b = device_rows_of<T>(c.by_b);
  x.values = device_column_of<double>(c.values);
  x.labels = device_column_of<const std::int64_t>(c.labels);
  x.lengths = device_column_of<const std::int64_t>(c.lengths);
  x.mask = device_rows_of<const std::uint8_t>(c.mask);
  on_kept_context(c.device, nullptr, [&](const gpu& b) { loss.run(b, x); });
}

}  // namespace detail

/// The existence of one, at namespace scope in a .cu file, makes `Loss` (`divergence_loss<F>`, `entropy_loss`,
/// `label_cross_entropy_loss`) work on CUDA tensors of `T` (float or double): see `gpu_entry`, of which all else holds.
template<class Loss, real T>
struct gpu_row_entry {
  gpu_row_entry() {
    dispar_device_call::row_table()[detail::device_function_name<Loss, T>()] = &detail::run_rows_on_gpu<Loss, T>;
  }
};

}  // namespace autograd

DISPAR_NAMESPACE_END
