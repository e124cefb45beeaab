#pragma once
/// \file
/// Rows sorted into classes by labels: what losses with labels read of them.

#include <array>
#include <concepts>
#include <cstdint>

#include "dispar/backend/array.hpp"
#include "dispar/backend/scan.hpp"
#include "dispar/backend/sort.hpp"
#include "dispar/backend/step.hpp"
#include "dispar/backend/strided_vector.hpp"
#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// Labels of rows: a vector of 32 or 64-bit signed integers of any value; rows with equal labels are of one class.
template<class L>
concept label_vector = viewable<const std::remove_cvref_t<L>> && view_type<L>::rank == 1 &&
                       (std::same_as<value_type_of<L>, std::int32_t> || std::same_as<value_type_of<L>, std::int64_t>);

namespace detail {

/// Classes as steps see them, by row number over all matrices.
struct class_table {
  const index* of;       ///< the row's class: 0, 1, ... in the order of the labels
  const index* members;  ///< row numbers, class by class, ascending within a class
  const index* first;    ///< where the row's class begins in `members`
  const index* size;     ///< rows of its class

  /// How many rows of the row's class have a number below `bound`.
  [[nodiscard]] DISPAR_FN index below(index row, index bound) const {
    const index* const own = members + first[row];
    index low = 0, high = size[row];
    while (low < high) {
      const index middle = (low + high) / 2;
      if (own[middle] < bound)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
};

template<class L>
struct copy_labels {
  dispar::detail::strided_vector<const L> from;
  std::int64_t* to;
  DISPAR_FN void operator()(index i) const { to[i] = static_cast<std::int64_t>(from(i)); }
};
/// 1 where another class begins among sorted rows.
struct mark_classes {
  const std::int64_t* label;
  const index* members;
  index* begins;
  DISPAR_FN void operator()(index at) const { begins[at] = at > 0 && label[members[at]] != label[members[at - 1]] ? 1 : 0; }
};
/// From the classes of sorted rows to what is known of each row.
struct describe_rows {
  const index* members;
  const index* number;  ///< by place among `members`, ascending
  index rows;
  index* of;
  index* first;
  index* size;
  DISPAR_FN void operator()(index at) const {
    const index row = members[at], own = number[at], begin = first_not_below(own);
    of[row] = own;
    first[row] = begin;
    size[row] = first_not_below(own + 1) - begin;
  }
  [[nodiscard]] DISPAR_FN index first_not_below(index wanted) const {
    index low = 0, high = rows;
    while (low < high) {
      const index middle = (low + high) / 2;
      if (number[middle] < wanted)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
};
template<class T>
struct class_as_operand {
  const index* of;
  T* out;
  DISPAR_FN void operator()(index i) const { out[i] = static_cast<T>(of[i]); }
};

/// The classes of the rows of a few matrices, numbered through. Sorted where the labels are; nothing waits. On a GPU it needs
/// `dispar/backend/gpu/sort.hpp`.
template<backend B>
class row_classes {
  using space = typename B::space;

public:
  template<class L, std::size_t Count>
  row_classes(const B& b, const std::array<vector_view<const L, space>, Count>& labels) {
    index rows = 0;
    for (const auto& some : labels) rows += some.size();
    array<std::int64_t, 1, B> label(b, {rows});
    array<index, 1, B> number(b, {rows});
    index at = 0;
    for (const auto& some : labels) {
      for_each_index(b, some.size(), copy_labels<L>{dispar::detail::strided_of(some), label.data() + at});
      at += some.size();
    }
    for (auto* each : std::array{&of_, &members_, &first_, &size_}) *each = array<index, 1, B>(b, {rows});
    sort_indices(b, std::as_const(label).view(), members_.view());
    for_each_index(b, rows, mark_classes{label.data(), members_.data(), number.data()});
    inclusive_scan(b, std::as_const(number).view(), number.view());
    for_each_index(b, rows, describe_rows{members_.data(), number.data(), rows, of_.data(), first_.data(), size_.data()});
  }

  [[nodiscard]] class_table table() const { return {of_.data(), members_.data(), first_.data(), size_.data()}; }

  /// The rows' classes as numbers that operations of pairs compare; exact up to 2^24 rows in float.
  template<class T>
  [[nodiscard]] array<T, 1, B> operand(const B& b) const {
    const index rows = of_.view().size();
    require(sizeof(T) > 4 || rows <= 16777216, "contrastive: labels", "must be at most 2^24 in float", static_cast<double>(rows));
    array<T, 1, B> numbers(b, {rows});
    for_each_index(b, rows, class_as_operand<T>{of_.data(), numbers.data()});
    return numbers;
  }

private:
  array<index, 1, B> of_{}, members_{}, first_{}, size_{};
};

}  // namespace detail

}  // namespace contrastive

DISPAR_NAMESPACE_END
