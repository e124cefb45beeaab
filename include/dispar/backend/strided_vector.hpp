#pragma once

#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// A vector as code sees it that runs on the host and in kernels: the views' own accessors are host functions.
template<class T>
struct strided_vector {
  T* data = nullptr;
  index stride = 1;
  DISPAR_FN T& operator()(index i) const { return data[i * stride]; }
};
template<class T, class S>
[[nodiscard]] strided_vector<T> strided_of(const vector_view<T, S>& view) {
  return {view.data(), view.stride(0)};
}

}  // namespace detail

DISPAR_NAMESPACE_END
