#pragma once

#include "dispar/backend/gpu/pairwise.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// A pair as the kernel needs it: where the source keeps its rows, and their packed numbers for operands.
struct placed_pair {
  index i, j;
  index packed_i, packed_j;
  int block;
};

inline constexpr int pair_threads = 128;

template<class Source, class Operation>
__global__ void __launch_bounds__(pair_threads)
    pair_list_kernel(Source source, Operation operation,
                     device_operands<typename Source::value_type, Operation::operands> operands, const placed_pair* pairs,
                     index count, strided<double> out) {
  using V = lane<typename Source::value_type>;
  const index p = static_cast<index>(blockIdx.x) * pair_threads + static_cast<index>(threadIdx.x);
  if (p >= count) return;  // no barrier follows
  const placed_pair pair = pairs[p];
  vec<V, Source::channels> d;
  for (int c = 0; c < Source::channels; ++c) d[c] = source.distance(c, pair.i, pair.j);
  pair_at<V, Operation::operands> at{};
  at.block = pair.block;
  at.matched = false;
  for (int o = 0; o < Operation::operands; ++o) {
    at.row[o] = V(operands(o, pair.packed_i));
    at.col[o] = V(operands(o, pair.packed_j));
  }
  for (at.member = 0; at.member < members_of(operation); ++at.member) {
    const auto result = operation(d, at);
    for (int o = 0; o < Operation::outputs; ++o)
      out(p, at.member * Operation::outputs + o) = static_cast<double>(result[o].value);
  }
}

}  // namespace detail

/// `pair_list` on the GPU; `pair_of` is called on the host. Waits where `out` is host memory.
template<class Data, class Operation, class PairAt, memory_space S>
void pair_list(const gpu& b, const Data& data, const Operation& operation, index count, const PairAt& pair_of,
               std::span<const vector_view<const typename Data::value_type>> operands, matrix_view<double, S> out) {
  using T = typename Data::value_type;
  std::vector<detail::placed_pair> pairs;
  pairs.reserve(static_cast<std::size_t>(count));
  const auto packed = [&](index row) {
    const int s = data.segment_of(row);
    return data.first_packed(s) + row - data.first(s);
  };
  for (index p = 0; p < count; ++p) {
    const row_pair pair = pair_of(p);
    pairs.push_back({data.place(pair.i), data.place(pair.j), packed(pair.i), packed(pair.j), pair.block});
  }
  const auto on_device = detail::upload(b, std::move(pairs));
  const auto operand_memory = detail::upload_operands<Operation::operands>(b, data, operands);
  const detail::device_operands<T, Operation::operands> rows{operand_memory.data(), data.packed_rows()};
  detail::device_result<double, S> result(b, out, false);
  const auto source = data.source();
  using source_type = std::remove_const_t<decltype(source)>;
  detail::launch(b, "pair_list_kernel", detail::pair_list_kernel<source_type, Operation>,
                 (count + detail::pair_threads - 1) / detail::pair_threads, detail::pair_threads, source, operation, rows,
                 on_device.data(), count, result.on_device());
  result.start_copy(b);
  if constexpr (!detail::device_result<double, S>::in_place) {
    data.wait(b);
    result.deliver();
  }
}

DISPAR_NAMESPACE_END
