#pragma once
/// \file
/// The vocabulary of the pairwise primitive, shared by every backend:
///
///     const auto data = pack_samples<Metric>(backend, segments);
///     pairwise(backend, data, operation, blocks, sinks...);
///
/// `data` holds the rows of several segments (two samples, many groups). Each `pair_block` names two segments whose rows meet
/// pair by pair; an *operation* turns the distances of a pair into outputs, and *sinks* consume the outputs. No n x m matrix
/// exists unless the sink `store` asks for it.
///
/// An operation has `channels`, `outputs`, `operands` (how many of the per-row numbers it reads) and
/// `template<class V, class At> vec<V, outputs> operator()(vec<V, channels> distances, const At& at) const`. Where a null view is
/// given for an operand it reads zeros. A *family* of operations (kernels that differ in their parameters) also has
/// `most_members` and `members()`: it is evaluated that many times from the same distances, `at.member` counting. Its members are
/// a number at run time and compile as one.

#include <concepts>
#include <limits>
#include <span>
#include <string>

#include "dispar/backend/backend.hpp"
#include "dispar/backend/sample.hpp"
#include "dispar/core/folds/extremum.hpp"
#include "dispar/core/folds/log_sum_exp.hpp"
#include "dispar/core/vec.hpp"

DISPAR_NAMESPACE_BEGIN

/// All pairs of the rows of two segments; in a square of a segment with itself, (i, j) and (j, i) are two pairs, (i, i) is one.
/// Sinks along rows count every pair for its row and for its column.
struct pair_block {
  int rows = 0;           ///< number of the segment that gives i
  int cols = 0;           ///< number of the segment that gives j
  bool triangle = false;  ///< rows == cols and only i < j
  int slot = 0;           ///< which column of `row_sums` this block adds to
};

/// One pair by row numbers over all segments; `block` is what the operation sees as its block.
struct row_pair {
  index i;    ///< number of the first row
  index j;    ///< number of the second
  int block;  ///< its block
};

/// What an operation knows of a pair besides its distances.
template<class V, int Operands>
struct pair_at {
  int block;                      ///< position in the list of blocks
  int member;                     ///< which one of a family of operations
  typename V::mask_type matched;  ///< row number equals column number, in a block of two different segments
  vec<V, Operands> row;           ///< the operands of row i
  vec<V, Operands> col;           ///< the operands of row j
};

namespace detail {
template<class Operation>
struct most_members {
  static constexpr int value = 1;
};
template<class Operation>
requires requires { Operation::most_members; }
struct most_members<Operation> {
  static constexpr int value = Operation::most_members;
};
}  // namespace detail

/// How many members a family of operations may have; 1 for a plain operation.
template<class Operation>
inline constexpr int most_members_of = detail::most_members<Operation>::value;

/// How many it has.
template<class Operation>
[[nodiscard]] DISPAR_FN int members_of(const Operation& operation) {
  if constexpr (most_members_of<Operation> == 1)
    return 1;
  else
    return operation.members();
}

/// Sink: per block, the sum of each of the outputs First .. First + Count - 1. `out` is blocks x Count, for a family one such
/// matrix below the other.
template<int First, int Count, memory_space S = host>
struct total {
  /// Which outputs, and where they go.
  ///@{
  static constexpr int first = First, count = Count;
  matrix_view<double, S> out;
  ///@}
};

/// Sink: for every row of every segment (numbered through), the sum of output `Output` over its pairs, by slot of the block.
/// `out` is rows x slots, for a family one such matrix beside the other.
template<int Output, memory_space S = host>
struct row_sums {
  /// Which output, and where it goes.
  ///@{
  static constexpr int output = Output;
  matrix_view<double, S> out;
  ///@}
};

/// Sink: for every row of every segment, log-sum-exp of output `Output` over its pairs, by slot of the block, as states that can
/// be merged: over bands of rows, and over shards of the data. `out` is rows x slots; with `accumulate` it is merged into what is
/// there. Pairs whose output is below `folds::log_sum_exp`'s sentinel count nothing: how an operation leaves pairs out.
template<int Output, memory_space S = host>
struct row_log_sum_exp {
  /// Which output, and where it goes.
  ///@{
  static constexpr int output = Output;
  using fold = folds::log_sum_exp<double>;
  using state = fold::state;
  matrix_view<state, S> out;
  bool accumulate = false;
  ///@}
};

