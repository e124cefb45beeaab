#pragma once
/// \file
/// Which token every row of a batch of logits scores, and how much it counts.

#include <cstdint>

#include "dispar/backend/strided_matrix.hpp"
#include "dispar/backend/strided_vector.hpp"
#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference {

/// What a sequence gets from its tokens: their sum, or the sum divided by their number (by the sum of their weights).
enum class over_tokens { sum, mean };

/// Which tokens count, all in memory that the backend reads. Rows of logits whose token does not count are not even read.
template<memory_space S = host>
struct token_options {
  over_tokens reduce = over_tokens::sum;         ///< as in DPO; `mean` as in SimPO and ORPO
  std::int64_t ignore = -100;                    ///< the label of what does not count: prompt, padding (PyTorch's default)
  bool shift = false;                            ///< row t scores label t + 1, as causal models give logits; false: label t
  vector_view<const std::int64_t, S> lengths{};  ///< labels of each sequence that count, the first ones; null: all
  matrix_view<const double, S> weights{};        ///< per label, 0: does not count; null: all 1
};

/// Logits of a batch: sequences x positions x vocabulary.
template<class X>
concept sequence_logits = viewable<const std::remove_cvref_t<X>> && view_type<X>::rank == 3 &&
                          (real<value_type_of<X>> || storage_number<value_type_of<X>>);

/// Token numbers in rows.
template<class X>
concept token_matrix =
    viewable<const std::remove_cvref_t<X>> && view_type<X>::rank == 2 && std::same_as<value_type_of<X>, std::int64_t>;

/// `as_sequences(logits, batch)`: a matrix of (batch * positions) x vocabulary as batch x positions x vocabulary; nothing is
/// copied. Throws `invalid_argument` unless the rows are a multiple of `batch`.
template<class X>
requires viewable<std::remove_reference_t<X>> &&(decltype(view_of(std::declval<X&>()))::rank == 2)
    [[nodiscard]] constexpr auto as_sequences(X&& logits, index batch) {
  const auto m = view_of(logits);
  using M = decltype(m);
  require(batch > 0 && m.rows() % batch == 0, "as_sequences: batch", "must divide the number of rows",
          static_cast<double>(batch));
  const index time = m.rows() / batch;
  return tensor_view<typename M::element_type, 3, typename M::space>(m.data(), {batch, time, m.cols()},
                                                                     {time * m.stride(0), m.stride(0), m.stride(1)});
}

namespace detail {

/// `token_options` and labels where kernels see them. Rows are numbered sequence by sequence, from `first` on.
struct token_targets {
  dispar::detail::strided<const std::int64_t> labels;
  dispar::detail::strided<const double> weights;
  dispar::detail::strided_vector<const std::int64_t> lengths;
  std::int64_t ignore;
  index time;       // positions of a sequence
  index shift;      // 0 or 1
  index first = 0;  // the sequence of row 0

  DISPAR_FN index sequence(index row) const { return first + row / time; }
  DISPAR_FN std::int64_t label(index row) const { return labels(sequence(row), row % time + shift); }
  /// 0 where nothing counts; only elsewhere there is a label.
  DISPAR_FN double weight(index row) const {
    const index s = sequence(row), t = row % time + shift;
    if (t >= time || (lengths.data != nullptr && t >= static_cast<index>(lengths(s))) || labels(s, t) == ignore) return 0;
    return weights.data != nullptr ? weights(s, t) : 1;
  }
};

/// Checks shapes.
template<class Labels, class S>
[[nodiscard]] token_targets targets_of(const std::array<index, 3>& logits, const Labels& labels, const token_options<S>& o) {
  require(labels.rows() == logits[0], "labels: rows", "must be as many as sequences of logits",
          static_cast<double>(labels.rows()));
  require(labels.cols() == logits[1], "labels: columns", "must be as many as positions of logits",
          static_cast<double>(labels.cols()));
  require(logits[2] > 0, "logits: vocabulary", "must have at least 1 token");
  if (o.weights) {
    require(o.weights.rows() == logits[0], "weights: rows", "must be those of the labels", static_cast<double>(o.weights.rows()));
    require(o.weights.cols() == logits[1], "weights: columns", "must be those of the labels",
            static_cast<double>(o.weights.cols()));
  }
  if (o.lengths)
    require(o.lengths.size() == logits[0], "lengths", "must have one entry per sequence", static_cast<double>(o.lengths.size()));
  using dispar::detail::strided_of;
  return {strided_of(labels), strided_of(o.weights), strided_of(o.lengths), o.ignore, logits[1], o.shift ? 1 : 0};
}

/// Whether row t of every sequence is at one distance from the next: the batch is a matrix.
template<class View>
[[nodiscard]] bool is_one_matrix(const View& x) {
  return !x || x.extent(0) <= 1 || x.stride(0) == x.extent(1) * x.stride(1);
}
/// Sequences [first, first + count) as rows.
template<class T, class S>
[[nodiscard]] matrix_view<T, S> rows_of(const tensor_view<T, 3, S>& x, index first, index count) {
  if (!x) return {};
  return {x.data() + first * x.stride(0), {count * x.extent(1), x.extent(2)}, {x.stride(1), x.stride(2)}};
}

}  // namespace detail

}  // namespace preference

DISPAR_NAMESPACE_END
