#pragma once
/// \file
/// Folds: reductions whose state can be merged, so that rows split over lanes, tiles, threads, devices and machines.

/// \namespace dispar::folds
/// Reductions of a row into a state that can be merged.

#include <concepts>
#include <type_traits>

#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

/// A reduction of a row of `value_type` into a `state`.
///
/// - `identity()`: the state of no elements.
/// - `lane(state, value, at)`: one more element, number `at` of its row: what a GPU lane does in registers.
/// - `block(values, count, first)`: the state of `count` contiguous elements, the first being number `first` of its row.
///   Meant for tiles that fit in cache (`fold_tile`): it may read them twice.
/// - `merge(into, from)`: the state of both. Associative up to rounding, exactly commutative where the elements are disjoint.
/// - `finalize(state)`: the result.
///
/// States travel by shuffles and through shared memory: trivially copyable, in words of 4 bytes, without padding.
template<class F>
concept fold = std::is_trivially_copyable_v<typename F::state> && sizeof(typename F::state) % 4 == 0 &&
               requires(const F f, typename F::state& into, const typename F::state& from, const typename F::value_type* values,
                        index at) {
  { f.identity() } -> std::same_as<typename F::state>;
  f.lane(into, *values, at);
  { f.block(values, at, at) } -> std::same_as<typename F::state>;
  f.merge(into, from);
  f.finalize(from);
};

/// Elements that `accumulate` gives to `block` at a time. Part of the result's bits, so a constant.
inline constexpr index fold_tile = 1024;

/// Folds the elements of the vector `x`, the first being number `first` of its row, into `state`: tiles in order. The same
/// bits for any layout of `x`. O(n) time; a strided view is gathered tile by tile.
///
///     folds::log_sum_exp<float> f;
///     auto state = f.identity();
///     accumulate(f, part_one, state), accumulate(f, part_two, state, part_one.size());
///     double value = f.finalize(state);
template<fold F, vector_like X>
requires std::same_as<typename F::value_type, value_type_of<X>>
void accumulate(const F& f, const X& x, typename F::state& state, index first = 0) {
  static_assert(reachable<space_of<X>, host>, "dispar: accumulate runs on the host and needs a vector that the host can read");
  const view_type<X> view = view_of(x);
  typename F::value_type gathered[static_cast<std::size_t>(fold_tile)];
  for (index begin = 0; begin < view.size(); begin += fold_tile) {
    const index count = view.size() - begin < fold_tile ? view.size() - begin : fold_tile;
    const typename F::value_type* tile = view.data() + begin * view.stride(0);
    if (view.stride(0) != 1) {
      for (index i = 0; i < count; ++i) gathered[i] = view(begin + i);
      tile = gathered;
    }
    f.merge(state, f.block(tile, count, first + begin));
  }
}

/// The result of a fold over one vector: `double total = reduce(folds::sum<float>{}, x);`
template<fold F, vector_like X>
[[nodiscard]] auto reduce(const F& f, const X& x) {
  auto state = f.identity();
  accumulate(f, x, state);
  return f.finalize(state);
}

DISPAR_NAMESPACE_END
