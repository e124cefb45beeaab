#pragma once
/// \file
/// The functions of `dispar/divergence.hpp` on torch tensors of logits, vocabulary last, any dimensions before it: each line
/// along the last dimension is a row.
///
/// Tensors are float or double, on the CPU or, with a `gpu_row_entry`, on a CUDA device; those that are no matrix in memory are
/// copied, all others read where they lie. Softmax is never stored, and nothing is computed for what does not require a gradient.
/// Probabilities: hand in their logarithms. Rows that have no value (NaN, nothing but minus infinity, a label outside of the
/// vocabulary) give NaN, as torch's functions do. A second derivative throws. Bad input throws `dispar::invalid_argument`, which
/// is no c10::Error.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include "dispar/backend/host/ranked_rows.hpp"
#include "dispar/backend/host/rows.hpp"
#include "dispar/backend/host/step.hpp"
#include "dispar/interop/torch/device_dispatch.hpp"
#include "dispar/interop/torch/function.hpp"
#include "dispar/interop/torch/row_losses.hpp"
#include "dispar/interop/torch/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// What becomes of the values of rows.
enum class reduction {
  mean,  ///< a scalar: their mean; of labels that over rows that count
  rows   ///< a tensor of all, of the dimensions before the last
};

/// Options of functions of rows.
struct row_options {
  reduction reduce = reduction::mean;            ///< what becomes of the values
  divergence::unit in = divergence::unit::nats;  ///< of the values
  at::Tensor mask{};     ///< bool or bytes, of the shape of the logits or one that expands to it: 0: no part
  at::Tensor lengths{};  ///< int64 per row: tokens that count; undefined: all
};

/// Options of `label_cross_entropy`.
struct label_options {
  reduction reduce = reduction::mean;            ///< what becomes of the values
  divergence::unit in = divergence::unit::nats;  ///< of the values
  at::Tensor mask{};                             ///< see `row_options`
  double label_smoothing = 0;                    ///< see `divergence::label_options`
  std::int64_t ignore_index = -100;              ///< rows of this label do not count
};

