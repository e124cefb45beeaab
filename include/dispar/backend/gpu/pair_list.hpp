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

/// Pairs that the host has listed.
struct listed_pairs {
  const placed_pair* pairs;
  __device__ placed_pair operator()(index p) const { return pairs[p]; }
};
/// Pairs that the device makes, where `PairAt` says `on_device`: nothing is uploaded.
template<class PairAt, bool Packed>
struct placed_pairs {
  PairAt pair_at;
  const segment_place* segments;
  int count;
  __device__ placed_pair operator()(index p) const {
    const row_pair pair = pair_at(p);
    const auto packed = [&](index row) {
      const segment_place place = segments[segment_of(segments, count, row)];
      return place.packed + row - place.first;
    };
    const index i = packed(pair.i), j = packed(pair.j);
    return {Packed ? i : pair.i, Packed ? j : pair.j, i, j, pair.block};
  }
};
template<class PairAt>
inline constexpr bool pairs_on_device = false;
template<class PairAt>
requires PairAt::on_device inline constexpr bool pairs_on_device<PairAt> = true;

template<class Source, class Operation, class Pairs>
__global__ void __launch_bounds__(pair_threads)
    pair_list_kernel(Source source, Operation operation,
                     device_operands<typename Source::value_type, Operation::operands> operands, Pairs pairs, index count,
                     strided<double> out) {
  using V = lane<typename Source::value_type>;
  const index p = static_cast<index>(blockIdx.x) * pair_threads + static_cast<index>(threadIdx.x);
  if (p >= count) return;  // no barrier follows
  const placed_pair pair = pairs(p);
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

template<class Data, class Operation, class Pairs, memory_space S>
void run_pair_list(const gpu& b, const Data& data, const Operation& operation, index count, const Pairs& pairs,
                   const array<typename Data::value_type, 1, gpu>& operand_memory, const matrix_view<double, S>& out) {
  using T = typename Data::value_type;
  const device_operands<T, Operation::operands> rows{operand_memory.data(), data.packed_rows()};
  device_result<double, S> result(b, out, false);
  const auto source = data.source();
  using source_type = std::remove_const_t<decltype(source)>;
  launch(b, "pair_list_kernel", pair_list_kernel<source_type, Operation, Pairs>, (count + pair_threads - 1) / pair_threads,
         pair_threads, source, operation, rows, pairs, count, result.on_device());
  result.start_copy(b);
  if constexpr (!device_result<double, S>::in_place) {
    b.wait();
    result.deliver();
  }
}

template<class Data, class Operation, class PairAt, class Operands, memory_space S>
void list_pairs(const gpu& b, const Data& data, const Operation& operation, index count, const PairAt& pair_of,
                const Operands& operands, const matrix_view<double, S>& out) {
  if constexpr (!device_result<double, S>::in_place) require_no_capture(b.stream(), "a result in host memory");
  const auto operand_memory = pack_operands<Operation::operands>(b, data, operands);
  if constexpr (pairs_on_device<PairAt>) {
    const placed_pairs<PairAt, Data::places_packed> pairs{pair_of, places_on_device(b, data), data.segments()};
    run_pair_list(b, data, operation, count, pairs, operand_memory, out);
  } else {
    std::vector<placed_pair> pairs;
    pairs.reserve(static_cast<std::size_t>(count));
    const auto packed = [&](index row) {
      const int s = data.segment_of(row);
      return data.first_packed(s) + row - data.first(s);
    };
    for (index p = 0; p < count; ++p) {
      const row_pair pair = pair_of(p);
      pairs.push_back({data.place(pair.i), data.place(pair.j), packed(pair.i), packed(pair.j), pair.block});
    }
    const auto copy = upload(b, std::move(pairs));
    run_pair_list(b, data, operation, count, listed_pairs{copy.data()}, operand_memory, out);
  }
}

}  // namespace detail

/// `pair_list` on the GPU. `pair_of` is called on the device where it is a functor that says `on_device`, else on the host and
/// its pairs are uploaded. Waits where `out` is host memory.
///@{
template<class Data, class Operation, class PairAt, memory_space S>
void pair_list(const gpu& b, const Data& data, const Operation& operation, index count, const PairAt& pair_of,
               std::span<const vector_view<const typename Data::value_type, device>> operands, matrix_view<double, S> out) {
  detail::list_pairs(b, data, operation, count, pair_of, operands, out);
}
template<class Data, class Operation, class PairAt, memory_space S>
void pair_list(const gpu& b, const Data& data, const Operation& operation, index count, const PairAt& pair_of,
               std::span<const vector_view<const typename Data::value_type>> operands, matrix_view<double, S> out) {
  detail::list_pairs(b, data, operation, count, pair_of, operands, out);
}
///@}

DISPAR_NAMESPACE_END
