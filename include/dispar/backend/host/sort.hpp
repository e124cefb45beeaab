#pragma once
/// \file
/// `sort_keys`, `sort_pairs` and `sort_indices` on the host: a radix sort from the lowest digit up, whose passes count and move
/// chunk by chunk. A stable sort has one result, so the chunks do not show in it.

#include <array>
#include <utility>

#include "dispar/backend/host/chunks.hpp"
#include "dispar/backend/sort.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Keys and their values, each dense.
template<sort_key Key, class Value>
struct sort_columns {
  Key* keys = nullptr;
  Value* values = nullptr;
  static constexpr bool has_values = !std::is_same_v<Value, no_values>;
};

inline constexpr int radix_bits = 8;
inline constexpr index radix_digits = index{1} << radix_bits;

/// Digit number `which` of ordered bits, the lowest first.
template<class Bits>
[[nodiscard]] inline index radix_digit(Bits x, int which) {
  return static_cast<index>((x >> (which * radix_bits)) & Bits(radix_digits - 1));
}

/// Turns counts (chunks x digits) into the places where each chunk's keys of each digit go. False if all keys share one digit.
[[nodiscard]] inline bool counts_to_places(const chunks& parts, index* counts) {
  index before = 0;
  for (index d = 0; d < radix_digits; ++d) {
    const index smaller = before;
    for (index c = 0; c < parts.count; ++c) before += std::exchange(counts[c * radix_digits + d], before);
    if (before - smaller == parts.size) return false;
  }
  return true;
}

/// Moves records to their places by digit number `which`, chunk by chunk.
template<class Backend, sort_key Key, class Value>
void move_by_digit(const Backend& b, const chunks& parts, sort_columns<Key, Value> from, sort_columns<Key, Value> to,
                   key_bits<Key> mask, int which, const index* places) {
  for_each_chunk(b, parts, 16, [&](index c, index first, index last) {
    std::array<index, radix_digits> place;  // on the stack, where no other thread's places share a cache line
    for (index d = 0; d < radix_digits; ++d) place[static_cast<std::size_t>(d)] = places[c * radix_digits + d];
    for (index i = first; i < last; ++i) {
      const Key key = from.keys[i];
      const index at = place[static_cast<std::size_t>(radix_digit(ordered_bits(key, mask), which))]++;
      to.keys[at] = key;
      if constexpr (from.has_values) to.values[at] = from.values[i];
    }
  });
}

/// Sorts `size` records; the result lies where they were, `spare` is as much memory again.
template<class Backend, sort_key Key, class Value>
void radix_sort(const Backend& b, index size, sort_columns<Key, Value> records, sort_columns<Key, Value> spare,
                sort_order order) {
  constexpr int digits = static_cast<int>(sizeof(Key));
  const key_bits<Key> mask = order_mask<Key>(order);
  chunks parts(size);
  // The counts of all records do not change as these move: one thread counts all digits at once. Those of a chunk do.
  const bool alone = parts.count == 1 || b.each.concurrency() == 1;
  if (alone) parts.count = 1;
  array<index, 1, Backend> memory(b, {(alone ? digits : parts.count) * radix_digits});
  index* const counts = memory.data();
  if (alone) {
    for (index c = 0; c < digits * radix_digits; ++c) counts[c] = 0;
    for (index i = 0; i < size; ++i) {
      const auto x = ordered_bits(records.keys[i], mask);
      DISPAR_UNROLL
      for (int d = 0; d < digits; ++d) ++counts[d * radix_digits + radix_digit(x, d)];
    }
  }
  auto from = records, to = spare;
  for (int which = 0; which < digits; ++which) {
    index* const places = alone ? counts + which * radix_digits : counts;
    if (!alone)
      for_each_chunk(b, parts, 4, [&](index c, index first, index last) {
        std::array<index, radix_digits> count{};
        for (index i = first; i < last; ++i)
          ++count[static_cast<std::size_t>(radix_digit(ordered_bits(from.keys[i], mask), which))];
        for (index d = 0; d < radix_digits; ++d) places[c * radix_digits + d] = count[static_cast<std::size_t>(d)];
      });
    if (!counts_to_places(parts, places)) continue;
    move_by_digit(b, parts, from, to, mask, which, places);
    std::swap(from, to);
  }
  if (from.keys == records.keys) return;
  for_each_chunk(b, parts, 1, [&](index, index first, index last) {
    for (index i = first; i < last; ++i) records.keys[i] = from.keys[i];
    if constexpr (from.has_values)
      for (index i = first; i < last; ++i) records.values[i] = from.values[i];
  });
}

