#pragma once
/// \file
/// `select_if` and `select_indices_if` on the GPU: the positions are a scan.

#include "dispar/backend/gpu/scan.hpp"
#include "dispar/backend/select.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

template<bool Indices, class T, memory_space S, class Keep, class Out, memory_space R, memory_space C>
void select_vector(const gpu& b, const vector_view<T, S>& x, const Keep& keep, const vector_view<Out, R>& out,
                   const scalar_view<index, C>& count) {
  require_device_memory<S, R, C>();
  check_select(x.size(), out.size(), static_cast<bool>(count));
  const auto sums = scan_tiles<index>(b, x.size(), kept<T, Keep>{strided_of(x), keep},
                                      store_kept<Indices, T, Out>{strided_of(x), strided_of(out)});
  check_cuda(cudaMemcpyAsync(count.data(), sums.data() + (sums.extents()[0] - 1), sizeof(index), cudaMemcpyDefault, b.stream()),
             "cudaMemcpyAsync");
}

}  // namespace detail

/// See `dispar/backend/select.hpp`.
///@{
template<class T, memory_space S, class Keep, class Out, memory_space R, memory_space C>
void select_if(const gpu& b, vector_view<T, S> x, const Keep& keep, vector_view<Out, R> out, scalar_view<index, C> count) {
  static_assert(std::is_same_v<std::remove_const_t<T>, Out>, "dispar: selected elements have the type of the elements");
  detail::select_vector<false>(b, x, keep, out, count);
}
template<class T, memory_space S, class Keep, class Index, memory_space R, memory_space C>
void select_indices_if(const gpu& b, vector_view<T, S> x, const Keep& keep, vector_view<Index, R> indices,
                       scalar_view<index, C> count) {
  detail::select_vector<true>(b, x, keep, indices, count);
}
///@}

DISPAR_NAMESPACE_END