namespace detail {

/// A tensor of logits as a matrix.
[[nodiscard]] inline at::Tensor as_rows(const at::Tensor& t) { return t.detach().reshape({-1, t.size(-1)}); }

/// Throws unless the tensor holds logits like `model`.
inline void require_logits(const at::Tensor& t, const std::string& name, const at::Tensor& model) {
  using dispar::detail::torch_require;
  dispar::detail::require_strided(t, name);
  torch_require(t.scalar_type() == at::kFloat || t.scalar_type() == at::kDouble, name, "must be float or double",
                c10::toString(t.scalar_type()));
  torch_require(t.scalar_type() == model.scalar_type(), name, "must have the type of the first", c10::toString(t.scalar_type()));
  torch_require(t.device().is_cpu() || t.device().is_cuda(), name, "must be on the CPU or on a CUDA device", t.device().str());
  torch_require(t.device() == model.device(), name, "must be on the device of the first", t.device().str());
  require(!t.is_neg(), name.c_str(), "must hold its elements as they are: call resolve_neg()");
  require(t.dim() >= 1, (name + ": dim()").c_str(), "must be at least 1", static_cast<double>(t.dim()));
  require(t.size(-1) > 0, (name + ": size(-1)").c_str(), "must be at least 1", 0);
  torch_require(t.sizes() == model.sizes(), name, "must have the shape of the first", c10::str(t.sizes()));
}

/// A tensor of one integer per row, as a column; undefined: none.
[[nodiscard]] inline at::Tensor row_integers(const at::Tensor& t, const std::string& name, const at::Tensor& model,
                                             std::int64_t rows) {
  using dispar::detail::torch_require;
  if (!t.defined()) return t;
  dispar::detail::require_strided(t, name);
  torch_require(t.scalar_type() == at::kLong, name, "must be int64", c10::toString(t.scalar_type()));
  torch_require(t.device() == model.device(), name, "must be on the device of the logits", t.device().str());
  require(t.numel() == rows, name.c_str(), "must have one element per row", static_cast<double>(t.numel()));
  return t.reshape({rows, 1});
}

/// A mask as a matrix of the shape of the rows.
[[nodiscard]] inline at::Tensor mask_rows(const at::Tensor& t, const at::Tensor& model) {
  using dispar::detail::torch_require;
  if (!t.defined()) return t;
  dispar::detail::require_strided(t, "mask");
  torch_require(t.scalar_type() == at::kBool || t.scalar_type() == at::kByte, "mask", "must be bool or uint8",
                c10::toString(t.scalar_type()));
  torch_require(t.device() == model.device(), "mask", "must be on the device of the logits", t.device().str());
  const bool fits = t.dim() <= model.dim() && [&] {
    for (std::int64_t axis = 1; axis <= t.dim(); ++axis)
      if (t.size(-axis) != 1 && t.size(-axis) != model.size(-axis)) return false;
    return true;
  }();
  torch_require(fits, "mask", "must expand to the shape of the logits", c10::str(t.sizes()));
  return t.expand(model.sizes()).reshape({-1, model.size(-1)});
}

/// Tensors of one call, matrices all of them; undefined: not there, not wanted.
struct row_tensors {
  at::Tensor a, b, by_a, by_b, values, labels, lengths, mask;
};

template<class T, class Loss>
void rows_on_device(const row_tensors& x, const Loss& loss) {
  const auto function = device_function(dispar_device_call::row_table(), device_function_name<Loss, T>(), "gpu_row_entry");
  const dispar_device_call::row_call call{.device = static_cast<int>(x.a.get_device()),
                                          .a = device_matrix(x.a),
                                          .b = device_matrix(x.b),
                                          .by_a = device_matrix(x.by_a),
                                          .by_b = device_matrix(x.by_b),
                                          .values = device_matrix(x.values),
                                          .labels = device_matrix(x.labels),
                                          .lengths = device_matrix(x.lengths),
                                          .mask = device_matrix(x.mask),
                                          .loss = &loss};
  call_on_device(function, call, x.a);
}

template<class T, class Loss>
void rows_where_they_lie(const row_tensors& x, const Loss& loss) {
  if (x.a.is_cuda()) return rows_on_device<T>(x, loss);
  row_arguments<T, host> views;
  const auto column = [](const at::Tensor& t) {
    return t.defined() ? vector_view<const std::int64_t>(t.data_ptr<std::int64_t>(), {t.size(0)}, {t.stride(0)})
                       : vector_view<const std::int64_t>{};
  };
  views.a = from_torch<const T, 2>(x.a);
  if (x.b.defined()) views.b = from_torch<const T, 2>(x.b);
  if (x.by_a.defined()) views.by_a = from_torch<T, 2>(x.by_a);
  if (x.by_b.defined()) views.by_b = from_torch<T, 2>(x.by_b);
  views.values = vector_view<double>(x.values.data_ptr<double>(), static_cast<index>(x.values.size(0)));
  views.labels = column(x.labels);
  views.lengths = column(x.lengths);
  if (x.mask.defined())
    views.mask = {static_cast<const std::uint8_t*>(x.mask.data_ptr()),
                  {x.mask.size(0), x.mask.size(1)},
                  {x.mask.stride(0), x.mask.stride(1)}};
  loss.run(tiled_host<openmp>{.each = {.threads = at::get_num_threads()}}, views);
}

/// The values of all rows in the graph, of the dimensions before the last; `b` may be undefined.
template<class Loss>
[[nodiscard]] at::Tensor row_loss(const at::Tensor& a, const at::Tensor& b, const at::Tensor& labels, const at::Tensor& lengths,
                                  const at::Tensor& mask, const Loss& loss) {
  row_tensors x;
  x.a = as_rows(a);
  const std::int64_t rows = x.a.size(0);
  if (b.defined()) x.b = as_rows(b);
  x.labels = row_integers(labels, "labels", a, rows);
  x.lengths = row_integers(lengths, "lengths", a, rows);
  x.mask = mask_rows(mask, a);
  std::vector<at::Tensor> inputs(b.defined() ? 2 : 1);
  inputs[0] = a;
  if (b.defined()) inputs[1] = b;
  return differentiable(inputs, [&](const std::vector<at::Tensor>& gradients) {
    x.values = at::empty({rows, 1}, a.options().dtype(at::kDouble));
    if (gradients[0].defined()) x.by_a = gradients[0].view({rows, -1});
    if (b.defined() && gradients[1].defined()) x.by_b = gradients[1].view({rows, -1});
    if (a.scalar_type() == at::kFloat)
      rows_where_they_lie<float>(x, loss);
    else
      rows_where_they_lie<double>(x, loss);
    return x.values.reshape(a.sizes().slice(0, static_cast<std::size_t>(a.dim() - 1)));
  });
}

}  // namespace detail

