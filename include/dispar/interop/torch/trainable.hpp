#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>

#include <initializer_list>
#include <utility>
#include <vector>

#include "dispar/interop/torch/view.hpp"
#include "dispar/kernels/from_theta.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// A kernel whose parameters are tensors, so that an optimizer trains them:
///
///     autograd::trainable<deep_kernel<>>{s, s0, e}    // a tensor of one element for each parameter, in the order of theta()
///     autograd::trainable<gaussian>{log_sigma.exp()}  // a parametrization is ordinary torch operations
///     autograd::trainable<gaussian_ladder<5>>{theta}  // or one tensor with all of them
///
/// Any floating-point type and device; the kernel is computed with their values in double.
template<pair_function K>
class trainable {
public:
  /// From tensors with together as many elements as the kernel has parameters. Throws `invalid_argument` otherwise.
  trainable(std::initializer_list<at::Tensor> theta) : tensors_(theta) {
    std::int64_t elements = 0;
    for (const auto& t : tensors_) {
      dispar::detail::require_strided(t, "trainable: parameter");
      dispar::detail::torch_require(at::isFloatingType(t.scalar_type()), "trainable: parameter", "must be floating point",
                                    c10::toString(t.scalar_type()));
      elements += t.numel();
    }
    require(elements == K::parameters, "trainable: parameters", "must have as many elements as the kernel has parameters",
            static_cast<double>(elements));
  }

  /// The tensors, as given.
  [[nodiscard]] const std::vector<at::Tensor>& tensors() const { return tensors_; }

  /// The kernel with the parameters as they are now.
  [[nodiscard]] K kernel() const {
    vec<double, K::parameters> theta{};
    int p = 0;
    for (const auto& t : tensors_) {
      const auto values = t.detach().to(at::kCPU, at::kDouble).reshape(-1);
      for (std::int64_t i = 0; i < values.numel(); ++i) theta[p++] = values[i].template item<double>();
    }
    return from_theta<K>(theta);
  }

private:
  std::vector<at::Tensor> tensors_;
};

namespace detail {

/// Writes the derivatives by all parameters into the gradients of the tensors, where they are wanted.
inline void scatter_parameter_gradient(const std::vector<double>& derivatives, const std::vector<at::Tensor>& tensors,
                                       const at::Tensor* gradients) {
  std::int64_t first = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto count = tensors[i].numel();
    if (gradients[i].defined())
      gradients[i].copy_(
          at::tensor(at::ArrayRef<double>(derivatives.data() + first, static_cast<std::size_t>(count)), at::kDouble)
              .reshape(tensors[i].sizes()));
    first += count;
  }
}

}  // namespace detail

}  // namespace autograd

DISPAR_NAMESPACE_END
