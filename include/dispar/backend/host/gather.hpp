#pragma once
/// \file
/// `gather` and `scatter` on the host.

#include "dispar/backend/gather.hpp"
#include "dispar/backend/host/chunks.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

template<class I, class S>
void require_rows(const vector_view<I, S>& at, index rows, const char* name) {
  for (index i = 0; i < at.size(); ++i)
    require(at(i) >= 0 && at(i) < rows, name, "must be numbers of rows", static_cast<double>(at(i)));
}

template<class T, class S, class Out, class R>
void copy_row(const matrix_view<T, S>& x, index from, const matrix_view<Out, R>& out, index to) {
  for (index j = 0; j < x.cols(); ++j) out(to, j) = x(from, j);
}

}  // namespace detail

/// See `dispar/backend/gather.hpp`.
///@{
template<class Each, class Memory, class T, int Rank, memory_space S, class I, memory_space SI, class Out, memory_space R>
requires(Rank == 1 || Rank == 2) && detail::row_index<std::remove_const_t<I>> void gather(const tiled_host<Each, Memory>& b,
                                                                                          tensor_view<T, Rank, S> x,
                                                                                          vector_view<I, SI> at,
                                                                                          tensor_view<Out, Rank, R> out) {
  static_assert(std::is_same_v<std::remove_const_t<T>, Out>, "dispar: gathered elements have the type of the elements");
  detail::require_host_memory<S, SI, R>();
  const auto from = detail::as_rows(x);
  const auto to = detail::as_rows(out);
  detail::check_gather(at.size(), to.rows(), from.cols(), to.cols(), "gather: at");
  detail::require_rows(at, from.rows(), "gather: at");
  detail::for_each_chunk(b, detail::chunks(at.size()), 2 * static_cast<double>(from.cols()), [&](index, index first, index last) {
    for (index i = first; i < last; ++i) detail::copy_row(from, static_cast<index>(at(i)), to, i);
  });
}

template<class Each, class Memory, class T, int Rank, memory_space S, class I, memory_space SI, class Out, memory_space R>
requires(Rank == 1 || Rank == 2) && detail::row_index<std::remove_const_t<I>> void scatter(const tiled_host<Each, Memory>& b,
                                                                                           tensor_view<T, Rank, S> x,
                                                                                           vector_view<I, SI> at,
                                                                                           tensor_view<Out, Rank, R> out) {
  static_assert(std::is_same_v<std::remove_const_t<T>, Out>, "dispar: scattered elements have the type of the elements");
  detail::require_host_memory<S, SI, R>();
  const auto from = detail::as_rows(x);
  const auto to = detail::as_rows(out);
  detail::check_gather(at.size(), from.rows(), from.cols(), to.cols(), "scatter: at");
  detail::require_rows(at, to.rows(), "scatter: at");
  // On the calling thread: indices that repeat would be a race.
  (void)b;
  for (index i = 0; i < at.size(); ++i) detail::copy_row(from, i, to, static_cast<index>(at(i)));
}
///@}

DISPAR_NAMESPACE_END
