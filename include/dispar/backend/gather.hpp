#pragma once
/// \file
/// The vocabulary of random access, shared by every backend that `has_sort`:
///
///     gather(backend, x, at, out);     // out(i) = x(at(i)): elements of a vector, or rows of a matrix
///     scatter(backend, x, at, out);    // out(at(i)) = x(i)
///
/// x and out are two vector views or two matrix views of one element type that the backend can reach, `at` is a vector view of 32
/// or 64-bit indices. out must overlap neither x nor at. Entries of out that no index names are left alone by scatter; where an
/// index repeats there, one of its elements arrives, and which is not promised on a GPU (on the host the last).
///
/// Time O(elements moved), no memory. Throws `invalid_argument` for shapes that do not fit, and on the host for an index outside
/// the rows. On a GPU, where looking would mean to wait, such an index touches no memory: gather writes NaN there (0 in
/// integers), scatter nothing.

#include <concepts>
#include <cstdint>

#include "dispar/backend/backend.hpp"
#include "dispar/backend/strided_vector.hpp"

DISPAR_NAMESPACE_BEGIN

/// A backend without the capability says so.
///@{
template<backend B, class... Arguments>
requires(!has_sort<B>) void gather(const B&, const Arguments&...) {
  static_assert(has_sort<B>, "dispar: this backend cannot gather: it has no member has_sort = true");
}
template<backend B, class... Arguments>
requires(!has_sort<B>) void scatter(const B&, const Arguments&...) {
  static_assert(has_sort<B>, "dispar: this backend cannot scatter: it has no member has_sort = true");
}
///@}

namespace detail {

template<class T>
concept row_index = std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t>;

/// A vector as a matrix of one column, a matrix as it is.
///@{
template<class T, class S>
[[nodiscard]] matrix_view<T, S> as_rows(const vector_view<T, S>& x) {
  return {x.data(), {x.extent(0), 1}, {x.stride(0), 1}};
}
template<class T, class S>
[[nodiscard]] matrix_view<T, S> as_rows(const matrix_view<T, S>& x) {
  return x;
}
///@}

inline void check_gather(index indexed, index rows, index x_cols, index out_cols, const char* name) {
  require(indexed == rows, name, "must have one entry per row that is moved", static_cast<double>(indexed));
  require(x_cols == out_cols, "gather: columns of out", "must be those of x", static_cast<double>(out_cols));
}

}  // namespace detail

DISPAR_NAMESPACE_END
