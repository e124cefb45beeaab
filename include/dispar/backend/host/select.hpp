#pragma once
/// \file
/// `select_if` and `select_indices_if` on the host: the positions are a scan.

#include "dispar/backend/host/scan.hpp"
#include "dispar/backend/select.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

template<bool Indices, class Backend, class T, memory_space S, class Keep, class Out, memory_space R, memory_space C>
void select_vector(const Backend& b, const vector_view<T, S>& x, const Keep& keep, const vector_view<Out, R>& out,
                   const scalar_view<index, C>& count) {
  require_host_memory<S, R, C>();
  check_select(x.size(), out.size(), static_cast<bool>(count));
  count() = scan_chunks<index>(b, x.size(), kept<T, Keep>{strided_of(x), keep},
                               store_kept<Indices, T, Out>{strided_of(x), strided_of(out)});
}

}  // namespace detail

/// See `dispar/backend/select.hpp`.
///@{
template<class Each, class Memory, class T, memory_space S, class Keep, class Out, memory_space R, memory_space C>
void select_if(const tiled_host<Each, Memory>& b, vector_view<T, S> x, const Keep& keep, vector_view<Out, R> out,
               scalar_view<index, C> count) {
  static_assert(std::is_same_v<std::remove_const_t<T>, Out>, "dispar: selected elements have the type of the elements");
  detail::select_vector<false>(b, x, keep, out, count);
}
template<class Each, class Memory, class T, memory_space S, class Keep, class Index, memory_space R, memory_space C>
void select_indices_if(const tiled_host<Each, Memory>& b, vector_view<T, S> x, const Keep& keep, vector_view<Index, R> indices,
                       scalar_view<index, C> count) {
  detail::select_vector<true>(b, x, keep, indices, count);
}
///@}

DISPAR_NAMESPACE_END
