#pragma once

#include "dispar/core/view.hpp"
#include "dispar/interop/torch/device_call.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd::detail {

/// Matrices of a call, as torch's side describes them, as views of device memory; the null view for what is not there.
///@{
template<class T>
[[nodiscard]] matrix_view<T, device> device_rows_of(const dispar_device_call::matrix& m) {
  return {static_cast<T*>(m.data), {m.extent[0], m.extent[1]}, {m.stride[0], m.stride[1]}};
}
template<class T>
[[nodiscard]] vector_view<T, device> device_column_of(const dispar_device_call::matrix& m) {
  return {static_cast<T*>(m.data), {m.extent[0]}, {m.stride[0]}};
}
///@}

}  // namespace autograd::detail

DISPAR_NAMESPACE_END
