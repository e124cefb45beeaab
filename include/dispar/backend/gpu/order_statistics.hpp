#pragma once
/// \file
/// `order_statistics` on the GPU: a radix selection from the highest digit down, 8 bits at a time. The counts are integers, so
/// that it does not matter in which order blocks add to them; nothing comes back to the host.

#include "dispar/backend/gpu/scan.hpp"
#include "dispar/backend/order_statistics.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

inline constexpr int selection_threads = 256;  // one per digit
inline constexpr index selection_blocks = 1024;

/// What is known of the result: its leading bits, and its rank among the keys that share them.
template<class Bits>
struct selection {
  Bits prefix;
  index rank;
};

template<class Bits>
__global__ void start_selection_kernel(selection<Bits>* state, unsigned long long* counts, index rank) {
  counts[threadIdx.x] = 0;
  if (threadIdx.x == 0) *state = {0, rank};
}

/// Adds to `counts` the digits at bit `shift` of the keys that agree with the prefix above it.
template<class T, class Bits>
__global__ void __launch_bounds__(selection_threads)
    count_digits_kernel(strided_vector<T> keys, index size, const selection<Bits>* state, int shift, unsigned long long* counts) {
  __shared__ unsigned count[selection_threads];
  count[threadIdx.x] = 0;
  __syncthreads();
  const Bits prefix = state->prefix;
  const int above = shift + 8;
  const index step = static_cast<index>(gridDim.x) * selection_threads;
  for (index i = static_cast<index>(blockIdx.x) * selection_threads + static_cast<index>(threadIdx.x); i < size; i += step) {
    const Bits x = ordered_bits<std::remove_const_t<T>>(keys(i), 0);
    // Two shifts: one by all the bits is undefined.
    if (((x ^ prefix) >> (above - 1)) >> 1 == 0) atomicAdd(&count[(x >> shift) & 255], 1u);
  }
  __syncthreads();
  if (count[threadIdx.x] > 0) atomicAdd(&counts[threadIdx.x], static_cast<unsigned long long>(count[threadIdx.x]));
}

/// Finds the digit that holds the rank, and clears the counts. One block.
template<class Bits>
__global__ void __launch_bounds__(selection_threads)
    choose_digit_kernel(selection<Bits>* state, int shift, unsigned long long* counts) {
  static_assert(selection_threads == scan_threads);
  const index mine = static_cast<index>(counts[threadIdx.x]), rank = state->rank;
  counts[threadIdx.x] = 0;
  index total;
  const index smaller = sum_before(mine, total);  // a barrier: every thread has read the rank
  if (rank >= smaller && rank < smaller + mine)
    *state = {static_cast<Bits>(state->prefix | static_cast<Bits>(threadIdx.x) << shift), rank - smaller};
}

template<class Key>
__global__ void finish_selection_kernel(const selection<key_bits<Key>>* state, Key* value) {
  *value = key_of_ordered_bits<Key>(state->prefix);
}

}  // namespace detail

/// See `dispar/backend/order_statistics.hpp`.
template<class T, memory_space S, sort_key Key, memory_space R>
void order_statistics(const gpu& b, vector_view<T, S> keys, std::span<const index> ranks, vector_view<Key, R> values) {
  static_assert(std::is_same_v<std::remove_const_t<T>, Key>, "dispar: order statistics have the type of the keys");
  detail::require_device_memory<S, R>();
  detail::check_ranks(keys.size(), ranks, values.size());
  using bits = detail::key_bits<Key>;
  array<detail::selection<bits>, 1, gpu> state(b, {1});
  array<unsigned long long, 1, gpu> counts(b, {detail::selection_threads});
  const index blocks = (keys.size() + detail::selection_threads - 1) / detail::selection_threads;
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    detail::launch(b, "start_selection_kernel", detail::start_selection_kernel<bits>, 1, detail::selection_threads, state.data(),
                   counts.data(), ranks[r]);
    for (int shift = static_cast<int>(8 * sizeof(bits)) - 8; shift >= 0; shift -= 8) {
      detail::launch(b, "count_digits_kernel", detail::count_digits_kernel<T, bits>,
                     blocks < detail::selection_blocks ? blocks : detail::selection_blocks, detail::selection_threads,
                     detail::strided_of(keys), keys.size(), static_cast<const detail::selection<bits>*>(state.data()), shift,
                     counts.data());
      detail::launch(b, "choose_digit_kernel", detail::choose_digit_kernel<bits>, 1, detail::selection_threads, state.data(),
                     shift, counts.data());
    }
    detail::launch(b, "finish_selection_kernel", detail::finish_selection_kernel<Key>, 1, 1,
                   static_cast<const detail::selection<bits>*>(state.data()),
                   values.data() + static_cast<index>(r) * values.stride(0));
  }
}

DISPAR_NAMESPACE_END
