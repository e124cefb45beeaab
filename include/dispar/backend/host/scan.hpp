#pragma once
/// \file
/// `inclusive_scan` and `exclusive_scan` on the host: the sums of chunks, their prefix sums, the sums within each chunk.

#include "dispar/backend/host/chunks.hpp"
#include "dispar/backend/scan.hpp"
#include "dispar/core/rounding_fence.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// a + b, in this order under any compiler flag: sums that are made twice have to be equal. Integers are exact anyway.
template<class A>
[[nodiscard]] inline A add_in_order(A a, A b) {
  if constexpr (std::is_floating_point_v<A>)
    return rounding_fence(a + b);
  else
    return static_cast<A>(a + b);
}

/// store(i, load(0) + ... + load(i - 1), load(0) + ... + load(i)) for all i < size; returns the sum of all.
template<class A, class Backend, class Load, class Store>
A scan_chunks(const Backend& b, index size, const Load& load, const Store& store) {
  const chunks parts(size);
  const auto scan = [&](index first, index last, A offset) {
    A within = 0, before = offset;
    for (index i = first; i < last; ++i) {
      within = add_in_order<A>(within, load(i));
      const A after = add_in_order<A>(offset, within);
      store(i, before, after);
      before = after;
    }
    return before;
  };
  A all = 0;
  if (parts.count == 1 || b.each.concurrency() == 1) {  // the same sums, each made once
    for (index c = 0; c < parts.count; ++c) all = scan(parts.first(c), parts.first(c + 1), all);
    return all;
  }
  array<A, 1, Backend> sums(b, {parts.count});
  const auto sum = sums.view();
  for_each_chunk(b, parts, 1, [&](index c, index first, index last) {
    A total = 0;
    for (index i = first; i < last; ++i) total = add_in_order<A>(total, load(i));
    sum(c) = total;
  });
  for (index c = 0; c < parts.count; ++c) {
    const A part = sum(c);
    sum(c) = all;
    all = add_in_order<A>(all, part);
  }
  for_each_chunk(b, parts, 2, [&](index c, index first, index last) { (void)scan(first, last, sum(c)); });
  return all;
}

template<bool Inclusive, class Backend, class T, memory_space S, class Out, memory_space R>
void scan_vector(const Backend& b, const vector_view<T, S>& x, const vector_view<Out, R>& out, Out initial) {
  require_host_memory<S, R>();
  check_scan<std::remove_const_t<T>, Out>(x.size(), out.size());
  using A = typename scan_sum<Out>::type;
  scan_chunks<A>(b, x.size(), scan_load<A, T>{strided_of(x)},
                 scan_store<Inclusive, A, Out>{strided_of(out), static_cast<A>(initial)});
}

}  // namespace detail

/// See `dispar/backend/scan.hpp`.
///@{
template<class Each, class Memory, class T, memory_space S, class Out, memory_space R>
void inclusive_scan(const tiled_host<Each, Memory>& b, vector_view<T, S> x, vector_view<Out, R> out) {
  detail::scan_vector<true>(b, x, out, Out(0));
}
template<class Each, class Memory, class T, memory_space S, class Out, memory_space R>
void exclusive_scan(const tiled_host<Each, Memory>& b, vector_view<T, S> x, vector_view<Out, R> out,
                    std::type_identity_t<Out> initial = 0) {
  detail::scan_vector<false>(b, x, out, initial);
}
///@}

DISPAR_NAMESPACE_END
