#pragma once

#include "dispar/interop/torch/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd::detail {

/// As `from_torch`, the null view for an undefined tensor.
template<class T, int Rank>
[[nodiscard]] tensor_view<T, Rank> view_if_defined(const at::Tensor& t) {
  return t.defined() ? from_torch<T, Rank>(t) : tensor_view<T, Rank>();
}

/// compute.operator()<T>() for the type of the tensor.
template<class Compute>
auto of_type(const at::Tensor& t, const char* name, const Compute& compute) {
  dispar::detail::require_strided(t, name);
  dispar::detail::torch_require(t.scalar_type() == at::kFloat || t.scalar_type() == at::kDouble, name, "must be float or double",
                                c10::toString(t.scalar_type()));
  return t.scalar_type() == at::kFloat ? compute.template operator()<float>() : compute.template operator()<double>();
}

}  // namespace autograd::detail

DISPAR_NAMESPACE_END
