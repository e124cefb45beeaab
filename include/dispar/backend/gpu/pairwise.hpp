#pragma once
/// \file
/// The GPU's pairwise primitive: one kernel for sinks over tiles, one for sinks along rows, one per chunk of labels.

#include <tuple>

#include "dispar/backend/gpu/extremum_sink.hpp"
#include "dispar/backend/gpu/gradient_sink.hpp"
#include "dispar/backend/gpu/log_sum_exp_sink.hpp"
#include "dispar/backend/gpu/quadratic_sink.hpp"
#include "dispar/backend/strided_vector.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Rows and columns of the tiles that a call would like. Large tiles read less per product, but hold one number per pair in four
/// times as many registers per thread: they are for operations of one channel and one output, whose sinks need no tile in shared
/// memory; and with labels, of which a thread holds a part of the tile's numbers, for single operations, which need no distance
/// any more by then. Sources that know one size of tiles have that one.
template<class Operation, class... DeviceSinks>
inline constexpr int wanted_edge =
    Operation::channels == 1 && Operation::outputs == 1 && !(false || ... || DeviceSinks::needs_tile) &&
            (most_members_of<Operation> == 1 || !(false || ... || (DeviceSinks::pass == sink_pass::labels)))
        ? 128
        : 64;

/// Thread blocks per multiprocessor: a second one computes while the first waits, but halves the registers of each. One where
/// numbers are split, outputs are many, or distances are kept for the next member of a family.
template<class Source, class Operation, class Sinks>
inline constexpr int least_blocks =
    Source::split || Operation::outputs > 2 || most_members_of<Operation> != 1 ? 1 : Sinks::occupancy;

/// Tiles dealt in turn to a number of thread blocks that depends on shapes only.
template<class Source, class Operation, class Sinks>
__global__ void __launch_bounds__(Source::shape::threads, least_blocks<Source, Operation, Sinks>)
    tiles_kernel(Source source, Operation operation, device_operands<typename Source::value_type, Operation::operands> operands,
                 const row_strip* strips, const tile_run* runs, int run_count, index tiles, Sinks sinks) {
  auto& shared = shared_memory<typename memory_with_sinks<Source, Sinks>::type>();
  int r = 0;
  for (index t = static_cast<index>(blockIdx.x); t < tiles; t += static_cast<index>(gridDim.x)) {
    while (r + 1 < run_count && runs[r + 1].begin <= t) ++r;
    const tile_run& run = runs[r];
    const strip_pair pair = tile_of(run, t - run.begin);
    const tile_position at{strips[pair.row], strips[pair.col], run.block, pair_order::own_is_row, run.triangle};
    tile_values<Source, Operation> values;
    values.for_each_member(source, operation, operands, at, shared,
                           [&](const tile_position& of) { sinks.tile(values, of, source, shared); });
  }
}

/// A thread block owns a strip of rows and meets, block of pairs by block of pairs, every strip that its rows are paired with.
template<class Source, class Operation, class Sinks>
__global__ void __launch_bounds__(Source::shape::threads, least_blocks<Source, Operation, Sinks>)
    rows_kernel(Source source, Operation operation, device_operands<typename Source::value_type, Operation::operands> operands,
                const row_strip* strips, const tile_block* blocks, int block_count, Sinks sinks) {
  auto& shared = shared_memory<typename memory_with_sinks<Source, Sinks>::type>();
  const row_strip own = strips[blockIdx.x];
  const auto meet = [&](int b, index begin, index end, pair_order order) {
    for (index other = begin; other < end; ++other) {
      const tile_position at{own, strips[other], b, order, blocks[b].triangle};
      tile_values<Source, Operation> values;
      values.for_each_member(source, operation, operands, at, shared,
                             [&](const tile_position& of) { sinks.tile(values, of, source, shared); });
    }
  };
  sinks.begin(own, shared);
  for (int b = 0; b < block_count; ++b) {
    const tile_block& block = blocks[b];
    if (block.rows == own.segment)
      meet(b, block.col_begin, block.col_end, block.triangle ? pair_order::sorted : pair_order::own_is_row);
    if (block.cols == own.segment && !block.triangle) meet(b, block.row_begin, block.row_end, pair_order::own_is_col);
  }
  sinks.end(own, source, shared);
}

