#pragma once
/// \file
/// The vocabulary of order statistics (the k-th smallest element without a sort), shared by every backend that `has_sort`:
///
///     const std::array<index, 2> ranks{(n - 1) / 2, n / 2};           // the middle
///     order_statistics(backend, keys, ranks, values);                 // values(r): element number ranks[r], ascending, from 0
///
/// keys is a vector view of `sort_key`s that the backend can reach and is left as it is; values is a vector view of the same
/// type; ranks are on the host. The order is that of `sort_keys`: NaN last, -0 equals 0, and a zero comes back as +0. The result
/// is unique: the same on every backend and for any number of threads.
///
/// Time O(n) per rank: on the host keys are read twice and what shares the leading 11 bits with the result again, on a GPU keys
/// are read once per 8 bits. Memory on the host up to two copies of the keys, in the worst case; on a GPU 2 KB. Nothing waits
/// on a GPU. Throws `invalid_argument` for ranks outside [0, n) and for as many values as there are not ranks.

#include <span>

#include "dispar/backend/backend.hpp"
#include "dispar/backend/sort_key.hpp"
#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

/// A backend without the capability says so.
template<backend B, class... Arguments>
requires(!has_sort<B>) void order_statistics(const B&, const Arguments&...) {
  static_assert(has_sort<B>, "dispar: this backend cannot select: it has no member has_sort = true");
}

namespace detail {

inline void check_ranks(index keys, std::span<const index> ranks, index values) {
  require(values == static_cast<index>(ranks.size()), "order_statistics: values", "must be as many as the ranks",
          static_cast<double>(values));
  for (index rank : ranks)
    require(rank >= 0 && rank < keys, "order_statistics: rank", "must lie in [0, number of keys)", static_cast<double>(rank));
}

}  // namespace detail

DISPAR_NAMESPACE_END
