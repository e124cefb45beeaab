#pragma once
/// \file
/// `order_statistics` on the host: a radix selection from the highest digit down. Keys that share the result's leading digits are
/// copied out, chunk by chunk, and selected from again.

#include <array>
#include <utility>

#include "dispar/backend/host/chunks.hpp"
#include "dispar/backend/order_statistics.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Digits of 11 bits: their counts fill half of a first-level cache.
inline constexpr int selection_bits = 11;
inline constexpr index selection_digits = index{1} << selection_bits;

/// Reads numbers that were copied out.
template<class Bits>
struct load_bits {
  const Bits* x;
  Bits operator()(index i) const { return x[i]; }
};

/// Element number `rank` of the numbers load(0) .. load(size - 1), which agree in all bits from `top` on.
template<class Bits, class Backend, class Load>
[[nodiscard]] Bits select_bits(const Backend& b, index size, const Load& load, index rank, int top) {
  if (top == 0 || size == 1) return load(0);
  const int shift = top > selection_bits ? top - selection_bits : 0;
  const auto digit = [shift](Bits x) { return static_cast<index>((x >> shift) & Bits(selection_digits - 1)); };
  chunks parts(size);
  if (b.each.concurrency() == 1) parts.count = 1;  // saves counts; the result does not depend on it
  array<index, 2, Backend> memory(b, {parts.count, selection_digits});
  const auto counts = memory.view();
  for_each_chunk(b, parts, 4, [&](index c, index first, index last) {
    index* const count = counts.data() + c * selection_digits;
    for (index d = 0; d < selection_digits; ++d) count[d] = 0;
    for (index i = first; i < last; ++i) ++count[digit(load(i))];
  });
  index chosen = -1, smaller = 0, share = 0;
  while (smaller + share <= rank) {
    smaller += share;
    ++chosen;
    share = 0;
    for (index c = 0; c < parts.count; ++c) share += counts(c, chosen);
  }
  index place = 0;
  for (index c = 0; c < parts.count; ++c) place += std::exchange(counts(c, chosen), place);
  array<Bits, 1, Backend> rest(b, {share});
  Bits* const out = rest.data();
  for_each_chunk(b, parts, 4, [&](index c, index first, index last) {
    index at = counts(c, chosen);
    for (index i = first; i < last; ++i)
      if (const Bits x = load(i); digit(x) == chosen) out[at++] = x;
  });
  return select_bits<Bits>(b, share, load_bits<Bits>{out}, rank - smaller, shift);
}

}  // namespace detail

/// See `dispar/backend/order_statistics.hpp`.
template<class Each, class Memory, class T, memory_space S, sort_key Key, memory_space R>
void order_statistics(const tiled_host<Each, Memory>& b, vector_view<T, S> keys, std::span<const index> ranks,
                      vector_view<Key, R> values) {
  static_assert(std::is_same_v<std::remove_const_t<T>, Key>, "dispar: order statistics have the type of the keys");
  detail::require_host_memory<S, R>();
  detail::check_ranks(keys.size(), ranks, values.size());
  const auto load = [&](index i) { return detail::ordered_bits<Key>(keys(i), 0); };
  using bits = detail::key_bits<Key>;
  for (std::size_t r = 0; r < ranks.size(); ++r)
    values(static_cast<index>(r)) = detail::key_of_ordered_bits<Key>(
        detail::select_bits<bits>(b, keys.size(), load, ranks[r], static_cast<int>(8 * sizeof(bits))));
}

DISPAR_NAMESPACE_END