inline constexpr int operand_threads = 256;

/// target[packed row] = source[row]; one thread per row.
template<class T>
__global__ void __launch_bounds__(operand_threads)
    pack_operand_kernel(strided_vector<const T> source, index rows, const segment_place* segments, int count, T* target) {
  const index row = static_cast<index>(blockIdx.x) * operand_threads + static_cast<index>(threadIdx.x);
  if (row >= rows) return;  // no barrier follows
  const segment_place place = segments[segment_of(segments, count, row)];
  target[place.packed + row - place.first] = source(row);
}

template<int Operands, class Data, class View>
void require_operands(const Data& data, std::span<const View> operands) {
  require(operands.size() == static_cast<std::size_t>(Operands), "pairwise: operands", "must match the operation",
          static_cast<double>(operands.size()));
  for (const auto& operand : operands)
    require(!operand || operand.size() == data.rows(), "pairwise: operand", "must have one entry per row",
            static_cast<double>(operand.size()));
}

/// Operands in packed order; padding is 0, and so are those that are not there.
template<int Operands, class Data, class T>
[[nodiscard]] array<T, 1, gpu> pack_operands(const gpu& b, const Data& data,
                                             std::span<const vector_view<const T, device>> operands) {
  require_operands<Operands>(data, operands);
  array<T, 1, gpu> packed(b, {data.packed_rows() * Operands});
  if constexpr (Operands > 0) {
    fill_bytes(b, packed, 0);
    for (std::size_t o = 0; o < operands.size(); ++o)
      if (operands[o])
        launch(b, "pack_operand_kernel", pack_operand_kernel<T>, (data.rows() + operand_threads - 1) / operand_threads,
               operand_threads, strided_of(operands[o]), data.rows(), places_on_device(b, data), data.segments(),
               packed.data() + static_cast<index>(o) * data.packed_rows());
  }
  return packed;
}
/// From the host: not in a capture.
template<int Operands, class Data, class T>
[[nodiscard]] array<T, 1, gpu> pack_operands(const gpu& b, const Data& data, std::span<const vector_view<const T>> operands) {
  require_operands<Operands>(data, operands);
  std::vector<array<T, 1, gpu>> copies;
  std::vector<vector_view<const T, device>> views;
  for (const auto& operand : operands) {
    std::vector<T> numbers(static_cast<std::size_t>(operand.size()));
    for (index i = 0; i < operand.size(); ++i) numbers[static_cast<std::size_t>(i)] = operand(i);
    copies.push_back(upload(b, std::move(numbers)));
    views.push_back(std::as_const(copies.back()).view());
  }
  return pack_operands<Operands>(b, data, std::span<const vector_view<const T, device>>(views));
}

/// The kernel parts of the sinks of one pass, as a list.
template<sink_pass Pass, class Sinks>
[[nodiscard]] auto sinks_of_pass(Sinks& sinks) {
  return std::apply(
      [](auto&... sink) {
        return std::apply([](const auto&... part) { return make_sink_list(part...); }, std::tuple_cat([](auto& one) {
                            if constexpr (std::remove_reference_t<decltype(one)>::pass == Pass)
                              return std::tuple{one.on_device()};
                            else
                              return std::tuple<>{};
                          }(sink)...));
      },
      sinks);
}

