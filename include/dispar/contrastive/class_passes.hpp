#pragma once
/// \file
/// Passes over pairs of rows that have classes: log-sum-exp of logits apart for rows of the own class and of others, and the
/// gradients that follow from these.

#include "dispar/contrastive/classes.hpp"
#include "dispar/contrastive/gradient_targets.hpp"
#include "dispar/contrastive/softmax_terms.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive::detail {

/// What rows, numbered through over all matrices, know of the pairs they are in.
struct class_states {
  log_sum_exp_state* negatives;  ///< of logits with rows of other classes
  log_sum_exp_state* positives;  ///< of logits with rows of the own class
  double* sums;                  ///< sums of the latter, where the operation has them
};

struct clear_class_states {
  class_states all;
  DISPAR_FN void operator()(index i) const {
    all.negatives[i] = all.positives[i] = folds::log_sum_exp<double>::identity();
    if (all.sums) all.sums[i] = 0;
  }
};

/// The states of a band's rows and of those it met, merged into those of all.
struct merge_class_states {
  class_states from, all;
  index rows, cols, row_count;
  DISPAR_FN void operator()(index i) const {
    const index to = i < row_count ? rows + i : cols + (i - row_count);
    folds::log_sum_exp<double>::merge(all.negatives[to], from.negatives[i]);
    folds::log_sum_exp<double>::merge(all.positives[to], from.positives[i]);
    if (all.sums) all.sums[to] += from.sums[i];
  }
};

/// The number of each matrix's first row.
template<class E, backend B, std::size_t Count>
[[nodiscard]] std::array<index, Count> first_rows(const std::array<embeddings<E, B>, Count>& matrices) {
  std::array<index, Count> first{};
  for (std::size_t m = 1; m < Count; ++m) first[m] = first[m - 1] + matrices[m - 1].count();
  return first;
}

/// The first `Operands` lists of numbers of all rows (`rows` each, one after the other), for the rows of two bands that meet.
template<int Operands, class T, backend B, class Data, std::size_t Count>
[[nodiscard]] array<T, 2, B> operands_of_bands(const B& b, const Data& data, const T* all, index rows,
                                               const std::array<index, Count>& first, const band& r, const band& c) {
  array<T, 2, B> own(b, {Operands, data.rows()});
  for (index o = 0; o < Operands; ++o) {
    const T* const numbers = all + o * rows;
    for_each_index(
        b, data.rows(),
        gather_operands<T>{numbers + first[static_cast<std::size_t>(r.of)] + r.first,
                           numbers + first[static_cast<std::size_t>(c.of)] + c.first, r.count, own.data() + o * data.rows()});
  }
  return own;
}
template<int Operands, class T, backend B>
[[nodiscard]] auto views_of_operands(const array<T, 2, B>& own) {
  const index rows = own.view().cols();
  std::array<vector_view<const T, typename B::space>, static_cast<std::size_t>(Operands)> views{};
  for (std::size_t o = 0; o < views.size(); ++o) views[o] = {own.data() + static_cast<index>(o) * rows, rows};
  return views;
}

/// First pass. Outputs of the operation: logits with other classes, with the own class (of pairs that do not count: minus the
/// largest finite number), and, where it has three, what is summed; its operand is the class.
template<backend B, class Passes, class Operation, class T, std::size_t Count>
void find_class_states(const B& b, Passes& passes, const Operation& operation, const T* classes, index rows,
                       const std::array<index, Count>& first, const class_states& all) {
  using space = typename B::space;
  for_each_index(b, rows, clear_class_states{all});
  passes.for_each([&](const auto& data, const auto& blocks, const band& r, const band& c, bool) {
    const array<T, 2, B> own = operands_of_bands<1>(b, data, classes, rows, first, r, c);
    const auto by_row = views_of_operands<1, T, B>(own);
    const std::span<const vector_view<const T, space>> operands(by_row);
    array<log_sum_exp_state, 2, B> negatives(b, {data.rows(), 1}), positives(b, {data.rows(), 1});
    array<double, 2, B> sums(b, {data.rows(), 1});
    const row_log_sum_exp<0, space> to_negatives{negatives.view()};
    const row_log_sum_exp<1, space> to_positives{positives.view()};
    if constexpr (Operation::outputs == 3)
      pairwise(b, data, operation, blocks, operands, to_negatives, to_positives, row_sums<2, space>{sums.view()});
    else
      pairwise(b, data, operation, blocks, operands, to_negatives, to_positives);
    for_each_index(b, data.rows(),
                   merge_class_states{{negatives.data(), positives.data(), sums.data()},
                                      all,
                                      first[static_cast<std::size_t>(r.of)] + r.first,
                                      first[static_cast<std::size_t>(c.of)] + c.first,
                                      r.count});
  });
}

/// Second pass. Outputs of the operation: the derivative by the similarity, and, where it has two, what `total` gets the sum of.
template<backend B, class Passes, class Operation, class T, class Targets, std::size_t Count>
void add_class_gradients(const B& b, Passes& passes, const Operation& operation, const T* operands, index rows,
                         const std::array<index, Count>& first, const Targets& targets, double* sum) {
  using space = typename B::space;
  constexpr int count = Operation::operands;
  if (sum) in_order(b, clear_number{sum});
  passes.for_each([&](const auto& data, const auto& blocks, const band& r, const band& c, bool) {
    const array<T, 2, B> own = operands_of_bands<count>(b, data, operands, rows, first, r, c);
    const auto by_row = views_of_operands<count, T, B>(own);
    const std::span<const vector_view<const T, space>> all(by_row);
    const bool square = data.segments() == 1;
    const feature_gradient<0, 0, T, 2, space> gradient{
        {targets.of(r), square ? matrix_view<T, space>{} : targets.of(c)}, 1, true};
    if constexpr (Operation::outputs == 2) {
      array<double, 2, B> part(b, {1, 1});
      pairwise(b, data, operation, blocks, all, total<1, 1, space>{part.view()}, gradient);
      for_each_index(b, 1, add_numbers{part.data(), sum});
    } else {
      pairwise(b, data, operation, blocks, all, gradient);
    }
  });
}

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