/// Sink: for every row of every segment, the first in an order (`folds::largest_first`, `folds::smallest_first`) of output
/// `Output` over its pairs, by slot of the block, and where: the number of the row met there, counted within that row's segment;
/// the lowest one among equals, whatever the tiles. NaN comes first. `out` is rows x slots; with `accumulate` it is merged into
/// what is there. Position -1 and value 0 where no pair counts: outputs count that come before `row_extremum::bound`, minus a
/// quarter of the largest finite number where the largest is looked for and plus that where the smallest is; so an operation
/// leaves pairs out. States of bands merge by `folds::extremum` once the caller has added the bands' first rows to the positions.
template<int Output, class Order, memory_space S = host>
struct row_extremum {
  static_assert(std::same_as<Order, folds::largest_first> || std::same_as<Order, folds::smallest_first>,
                "dispar: row_extremum takes folds::largest_first or folds::smallest_first");
  /// Which output, and where it goes.
  ///@{
  static constexpr int output = Output;
  using fold = folds::extremum<double, Order>;
  using state = typename fold::state;
  matrix_view<state, S> out;
  bool accumulate = false;
  ///@}
  /// Outputs that do not come before it count nothing.
  template<class T>
  static constexpr T bound = (std::same_as<Order, folds::largest_first> ? -1 : 1) * (std::numeric_limits<T>::max() / 4);
};

namespace detail {
/// What sinks along rows require: a row of `out` for each row, a column for each slot.
template<class Blocks>
void require_row_states(const std::string& sink, index out_rows, index slots, index rows, const Blocks& blocks) {
  require(out_rows == rows, (sink + ": out").c_str(), "must have one row per sample row", static_cast<double>(out_rows));
  for (const auto& block : blocks)
    require(block.slot >= 0 && block.slot < slots, (sink + ": slot").c_str(), "must be a column of out", block.slot);
}
}  // namespace detail

/// Sink: sum over all pairs of w_ip w_jp output_ij for every labelling p of the rows. `labels.rows` and `labels.labels` count
/// both; `labels.expand(target, first_row, count, first_label, label_count, stride)` writes them as numbers, so that they may be
/// kept as bits; a family shares the numbers. The gpu backend takes +1 and -1 only, from bits in its memory (`device_label_view`)
/// or on the host (`label_view`, which it uploads): see `dispar/backend/labels.hpp`. `out` is members x labellings. Memory on the
/// host: 2 KB per labelling and member; on a GPU: a bit per row and labelling, and 32 KB per labelling and member, at most 128
/// MB.
template<int Output, class Labels, memory_space S = host>
struct quadratic_forms {
  /// Which output, by which labels, and where it goes.
  ///@{
  static constexpr int output = Output;
  Labels labels;
  matrix_view<double, S> out;
  ///@}
};

/// Sink: sum over j of output_ij times the derivative of channel `Channel`'s distance by the features of row i, for the rows of
/// both segments of a block. `out[s]` is the gradient for segment s, or the null view; `factor` multiplies it, as does `upstream`
/// unless it is the null view, and with `accumulate` it is added to what is there. Memory on the host: a double for every number
/// of the gradient.
template<int Output, int Channel, class T, int Segments, memory_space S = host>
struct feature_gradient {
  /// See above.
  ///@{
  static constexpr int output = Output, channel = Channel, segments = Segments;
  std::array<matrix_view<T, S>, static_cast<std::size_t>(Segments)> out;
  double factor = 1;
  bool accumulate = false;
  scalar_view<const double, S> upstream{};
  ///@}
};

/// Sink: the matrix of outputs itself, rows and columns numbered through all segments. A triangle is mirrored, its diagonal
/// left alone; so is a block of two different segments: list such a pair of segments once.
template<int Output, class T, memory_space S = host>
struct store {
  /// Which output, and where it goes.
  ///@{
  static constexpr int output = Output;
  matrix_view<T, S> out;
  ///@}
};

/// Sink: the matrix of outputs of pairs of two segments, rows of the one by rows of the other; for one block. `out` is
/// of that shape.
template<int Output, class T, memory_space S = host>
struct store_across {
  /// Which output, and where it goes.
  ///@{
  static constexpr int output = Output;
  matrix_view<T, S> out;
  ///@}
};

/// `data` for several passes over one block: a backend that can keeps the distances of the first for those that follow
/// `data.give()`, in memory for rows x rows numbers. Null: nothing is kept.
template<backend B, class Data>
[[nodiscard]] Data keep_distances(const B&, Data data, const pair_block*) {
  return data;
}

namespace detail {

/// Checks the output of `store_across`.
template<class Sink, class Data>
void require_across(const Sink& sink, const Data& data, std::span<const pair_block> blocks) {
  require(blocks.size() == 1 && !blocks[0].triangle, "store_across: blocks", "must be one, and no triangle");
  require(sink.out.rows() == data.count(blocks[0].rows), "store_across: rows of out", "must be the rows of the first segment",
          static_cast<double>(sink.out.rows()));
  require(sink.out.cols() == data.count(blocks[0].cols), "store_across: cols of out", "must be the rows of the second segment",
          static_cast<double>(sink.out.cols()));
}

}  // namespace detail

DISPAR_NAMESPACE_END
