#pragma once

#include <ATen/Parallel.h>

#include <array>
#include <utility>
#include <vector>

#include "dispar/backend/cpu.hpp"
#include "dispar/interop/torch/device_dispatch.hpp"
#include "dispar/interop/torch/embedding_arguments.hpp"
#include "dispar/interop/torch/function.hpp"
#include "dispar/interop/torch/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd::detail {

/// A tensor and how messages call it.
struct named_tensor {
  const char* name = "";
  at::Tensor tensor{};
  bool constant = false;  ///< there is no gradient by it
};

/// The tensors of one call; undefined: not there.
struct embedding_tensors {
  std::array<named_tensor, 4> rows{};    ///< matrices
  std::array<named_tensor, 3> labels{};  ///< int64, of the rows of the first three
  named_tensor numbers{};                ///< a vector of the type of the matrices
};

/// Throws unless it is a tensor of `dimensions` of the type and on the device of the first.
inline void require_embeddings(const named_tensor& t, std::int64_t dimensions, const at::Tensor& first) {
  using dispar::detail::torch_require;
  const at::Tensor& x = t.tensor;
  dispar::detail::require_strided(x, t.name);
  torch_require(x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble, t.name, "must be float or double",
                c10::toString(x.scalar_type()));
  torch_require(x.scalar_type() == first.scalar_type(), t.name, "must have the type of the other tensors",
                c10::toString(x.scalar_type()));
  torch_require(x.device().is_cpu() || x.device().is_cuda(), t.name, "must be on the CPU or on a CUDA device", x.device().str());
  torch_require(x.device() == first.device(), t.name, "must be on the device of the other tensors", x.device().str());
  require(!x.is_neg(), t.name, "must hold its elements as they are: call resolve_neg()");
  require(x.dim() == dimensions, (std::string(t.name) + ": dim()").c_str(), dimensions == 2 ? "must be 2" : "must be 1",
          static_cast<double>(x.dim()));
  require(!t.constant || !x.requires_grad(), t.name, "must not require a gradient, there is none by it: detach() it");
}
inline void require_labels(const named_tensor& t, const named_tensor& rows) {
  using dispar::detail::torch_require;
  dispar::detail::require_strided(t.tensor, t.name);
  torch_require(t.tensor.scalar_type() == at::kLong, t.name, "must be int64", c10::toString(t.tensor.scalar_type()));
  torch_require(t.tensor.device() == rows.tensor.device(), t.name, "must be on the device of the embeddings",
                t.tensor.device().str());
  require(t.tensor.dim() == 1, (std::string(t.name) + ": dim()").c_str(), "must be 1", static_cast<double>(t.tensor.dim()));
  require(t.tensor.size(0) == rows.tensor.size(0), t.name, "must have one element per row",
          static_cast<double>(t.tensor.size(0)));
}
inline void require_call(const embedding_tensors& x) {
  const at::Tensor& first = x.rows[0].tensor;
  dispar::detail::require_strided(first, x.rows[0].name);
  for (const auto& m : x.rows)
    if (m.name[0] != '\0') require_embeddings(m, 2, first);
  for (std::size_t i = 0; i < x.labels.size(); ++i)
    if (x.labels[i].name[0] != '\0') require_labels(x.labels[i], x.rows[i]);
  if (x.numbers.name[0] != '\0') require_embeddings(x.numbers, 1, first);
}

template<class T, class Loss>
[[nodiscard]] vec<double, Loss::results> embeddings_on_host(const embedding_tensors& x, const at::Tensor* by, bool scalars,
                                                            const Loss& loss) {
  embedding_arguments<T, host> a;
  for (std::size_t i = 0; i < a.rows.size(); ++i) {
    if (x.rows[i].tensor.defined()) a.rows[i] = from_torch<const T, 2>(x.rows[i].tensor);
    if (by[i].defined()) a.by[i] = from_torch<T, 2>(by[i]);
  }
  for (std::size_t i = 0; i < a.labels.size(); ++i)
    if (const at::Tensor& t = x.labels[i].tensor; t.defined())
      a.labels[i] = vector_view<const std::int64_t>(t.data_ptr<std::int64_t>(), {t.size(0)}, {t.stride(0)});
  if (x.numbers.tensor.defined()) a.numbers = from_torch<const T, 1>(x.numbers.tensor);
  a.scalars = scalars;
  return loss.run(cpu{.each = {.threads = at::get_num_threads()}}, a);
}

/// The same by the function that a `gpu_embedding_entry` of a .cu file put into the table.
template<class T, class Loss>
[[nodiscard]] vec<double, Loss::results> embeddings_on_device(const embedding_tensors& x, const at::Tensor* by, bool scalars,
                                                              const Loss& loss) {
  const auto function =
      device_function(dispar_device_call::embedding_table(), device_function_name<Loss, T>(), "gpu_embedding_entry");
  vec<double, Loss::results> results{};
  dispar_device_call::embedding_call call;
  call.device = static_cast<int>(x.rows[0].tensor.get_device());
  for (std::size_t i = 0; i < x.rows.size(); ++i) {
    call.rows[i] = device_matrix(x.rows[i].tensor);
    call.by[i] = device_matrix(by[i]);
  }
  for (std::size_t i = 0; i < x.labels.size(); ++i) call.labels[i] = device_matrix(x.labels[i].tensor);
  call.numbers = device_matrix(x.numbers.tensor);
  call.scalars = scalars;
  call.loss = &loss;
  call.results = results.data;
  call_on_device(function, call, x.rows[0].tensor);
  return results;
}

template<class T, class Loss>
[[nodiscard]] vec<double, Loss::results> embeddings_where_they_lie(const embedding_tensors& x, const at::Tensor* by, bool scalars,
                                                                   const Loss& loss) {
  return x.rows[0].tensor.is_cuda() ? embeddings_on_device<T>(x, by, scalars, loss) : embeddings_on_host<T>(x, by, scalars, loss);
}

/// Checks the tensors, computes the loss where they are, and puts it into the graph. `trained`: the tensors of the numbers by
/// which the loss gives derivatives, in their order; undefined: constants.
template<class Loss>
[[nodiscard]] at::Tensor embedding_loss(const embedding_tensors& x, const std::vector<at::Tensor>& trained, const Loss& loss) {
  require_call(x);
  std::vector<at::Tensor> inputs;
  for (const auto& m : x.rows) inputs.push_back(m.tensor);
  inputs.insert(inputs.end(), trained.begin(), trained.end());
  return differentiable(inputs, [&](const std::vector<at::Tensor>& gradients) {
    const at::Tensor* const by = gradients.data();
    const at::Tensor* const by_scalars = by + x.rows.size();
    bool scalars = false;
    for (std::size_t i = 0; i < trained.size(); ++i) scalars = scalars || by_scalars[i].defined();
    const auto results = x.rows[0].tensor.scalar_type() == at::kFloat ? embeddings_where_they_lie<float>(x, by, scalars, loss)
                                                                      : embeddings_where_they_lie<double>(x, by, scalars, loss);
    for (std::size_t i = 0; i < trained.size(); ++i)
      if (by_scalars[i].defined()) by_scalars[i].fill_(results[static_cast<int>(i) + 1]);
    return results[0];
  });
}

}  // namespace autograd::detail

DISPAR_NAMESPACE_END
