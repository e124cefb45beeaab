#pragma once
/// \file
/// The vocabulary of sorting, shared by every backend that `has_sort`:
///
///     sort_keys(backend, keys, sorted);                                         // sorted may be keys
///     sort_keys(backend, keys, sorted, sort_order::descending);
///     sort_pairs(backend, keys, values, sorted_keys, sorted_values);            // values move along with their keys
///     sort_indices(backend, keys, indices);                                     // argsort: keys(indices(0)) comes first
///
/// All arguments are vector views that the backend can reach, of one length, with any stride. An output may be the input of the
/// same type, and must not overlap it otherwise. Keys are `sort_key` (float, double, 32 and 64-bit integers), values any
/// trivially copyable type, indices 32 or 64-bit integers.
///
/// **Order.** Stable: equal keys keep the order of the input. -0 equals 0. NaN comes last, ascending and descending, and all NaNs
/// are equal; they come back as NaN, on a GPU without their sign and payload. So the result is unique: the same on every backend
/// and for any number of threads.
///
/// **Cost.** A radix sort by 8 bits: O(n) time, at most 4 passes for 32-bit and 8 for 64-bit keys; digits in which all keys agree
/// are skipped on the host. Memory: one copy of keys and values beyond the outputs, on the host two of what has a stride other
/// than 1, on a GPU two and CUB's. Nothing waits on a GPU.
///
/// Throws `invalid_argument` for lengths that differ, and for more elements than indices of that type can count.

#include "dispar/backend/backend.hpp"
#include "dispar/backend/sort_key.hpp"
#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

/// A backend without the capability says so, and so does one whose overloads are in a header that was not included.
///@{
template<backend B, class... Arguments>
void sort_keys(const B&, const Arguments&...) {
  static_assert(has_sort<B>, "dispar: this backend cannot sort: it has no member has_sort = true");
  static_assert(!has_sort<B>,
                "dispar: sort_keys takes vector views; that of gpu is in dispar/backend/gpu/sort.hpp, to be included");
}
template<backend B, class... Arguments>
void sort_pairs(const B&, const Arguments&...) {
  static_assert(has_sort<B>, "dispar: this backend cannot sort: it has no member has_sort = true");
  static_assert(!has_sort<B>,
                "dispar: sort_pairs takes vector views; that of gpu is in dispar/backend/gpu/sort.hpp, to be included");
}
template<backend B, class... Arguments>
void sort_indices(const B&, const Arguments&...) {
  static_assert(has_sort<B>, "dispar: this backend cannot sort: it has no member has_sort = true");
  static_assert(!has_sort<B>,
                "dispar: sort_indices takes vector views; that of gpu is in dispar/backend/gpu/sort.hpp, to be included");
}
///@}

namespace detail {

/// Stands for the values where only keys are sorted.
struct no_values {};

inline void require_sort_sizes(index keys, index other, const char* name) {
  require(other == keys, name, "must have the length of the keys", static_cast<double>(other));
}

template<class Index>
void require_countable(index count) {
  static_assert(std::is_same_v<Index, std::int32_t> || std::is_same_v<Index, std::int64_t>,
                "dispar: indices are 32 or 64-bit signed integers");
  require(sizeof(Index) == 8 || count <= 2147483647, "sort_indices: keys", "must be fewer than 2^31 for 32-bit indices",
          static_cast<double>(count));
}

}  // namespace detail

DISPAR_NAMESPACE_END
