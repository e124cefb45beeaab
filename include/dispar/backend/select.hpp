#pragma once
/// \file
/// The vocabulary of selection (stream compaction), shared by every backend that `has_sort`:
///
///     select_if(backend, x, keep, out, count);             // the elements for which keep(x(i)), in their order
///     select_indices_if(backend, x, keep, indices, count);   // the indices i of those elements
///
/// `keep` is called as `bool keep(T)` once or twice per element, in any order; user types annotate it with DISPAR_FN. x and out
/// are vector views that the backend can reach, out at least as long as x and apart from it; entries from the count on are left
/// alone. `count` is a `scalar_view<index, Space>`: with it nothing has to wait on a GPU.
///
/// Stable, hence the same result on every backend and for any number of threads. Time O(n). Memory: one number per 2048
/// elements or fewer numbers. Throws `invalid_argument` where out is shorter than x, or the view of the count is null.

#include "dispar/backend/backend.hpp"
#include "dispar/backend/strided_vector.hpp"

DISPAR_NAMESPACE_BEGIN

/// A backend without the capability says so.
///@{
template<backend B, class... Arguments>
requires(!has_sort<B>) void select_if(const B&, const Arguments&...) {
  static_assert(has_sort<B>, "dispar: this backend cannot select: it has no member has_sort = true");
}
template<backend B, class... Arguments>
requires(!has_sort<B>) void select_indices_if(const B&, const Arguments&...) {
  static_assert(has_sort<B>, "dispar: this backend cannot select: it has no member has_sort = true");
}
///@}

namespace detail {

/// 1 for an element that is kept, what positions are sums of.
template<class T, class Keep>
struct kept {
  strided_vector<T> x;
  Keep keep;
  DISPAR_FN index operator()(index i) const { return keep(x(i)) ? 1 : 0; }
};

/// Writes element i, or i itself, to its position.
template<bool Indices, class T, class Out>
struct store_kept {
  strided_vector<T> x;
  strided_vector<Out> out;
  DISPAR_FN void operator()(index i, index before, index after) const {
    if (before == after) return;
    if constexpr (Indices)
      out(before) = static_cast<Out>(i);
    else
      out(before) = static_cast<Out>(x(i));
  }
};

inline void check_select(index x, index out, bool counted) {
  require(out >= x, "select_if: out", "must be at least as long as x", static_cast<double>(out));
  require(counted, "select_if: count", "must not be the null view");
}

}  // namespace detail

DISPAR_NAMESPACE_END