/// A divergence of the rows of two tensors of logits of one shape, their mean ("batchmean") or all values; backward() reaches
/// both.
///
///     auto loss = autograd::divergence(student, teacher.detach(), divergence::jensen_shannon{});
///     auto rows = autograd::divergence(a, b, divergence::kullback_leibler{}, {.reduce = autograd::reduction::rows});
///     auto best = autograd::divergence(teacher, student, divergence::top_k{divergence::kullback_leibler{}, 50});
///
/// Time of `divergence::rows_and_gradient` where a gradient is wanted, which is kept until backward(), else of
/// `divergence::rows`.
template<divergence::divergence_of_rows F>
[[nodiscard]] at::Tensor divergence(const at::Tensor& a, const at::Tensor& b, const F& f, const row_options& o = {}) {
  dispar::detail::require_strided(a, "a");
  detail::require_logits(a, "a", a);
  detail::require_logits(b, "b", a);
  const auto rows = detail::row_loss(a, b, {}, o.lengths, o.mask, divergence_loss<F>{f, o.in});
  return o.reduce == reduction::mean ? rows.mean() : rows;
}

/// The entropy of the rows: see `divergence::entropy`.
///
///     (loss - 0.01 * autograd::entropy(logits)).backward();
[[nodiscard]] inline at::Tensor entropy(const at::Tensor& a, const row_options& o = {}) {
  dispar::detail::require_strided(a, "a");
  detail::require_logits(a, "a", a);
  const auto rows = detail::row_loss(a, {}, {}, o.lengths, o.mask, entropy_loss{o.in});
  return o.reduce == reduction::mean ? rows.mean() : rows;
}

/// The cross-entropy of the rows with labels: see `divergence::label_cross_entropy`. The mean is that over the rows that count,
/// as torch's; NaN where none does.
///
///     auto loss = autograd::label_cross_entropy(model(tokens), next_tokens, {.label_smoothing = 0.1});
///
/// labels: int64, of the dimensions of the logits before the last. Torch's function wants (batch, vocabulary, positions); this
/// one the vocabulary last.
[[nodiscard]] inline at::Tensor label_cross_entropy(const at::Tensor& a, const at::Tensor& labels, const label_options& o = {}) {
  dispar::detail::require_strided(a, "a");
  detail::require_logits(a, "a", a);
  dispar::detail::require_strided(labels, "labels");
  const auto rows =
      detail::row_loss(a, {}, labels, {}, o.mask, label_cross_entropy_loss{o.in, o.label_smoothing, o.ignore_index});
  return o.reduce == reduction::mean ? rows.sum().div(labels.ne(o.ignore_index).sum()) : rows;
}

}  // namespace autograd

DISPAR_NAMESPACE_END
