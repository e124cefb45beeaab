#pragma once
/// \file
/// `sort_keys`, `sort_pairs` and `sort_indices` on the GPU: cub::DeviceRadixSort on the context's stream.
///
/// Not part of `dispar/backend/gpu.hpp`: CUB's device-wide sort costs every program that includes it seconds.
/// Compiled (nvcc 13, sm_80 and sm_90) but not run.

#include <cub/device/device_radix_sort.cuh>

#include "dispar/backend/gpu/scan.hpp"
#include "dispar/backend/sort.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

inline constexpr int copy_threads = 256;

/// Keys as CUB has to see them, and the way back. It compares the bits of NaNs, sign first, so they become the one that comes
/// last; it takes zeros for equal itself. With `flip`, which turns the order around, descending is ascending: one sort is
/// compiled instead of two.
template<class T>
struct load_sort_key {
  using key_type = std::remove_const_t<T>;
  strided_vector<T> keys;
  key_bits<key_type> flip;
  DISPAR_FN key_type operator()(index i) const {
    const key_type key = keys(i);
    if constexpr (std::is_floating_point_v<key_type>)
      if (is_nan(key)) return quiet_nan<key_type>();
    return __builtin_bit_cast(key_type, static_cast<key_bits<key_type>>(__builtin_bit_cast(key_bits<key_type>, key) ^ flip));
  }
};
/// What exchanges less and greater: the sign of numbers, all bits of integers.
template<sort_key Key>
[[nodiscard]] key_bits<Key> order_flip(sort_order order) {
  if constexpr (std::is_floating_point_v<Key>)
    return order_mask<Key>(order) & static_cast<key_bits<Key>>(~ieee<Key>::magnitude);
  else
    return order_mask<Key>(order);
}
template<class Index>
struct load_index {
  DISPAR_FN Index operator()(index i) const { return static_cast<Index>(i); }
};

template<class Load, class Out>
__global__ void __launch_bounds__(copy_threads) copy_kernel(Load load, strided_vector<Out> out, index size) {
  const index i = static_cast<index>(blockIdx.x) * copy_threads + static_cast<index>(threadIdx.x);
  if (i < size) out(i) = load(i);
}
template<class Load, class Out>
void copy_elements(const gpu& b, const Load& load, const strided_vector<Out>& out, index size) {
  launch(b, "copy_kernel", copy_kernel<Load, Out>, (size + copy_threads - 1) / copy_threads, copy_threads, load, out, size);
}

/// Two dense buffers between which CUB moves records.
template<class T>
class double_buffer {
  array<T, 1, gpu> first_, second_;

public:
  template<class Load>
  double_buffer(const gpu& b, index size, const Load& load)
      : first_(b, {size}), second_(b, {size}), current(first_.data(), second_.data()) {
    copy_elements(b, load, strided_vector<T>{first_.data(), 1}, size);
  }
  [[nodiscard]] strided_vector<const T> sorted() { return {current.Current(), 1}; }
  cub::DoubleBuffer<T> current;  ///< says which of the two holds the records
};

/// Calls `sort(memory, bytes)` twice, as CUB wants it: first for the size of the working memory.
template<class Sort>
void with_cub_memory(const gpu& b, const char* name, const Sort& sort) {
  std::size_t bytes = 0;
  check_cuda(sort(nullptr, bytes), name);
  array<char, 1, gpu> memory(b, {static_cast<index>(bytes > 0 ? bytes : 1)});
  check_cuda(sort(memory.data(), bytes), name);
}

template<class T, class Load, class Value>
void sort_values_by_key(const gpu& b, strided_vector<T> keys, index size, const Load& load,
                        strided_vector<std::remove_const_t<T>> sorted_keys, strided_vector<Value> sorted_values,
                        sort_order order) {
  if (size == 0) return;
  using Key = std::remove_const_t<T>;
  const key_bits<Key> flip = order_flip<Key>(order);
  double_buffer<Key> key(b, size, load_sort_key<T>{keys, flip});
  double_buffer<Value> value(b, size, load);
  with_cub_memory(b, "cub::DeviceRadixSort::SortPairs", [&](void* memory, std::size_t& bytes) {
    return cub::DeviceRadixSort::SortPairs(memory, bytes, key.current, value.current, size, 0, static_cast<int>(8 * sizeof(Key)),
                                           b.stream());
  });
  if (sorted_keys.data) copy_elements(b, load_sort_key<const Key>{key.sorted(), flip}, sorted_keys, size);
  copy_elements(b, value.sorted(), sorted_values, size);
}

}  // namespace detail

/// See `dispar/backend/sort.hpp`.
///@{
template<class T, memory_space S, sort_key Key, memory_space R>
void sort_keys(const gpu& b, vector_view<T, S> keys, vector_view<Key, R> sorted, sort_order order = sort_order::ascending) {
  static_assert(std::is_same_v<std::remove_const_t<T>, Key>, "dispar: sorted keys have the type of the keys");
  detail::require_device_memory<S, R>();
  const index size = keys.size();
  detail::require_sort_sizes(size, sorted.size(), "sort_keys: sorted");
  if (size == 0) return;
  const auto flip = detail::order_flip<Key>(order);
  detail::double_buffer<Key> key(b, size, detail::load_sort_key<T>{detail::strided_of(keys), flip});
  detail::with_cub_memory(b, "cub::DeviceRadixSort::SortKeys", [&](void* memory, std::size_t& bytes) {
    return cub::DeviceRadixSort::SortKeys(memory, bytes, key.current, size, 0, static_cast<int>(8 * sizeof(Key)), b.stream());
  });
  detail::copy_elements(b, detail::load_sort_key<const Key>{key.sorted(), flip}, detail::strided_of(sorted), size);
}

template<class T, class V, sort_key Key, class Value, memory_space S, memory_space SV, memory_space R, memory_space RV>
void sort_pairs(const gpu& b, vector_view<T, S> keys, vector_view<V, SV> values, vector_view<Key, R> sorted_keys,
                vector_view<Value, RV> sorted_values, sort_order order = sort_order::ascending) {
  static_assert(std::is_same_v<std::remove_const_t<T>, Key> && std::is_same_v<std::remove_const_t<V>, Value>,
                "dispar: sorted keys and values have the types of the keys and values");
  static_assert(std::is_trivially_copyable_v<Value>, "dispar: values that are sorted must be trivially copyable");
  detail::require_device_memory<S, SV, R, RV>();
  detail::require_sort_sizes(keys.size(), values.size(), "sort_pairs: values");
  detail::require_sort_sizes(keys.size(), sorted_keys.size(), "sort_pairs: sorted_keys");
  detail::require_sort_sizes(keys.size(), sorted_values.size(), "sort_pairs: sorted_values");
  detail::sort_values_by_key(b, detail::strided_of(keys), keys.size(), detail::strided_of(values),
                             detail::strided_of(sorted_keys), detail::strided_of(sorted_values), order);
}

template<class T, memory_space S, class Index, memory_space R>
requires sort_key<std::remove_const_t<T>>
void sort_indices(const gpu& b, vector_view<T, S> keys, vector_view<Index, R> indices, sort_order order = sort_order::ascending) {
  using Key = std::remove_const_t<T>;
  detail::require_device_memory<S, R>();
  detail::require_sort_sizes(keys.size(), indices.size(), "sort_indices: indices");
  detail::require_countable<Index>(keys.size());
  detail::sort_values_by_key(b, detail::strided_of(keys), keys.size(), detail::load_index<Index>{}, detail::strided_vector<Key>{},
                             detail::strided_of(indices), order);
}
///@}

DISPAR_NAMESPACE_END
