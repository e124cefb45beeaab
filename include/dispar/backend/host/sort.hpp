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

/// One pass of the radix sort, by the digit at bit `shift` of the ordered bits. False if all keys agree in that digit, and
/// nothing was moved. `counts` holds chunks x digits.
template<class Backend, sort_key Key, class Value>
[[nodiscard]] bool radix_pass(const Backend& b, const chunks& parts, sort_columns<Key, Value> from, sort_columns<Key, Value> to,
                              key_bits<Key> mask, int shift, index* counts) {
  const auto digit = [=](Key key) { return static_cast<std::size_t>((ordered_bits(key, mask) >> shift) & (radix_digits - 1)); };
  for_each_chunk(b, parts, 4, [&](index c, index first, index last) {
    std::array<index, radix_digits> count{};  // on the stack, where no other thread's counts share a cache line
    for (index i = first; i < last; ++i) ++count[digit(from.keys[i])];
    for (index d = 0; d < radix_digits; ++d) counts[c * radix_digits + d] = count[static_cast<std::size_t>(d)];
  });
  // Counts become the places where each chunk's keys of each digit begin.
  index before = 0;
  for (index d = 0; d < radix_digits; ++d) {
    const index smaller = before;
    for (index c = 0; c < parts.count; ++c) before += std::exchange(counts[c * radix_digits + d], before);
    if (before - smaller == parts.size) return false;
  }
  for_each_chunk(b, parts, 16, [&](index c, index first, index last) {
    std::array<index, radix_digits> place;
    for (index d = 0; d < radix_digits; ++d) place[static_cast<std::size_t>(d)] = counts[c * radix_digits + d];
    for (index i = first; i < last; ++i) {
      const Key key = from.keys[i];
      const index at = place[digit(key)]++;
      to.keys[at] = key;
      if constexpr (from.has_values) to.values[at] = from.values[i];
    }
  });
  return true;
}

/// Sorts `size` records; the result lies where they were, `spare` is as much memory again.
template<class Backend, sort_key Key, class Value>
void radix_sort(const Backend& b, index size, sort_columns<Key, Value> records, sort_columns<Key, Value> spare,
                sort_order order) {
  const chunks parts(size);
  array<index, 1, Backend> counts(b, {parts.count * radix_digits});
  auto from = records, to = spare;
  for (int shift = 0; shift < static_cast<int>(8 * sizeof(Key)); shift += radix_bits)
    if (radix_pass(b, parts, from, to, order_mask<Key>(order), shift, counts.data())) std::swap(from, to);
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