/// A vector's memory where it is dense, own memory where not or where there is no vector.
template<class T, class Backend>
class dense_column {
public:
  dense_column(const Backend& b, index size, vector_view<T> target) : target_(target), data_(target.data()) {
    if (target && (target.stride(0) == 1 || size < 2)) return;
    own_ = array<T, 1, Backend>(b, {size});
    data_ = own_.data();
  }
  [[nodiscard]] T* data() const { return data_; }
  template<class Load>
  void fill(const Backend& b, const chunks& parts, const Load& load) const {
    for_each_chunk(b, parts, 1, [&](index, index first, index last) {
      for (index i = first; i < last; ++i) data_[i] = load(i);
    });
  }
  void deliver(const Backend& b, const chunks& parts) const {
    if (!target_ || data_ == target_.data()) return;
    for_each_chunk(b, parts, 1, [&](index, index first, index last) {
      for (index i = first; i < last; ++i) target_(i) = data_[i];
    });
  }

private:
  vector_view<T> target_;
  array<T, 1, Backend> own_;
  T* data_;
};

template<class T, memory_space S>
[[nodiscard]] vector_view<T> on_host(const vector_view<T, S>& x) {
  return {x.data(), x.extents(), x.strides()};
}

/// Sorts the keys with the values that `load` gives; a null view of sorted keys: they are not wanted.
template<class Backend, sort_key Key, class Value, class Load>
void sort_columns_by_key(const Backend& b, vector_view<const Key> keys, const Load& load, vector_view<Key> sorted_keys,
                         vector_view<Value> sorted_values, sort_order order) {
  const index size = keys.size();
  if (size == 0) return;
  const chunks parts(size);
  const dense_column<Key, Backend> key(b, size, sorted_keys);
  if (!(key.data() == keys.data() && keys.stride(0) == 1)) key.fill(b, parts, [&](index i) { return keys(i); });
  array<Key, 1, Backend> spare_keys(b, {size});
  if constexpr (std::is_same_v<Value, no_values>) {
    radix_sort<Backend, Key, no_values>(b, size, {key.data()}, {spare_keys.data()}, order);
  } else {
    const dense_column<Value, Backend> value(b, size, sorted_values);
    value.fill(b, parts, load);
    array<Value, 1, Backend> spare_values(b, {size});
    radix_sort<Backend, Key, Value>(b, size, {key.data(), value.data()}, {spare_keys.data(), spare_values.data()}, order);
    value.deliver(b, parts);
  }
  key.deliver(b, parts);
}

}  // namespace detail

/// See `dispar/backend/sort.hpp`.
///@{
template<class Each, class Memory, class T, memory_space S, sort_key Key, memory_space R>
void sort_keys(const tiled_host<Each, Memory>& b, vector_view<T, S> keys, vector_view<Key, R> sorted,
               sort_order order = sort_order::ascending) {
  static_assert(std::is_same_v<std::remove_const_t<T>, Key>, "dispar: sorted keys have the type of the keys");
  detail::require_host_memory<S, R>();
  detail::require_sort_sizes(keys.size(), sorted.size(), "sort_keys: sorted");
  detail::sort_columns_by_key(b, vector_view<const Key>(detail::on_host(keys)), detail::no_values{}, detail::on_host(sorted),
                              vector_view<detail::no_values>(), order);
}

template<class Each, class Memory, class T, class V, sort_key Key, class Value, memory_space S, memory_space SV, memory_space R,
         memory_space RV>
void sort_pairs(const tiled_host<Each, Memory>& b, vector_view<T, S> keys, vector_view<V, SV> values,
                vector_view<Key, R> sorted_keys, vector_view<Value, RV> sorted_values, sort_order order = sort_order::ascending) {
  static_assert(std::is_same_v<std::remove_const_t<T>, Key> && std::is_same_v<std::remove_const_t<V>, Value>,
                "dispar: sorted keys and values have the types of the keys and values");
  static_assert(std::is_trivially_copyable_v<Value>, "dispar: values that are sorted must be trivially copyable");
  detail::require_host_memory<S, SV, R, RV>();
  detail::require_sort_sizes(keys.size(), values.size(), "sort_pairs: values");
  detail::require_sort_sizes(keys.size(), sorted_keys.size(), "sort_pairs: sorted_keys");
  detail::require_sort_sizes(keys.size(), sorted_values.size(), "sort_pairs: sorted_values");
  detail::sort_columns_by_key(
      b, vector_view<const Key>(detail::on_host(keys)), [&](index i) { return values(i); }, detail::on_host(sorted_keys),
      detail::on_host(sorted_values), order);
}

template<class Each, class Memory, class T, memory_space S, class Index, memory_space R>
requires sort_key<std::remove_const_t<T>>
void sort_indices(const tiled_host<Each, Memory>& b, vector_view<T, S> keys, vector_view<Index, R> indices,
                  sort_order order = sort_order::ascending) {
  using Key = std::remove_const_t<T>;
  detail::require_host_memory<S, R>();
  detail::require_sort_sizes(keys.size(), indices.size(), "sort_indices: indices");
  detail::require_countable<Index>(keys.size());
  detail::sort_columns_by_key(
      b, vector_view<const Key>(detail::on_host(keys)), [](index i) { return static_cast<Index>(i); }, vector_view<Key>(),
      detail::on_host(indices), order);
}
///@}

DISPAR_NAMESPACE_END
