#pragma once
/// \file
/// `gather` and `scatter` on the GPU: one thread per element.

#include <type_traits>

#include "dispar/backend/gather.hpp"
#include "dispar/backend/gpu/scan.hpp"
#include "dispar/core/special_values.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

inline constexpr int gather_threads = 256;

/// What stands for a row that is not there.
template<class T>
[[nodiscard]] __device__ T no_element() {
  if constexpr (std::is_floating_point_v<T>)
    return quiet_nan<T>();
  else
    return T{};
}

template<bool Scatter, class T, class Out, class I>
__global__ void __launch_bounds__(gather_threads)
    move_rows_kernel(strided<T> x, strided_vector<I> at, strided<Out> out, index count, index cols, index limit) {
  const index element = static_cast<index>(blockIdx.x) * gather_threads + static_cast<index>(threadIdx.x);
  if (element >= count * cols) return;  // no barrier follows
  const index i = element / cols, j = element % cols, named = static_cast<index>(at(i));
  const bool inside = named >= 0 && named < limit;
  if constexpr (Scatter) {
    if (inside) out(named, j) = x(i, j);
  } else {
    out(i, j) = inside ? x(named, j) : no_element<Out>();
  }
}

template<bool Scatter, class T, memory_space S, class I, memory_space SI, class Out, memory_space R>
void move_rows(const gpu& b, const matrix_view<T, S>& x, const vector_view<I, SI>& at, const matrix_view<Out, R>& out) {
  static_assert(std::is_same_v<std::remove_const_t<T>, Out>, "dispar: elements keep their type");
  require_device_memory<S, SI, R>();
  check_gather(at.size(), (Scatter ? x.rows() : out.rows()), x.cols(), out.cols(), Scatter ? "scatter: at" : "gather: at");
  launch(b, "move_rows_kernel", move_rows_kernel<Scatter, T, Out, I>,
         (at.size() * x.cols() + gather_threads - 1) / gather_threads, gather_threads, strided_of(x), strided_of(at),
         strided_of(out), at.size(), x.cols(), Scatter ? out.rows() : x.rows());
}

}  // namespace detail

/// See `dispar/backend/gather.hpp`.
///@{
template<class T, int Rank, memory_space S, class I, memory_space SI, class Out, memory_space R>
requires(Rank == 1 || Rank == 2) && detail::row_index<std::remove_const_t<I>> void gather(const gpu& b, tensor_view<T, Rank, S> x,
                                                                                          vector_view<I, SI> at,
                                                                                          tensor_view<Out, Rank, R> out) {
  detail::move_rows<false>(b, detail::as_rows(x), at, detail::as_rows(out));
}
template<class T, int Rank, memory_space S, class I, memory_space SI, class Out, memory_space R>
requires(Rank == 1 || Rank == 2) && detail::row_index<std::remove_const_t<I>> void scatter(const gpu& b,
                                                                                           tensor_view<T, Rank, S> x,
                                                                                           vector_view<I, SI> at,
                                                                                           tensor_view<Out, Rank, R> out) {
  detail::move_rows<true>(b, detail::as_rows(x), at, detail::as_rows(out));
}
///@}

DISPAR_NAMESPACE_END