/// Sinks and operands of one call, the operands in packed order.
template<class Data, class Operation, class... Sinks>
void run_pairwise(const gpu& b, const Data& data, const Operation& operation, std::span<const pair_block> pair_blocks,
                  const array<typename Data::value_type, 1, gpu>& operand_memory, const Sinks&... sinks) {
  using T = typename Data::value_type;
  static_assert(Operation::channels == Data::channels, "dispar: the kernel and the samples differ in their number of channels");
  static_assert(most_members_of<Operation> == 1 || (true && ... && device_sink<Sinks, Data>::families),
                "dispar: `store` and `feature_gradient` take one operation, not a family");
  constexpr bool in_place = (true && ... && device_sink<Sinks, Data>::in_place);
  if constexpr (!in_place) require_no_capture(b.stream(), "a result in host memory");
  const index members = members_of(operation);
  const device_operands<T, Operation::operands> rows{operand_memory.data(), data.packed_rows()};
  constexpr int edge = wanted_edge<Operation, device_sink<Sinks, Data>...>;
  const device_schedule& lists = schedule_on_device(b, data, pair_blocks, data.template edge<edge>());
  const tile_schedule& schedule = lists.host;
  const int block_count = static_cast<int>(schedule.blocks.size());

  std::tuple<device_sink<Sinks, Data>...> all{device_sink<Sinks, Data>(b, sinks, data, lists, members)...};
  const auto run_tiles = [&](const auto& list) {
    data.template visit_source<edge>([&](const auto& source) {
      using source_type = std::remove_cvref_t<decltype(source)>;
      using list_type = std::remove_cvref_t<decltype(list)>;
      launch_with_shared_memory(b, "tiles_kernel", tiles_kernel<source_type, Operation, list_type>, schedule.thread_blocks(),
                                source_type::shape::threads, sizeof(typename memory_with_sinks<source_type, list_type>::type),
                                source, operation, rows, lists.strips.on_device(), lists.runs.on_device(),
                                static_cast<int>(schedule.runs.size()), schedule.tiles, list);
    });
  };
  if constexpr ((false || ... || (device_sink<Sinks, Data>::pass == sink_pass::tiles)))
    run_tiles(sinks_of_pass<sink_pass::tiles>(all));
  if constexpr ((false || ... || (device_sink<Sinks, Data>::pass == sink_pass::rows))) {
    const auto list = sinks_of_pass<sink_pass::rows>(all);
    data.template visit_source<edge>([&](const auto& source) {
      using source_type = std::remove_cvref_t<decltype(source)>;
      using list_type = std::remove_const_t<decltype(list)>;
      launch_with_shared_memory(b, "rows_kernel", rows_kernel<source_type, Operation, list_type>,
                                static_cast<index>(schedule.strips.size()), source_type::shape::threads,
                                sizeof(typename memory_with_sinks<source_type, list_type>::type), source, operation, rows,
                                lists.strips.on_device(), lists.blocks.on_device(), block_count, list);
    });
  }
  const auto run_labels = [&](auto& sink) {
    if constexpr (std::remove_reference_t<decltype(sink)>::pass == sink_pass::labels) sink.for_each_chunk(b, run_tiles);
  };
  std::apply([&](auto&... sink) { (run_labels(sink), ...); }, all);

  std::apply([&](auto&... sink) { (sink.finish(b), ...); }, all);
  if constexpr (!in_place) {
    b.wait();
    std::apply([](const auto&... sink) { (sink.deliver(), ...); }, all);
  }
}

}  // namespace detail

/// `pairwise` on the GPU, see backend/pairwise.hpp. Sinks on device memory are complete in stream order; with a sink on host
/// memory the call waits. Operands are views of device memory, or of the host's,
/// which is uploaded. Metrics that are a product run on tensor cores for float rows (`precision`),
/// the others and double in multiply-adds.
///
/// Sinks along rows compute each pair of a triangle twice, once for either row: nothing is added atomically, so two runs
/// give the same bits. Memory: one partial result per thread block (at most 1024) and what the sinks keep.
///@{
template<class Data, class Operation, class... Sinks>
void pairwise(const gpu& b, const Data& data, const Operation& operation, std::span<const pair_block> pair_blocks,
              std::span<const vector_view<const typename Data::value_type, device>> operands, const Sinks&... sinks) {
  detail::run_pairwise(b, data, operation, pair_blocks, detail::pack_operands<Operation::operands>(b, data, operands), sinks...);
}
template<class Data, class Operation, class... Sinks>
void pairwise(const gpu& b, const Data& data, const Operation& operation, std::span<const pair_block> pair_blocks,
              std::span<const vector_view<const typename Data::value_type>> operands, const Sinks&... sinks) {
  detail::run_pairwise(b, data, operation, pair_blocks, detail::pack_operands<Operation::operands>(b, data, operands), sinks...);
}
///@}

DISPAR_NAMESPACE_END
