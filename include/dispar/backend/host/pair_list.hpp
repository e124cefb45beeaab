#pragma once

#include "dispar/backend/host/pairwise.hpp"

DISPAR_NAMESPACE_BEGIN

/// Runs `operation` on chosen pairs: diagonals, matched pairs, incomplete statistics. Output o of pair p goes to out(p, o),
/// that of member f to out(p, f * outputs + o).
/// `pair_at(p)` gives the p-th `row_pair`, so that a list need not exist in memory.
///
/// Time: count x features, without the reuse that tiles have; memory: none.
template<class Each, class Memory, class Data, class Operation, class PairAt>
void pair_list(const tiled_host<Each, Memory>& b, const Data& data, const Operation& operation, index count,
               const PairAt& pair_of, std::span<const vector_view<const typename Data::value_type>> operands,
               matrix_view<double> out) {
  using T = typename Data::value_type;
  using S = detail::scalar_pack<T>;
  constexpr index chunk = 256;
  require(operands.size() == static_cast<std::size_t>(Operation::operands), "pair_list: operands", "must match the operation",
          static_cast<double>(operands.size()));
  for (const auto& operand : operands)
    require(operand.size() == data.rows(), "pair_list: operand", "must have one entry per row",
            static_cast<double>(operand.size()));
  require(out.rows() == count, "pair_list: rows of out", "must be the pairs", static_cast<double>(out.rows()));
  require(out.cols() == members_of(operation) * Operation::outputs, "pair_list: cols of out", "must be the outputs",
          static_cast<double>(out.cols()));
  const auto packed = [&](index row) {
    int s = data.segments() - 1;
    while (s > 0 && row < data.first(s)) --s;
    return data.first_packed(s) + row - data.first(s);
  };
  b.run((count + chunk - 1) / chunk, static_cast<double>(count) * data.pair_cost(), [&](index task) noexcept {
    for (index p = task * chunk; p < count && p < (task + 1) * chunk; ++p) {
      const row_pair pair = pair_of(p);
      vec<S, Data::channels> d;
      for (int c = 0; c < Data::channels; ++c) d[c] = S(data.distance(c, packed(pair.i), packed(pair.j)));
      pair_at<S, Operation::operands> at{};
      at.block = pair.block;
      at.matched = S(0) == S(1);
      for (int o = 0; o < Operation::operands; ++o) {
        at.row[o] = S(operands[static_cast<std::size_t>(o)](pair.i));
        at.col[o] = S(operands[static_cast<std::size_t>(o)](pair.j));
      }
      for (at.member = 0; at.member < members_of(operation); ++at.member) {
        const auto result = operation(d, at);
        for (int o = 0; o < Operation::outputs; ++o) {
          T value;
          result[o].store(&value);
          out(p, at.member * Operation::outputs + o) = static_cast<double>(value);
        }
      }
    }
  });
}

DISPAR_NAMESPACE_END
