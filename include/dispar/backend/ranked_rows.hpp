#pragma once
/// \file
/// Ranked rows: rows of logits or scores seen in the order of their values, the largest first, equal ones by position. Top-k,
/// nucleus and threshold selection, and draws, without a sort. Shared by every backend that `has_rows`:
///
///     run_ranked_rows(backend, program, x);      // program(row) for every row of x, rows x columns
///
/// A *program* is a trivially copyable functor, `template<class Row> DISPAR_FN void operator()(Row& row) const`. On the host a
/// thread runs it, on a GPU all threads of a block together: all take the same branches, and what is not a member of the row is
/// written by one, `if (row.leads())`. It sees a row that begins with all its elements and keeps fewer and fewer, always those
/// at or before some place in the order:
///
///     row.number(), row.size()         which row, and how many elements it has
///     row.best()                       the first element: value and position; position -1 where the row has none (below)
///     row.keep_first(k)                keeps the first k >= 1
///     row.keep_mass(p, scale)          keeps the first ones up to a share of the mass: element i of the order stays where i = 1
///                                      or C_(i-1) < p C, C_i being the running sum of the masses, C that of all kept so far
///     row.keep_at_least(value)         keeps what is not below the value, and always the first
///     row.last()                       the last one kept: element (v, j) is kept where x > v, or x = v and its position <= j
///     row.mass(scale)                  C, the sum of the masses
///     row.draw(u, scale)               the smallest position whose sum of masses in the order of positions exceeds u C
///     row.change(ids, function)        see below
///     row.write(out, function)         out(j) = function(x_j, kept), x_j a `lane`; out may be x itself
///
/// The *mass* of x is exp(scale (x - best)). Masses are computed in the type of the elements and summed in double (on a GPU: in
/// integers of 2^-62 (columns <= 2^k: 2^(k-62)) of the first element's mass). Shares are thus off by some 1e-16, in float by
/// 1e-7 of each mass; sums of representable masses, such as those of equal elements, are exact.
///
/// `change(ids, function)`: for every distinct position among the ids that a row has, x_j = function(x_j, how often j occurs).
/// Positions outside of the row are skipped. For programs on mutable views, before anything else is asked of a row.
///
/// **Rows without an order.** A row that holds NaN or plus infinity, or nothing but minus infinity: `best().at` is -1, nothing
/// is kept, `draw` gives -1, the mass is NaN.
///
/// **Reproducible.** A row's results depend on its elements alone: the same bits for any number of threads and on all host
/// backends; on a GPU from run to run.
///
/// Time: one pass over the row for the best element; the first k cost little more where k is at most a 256th of the columns (the
/// maxima of groups bound the k-th element), else and for masses one or two passes. What follows a selection that left few
/// elements costs next to nothing. Memory: on the host about 32 bytes per column and thread, touched where needed; none on a
/// GPU, but what `change` counts in.

#include <cstdint>

#include "dispar/backend/backend.hpp"
#include "dispar/backend/sort_key.hpp"
#include "dispar/backend/strided_matrix.hpp"
#include "dispar/backend/strided_vector.hpp"
#include "dispar/core/error.hpp"
#include "dispar/core/lane.hpp"
#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

/// An element of a row and its position, -1 for none.
template<class C>
struct ranked_element {
  C value;   ///< as it is computed with
  index at;  ///< its column
};

/// Ids in rows: `count(i)` of them, or all columns, at i, 0 and on.
struct id_rows {
  detail::strided<const std::int64_t> id{};             ///< null: none
  detail::strided_vector<const std::int64_t> length{};  ///< per row; null: all columns
  index columns = 0;                                    ///< of the matrix of ids

  /// How many a row has.
  [[nodiscard]] DISPAR_FN index count(index row) const {
    if (id.data == nullptr) return 0;
    if (length.data == nullptr) return columns;
    const auto n = static_cast<index>(length(row));
    return n < 0 ? 0 : n > columns ? columns : n;
  }
};

/// A backend without the capability says so.
template<backend B, class... Arguments>
requires(!has_rows<B>) void run_ranked_rows(const B&, const Arguments&...) {
  static_assert(has_rows<B>, "dispar: this backend cannot rank rows: it has no member has_rows = true");
}

namespace detail {

/// Positions fit into 32 bits.
template<class View>
void check_ranked(const View& x) {
  require(x.cols() > 0 || x.rows() == 0, "ranked rows: number of columns", "must be at least 1", static_cast<double>(x.cols()));
  require(x.cols() <= 2147483647, "ranked rows: number of columns", "must be below 2^31", static_cast<double>(x.cols()));
}

/// Counts of ids by open addressing: a table of at least twice as many entries as there are ids, a power of two.
struct id_count {
  std::int32_t id;     ///< -1: an empty entry
  std::int32_t count;  ///< how often it occurs
};
[[nodiscard]] DISPAR_FN index id_table_size(index ids) {
  index size = 2;
  while (size < 2 * ids) size *= 2;
  return size;
}
/// Where the search for an id begins.
[[nodiscard]] DISPAR_FN index id_place(std::int64_t id, index table_size) {
  return static_cast<index>((static_cast<std::uint64_t>(id) * 0x9E3779B97F4A7C15u) >> 32) & (table_size - 1);
}

/// How far to shift the differences of keys from the largest of a range down, so that 2^bits buckets hold them.
template<class Bits>
[[nodiscard]] DISPAR_FN int bucket_shift(Bits range, int bits) {
  int shift = 0;
  while ((range >> shift) >> bits != 0) ++shift;
  return shift;
}

inline constexpr double log2_of_e = 1.44269504088896340735992468100;

}  // namespace detail

DISPAR_NAMESPACE_END
