#pragma once

#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// A matrix as code sees it that runs on the host and in kernels: the views' own accessors are host functions.
template<class T>
struct strided {
  T* data = nullptr;
  index row_stride = 0, col_stride = 0;
  DISPAR_FN T& operator()(index i, index j) const { return data[i * row_stride + j * col_stride]; }
};
template<class T, class S>
[[nodiscard]] strided<T> strided_of(const matrix_view<T, S>& view) {
  return {view.data(), view.stride(0), view.stride(1)};
}

}  // namespace detail

DISPAR_NAMESPACE_END
