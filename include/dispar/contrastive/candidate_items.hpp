#pragma once
/// \file
/// Which rows take part in a softmax loss of matched pairs, and which are no negatives of one another.

#include <array>
#include <cstdint>
#include <utility>

#include "dispar/backend/array.hpp"
#include "dispar/backend/step.hpp"
#include "dispar/backend/strided_vector.hpp"
#include "dispar/core/error.hpp"
#include "dispar/core/vec.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive::detail {

using dispar::detail::strided_vector;

/// What the pairs and the further negatives show, by number; a negative number: nothing, the row is padding.
template<memory_space S>
struct candidate_items {
  vector_view<const std::int64_t, S> pairs{};      ///< of both rows of every pair; the null view: all different
  vector_view<const std::int64_t, S> negatives{};  ///< of every further negative; the null view: none that a pair shows
  [[nodiscard]] explicit operator bool() const { return pairs || negatives; }
  void check(index pair_count, index negative_count) const {
    if (pairs)
      require(pairs.size() == pair_count, "contrastive: items", "must be one per pair", static_cast<double>(pairs.size()));
    if (negatives)
      require(negatives.size() == negative_count, "contrastive: negative_items", "must be one per further negative",
              static_cast<double>(negatives.size()));
  }
};

/// Where the two rows of a pair have these numbers: 0 if they are no candidates of one another. 0 is padding, equal numbers are
/// the same item; products of numbers up to 2^24 are 0 in no other case.
template<class V>
[[nodiscard]] DISPAR_FN V apart_or_zero(V row, V col) {
  return row * col * (row - col);
}

struct copy_items {
  strided_vector<const std::int64_t> from;
  std::int64_t* to;
  DISPAR_FN void operator()(index i) const { to[i] = from(i); }
};

/// Items as numbers that operations of pairs compare: 0 for padding, else 1 + the first pair that shows the item. No sort, which
/// on a GPU takes a header of its own: n^2 comparisons are nothing beside the n^2 d products. Where pairs are one row each, these
/// come first, and the negatives at once.
template<class T>
struct number_items {
  const std::int64_t* of_pairs;  ///< null: all different
  strided_vector<const std::int64_t> of_negatives;
  index pairs;
  bool two_rows;  ///< pairs have a row in x and one in y
  T* out;         ///< of the rows of x, of y, of further negatives
  DISPAR_FN void operator()(index i) const {
    const bool pair = i < pairs;
    T number = static_cast<T>((pair ? i : pairs) + 1);
    if (pair ? of_pairs != nullptr : of_negatives.data != nullptr) {
      const std::int64_t item = pair ? of_pairs[i] : of_negatives(i - pairs);
      if (item < 0)
        number = T(0);
      else if (of_pairs != nullptr)
        number = static_cast<T>(first_of(item, pair ? i : pairs) + 1);
    }
    if (two_rows) out[pairs + i] = number;
    if (pair || !two_rows) out[i] = number;
  }
  /// The first of `count` pairs that shows it, else `count`.
  [[nodiscard]] DISPAR_FN index first_of(std::int64_t item, index count) const {
    constexpr int step = 32;
    index i = 0;
    for (; i + step <= count; i += step) {
      int found = 0;
      for (int l = 0; l < step; ++l) found |= of_pairs[i + l] == item ? 1 : 0;
      if (found != 0) break;
    }
    while (i < count && of_pairs[i] != item) ++i;
    return i;
  }
};
template<class T>
struct mark_pairs {
  const T* number;
  double* counts;
  DISPAR_FN void operator()(index i) const { counts[i] = number[i] > T(0) ? 1 : 0; }
};

/// The numbers of all rows, and how many pairs of two rows are no padding; nothing without items.
template<class T, backend B>
struct item_numbers {
  using space = typename B::space;
  array<T, 1, B> number;
  array<double, 1, B> counted;

  item_numbers() = default;
  template<memory_space S>
  item_numbers(const B& b, const candidate_items<S>& items, index pairs, index negatives, bool two_rows = true) {
    static_assert(reachable<S, space>, "dispar: this backend cannot reach the memory of the items");
    if (!items) return;
    require(sizeof(T) > 4 || pairs < 16777216, "contrastive: items", "must be less than 2^24 in float",
            static_cast<double>(pairs));
    number = array<T, 1, B>(b, {(two_rows ? 2 : 1) * pairs + negatives});
    array<std::int64_t, 1, B> of_pairs;
    if (items.pairs) {
      of_pairs = array<std::int64_t, 1, B>(b, {pairs});
      for_each_index(b, pairs, copy_items{dispar::detail::strided_of(items.pairs), of_pairs.data()});
    }
    const double comparisons = static_cast<double>(pairs) * static_cast<double>(pairs + negatives);
    for_each_index(b, pairs + negatives, items.pairs ? comparisons / 8 : 1,
                   number_items<T>{of_pairs.data(), dispar::detail::strided_of(items.negatives), pairs, two_rows, number.data()});
    if (!two_rows) return;
    counted = array<double, 1, B>(b, {1});
    array<double, 2, B> counts(b, {pairs, 1});
    for_each_index(b, pairs, mark_pairs<T>{number.data(), counts.data()});
    column_sums(b, std::as_const(counts).view(), counted.view());
  }
};

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
