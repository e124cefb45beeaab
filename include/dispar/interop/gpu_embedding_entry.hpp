#pragma once
/// \file
/// The functions of `dispar/interop/torch/contrastive.hpp` for CUDA tensors: what a .cu file says, compiled by nvcc and linked
/// in. See `dispar/interop/gpu_entry.hpp`, its counterpart for losses of samples.
///
///     #include <dispar/interop/gpu_embedding_entry.hpp>
///     #include <dispar/interop/torch/pair_losses.hpp>
///     using namespace dispar;
///     using clip = autograd::infonce_loss<contrastive::cosine, contrastive::exponential_scale>;
///     const autograd::gpu_embedding_entry<clip, float> clip_in_float;
///
/// Compiled by nvcc and tested in emulation on the CPU (tests/cuda_emulation); it has never run on a GPU.

#include <cstring>

#include "dispar/backend/gpu.hpp"
#include "dispar/backend/gpu/sort.hpp"
#include "dispar/interop/gpu_contexts.hpp"
#include "dispar/interop/gpu_device_views.hpp"
#include "dispar/interop/torch/embedding_arguments.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

namespace detail {

template<class Loss, class T>
void run_embeddings_on_gpu(const dispar_device_call::embedding_call& c) {
  Loss loss;
  std::memcpy(static_cast<void*>(&loss), c.loss, sizeof loss);
  embedding_arguments<T, device> x;
  for (std::size_t i = 0; i < x.rows.size(); ++i) {
    x.rows[i] = device_rows_of<const T>(c.rows[i]);
    x.by[i] = device_rows_of<T>(c.by[i]);
  }
  for (std::size_t i = 0; i < x.labels.size(); ++i) x.labels[i] = device_column_of<const std::int64_t>(c.labels[i]);
  x.numbers = device_column_of<const T>(c.numbers);
  x.scalars = c.scalars;
  // Gradients are torch's from there on, on its own stream.
  on_kept_context(c.device, nullptr, [&](const gpu& b) {
    const auto results = loss.run(b, x);
    for (int i = 0; i < Loss::results; ++i) c.results[i] = results[i];
  });
}

}  // namespace detail

/// The existence of one, at namespace scope in a .cu file, makes `Loss` (`infonce_loss<Similarity, Scale>`, `ntxent_loss`, ...:
/// the function on tensors, its policies) work on CUDA tensors of `T` (float or double): see `gpu_entry`, of which all else
/// holds.
template<class Loss, real T>
struct gpu_embedding_entry {
  gpu_embedding_entry() {
    dispar_device_call::embedding_table()[detail::device_function_name<Loss, T>()] = &detail::run_embeddings_on_gpu<Loss, T>;
  }
};

}  // namespace autograd

DISPAR_NAMESPACE_END
