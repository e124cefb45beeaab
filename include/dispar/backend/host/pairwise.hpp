#pragma once
/// \file
/// The host's pairwise primitive: tiles of pairs, distances in registers, operation and sinks fused behind them.

#include <atomic>
#include <tuple>
#include <utility>

#include "dispar/backend/host/packed_samples.hpp"
#include "dispar/backend/host/sinks.hpp"
#include "dispar/backend/host/workspace.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Per-row numbers in packed order; padding is zero.
template<class T, int Operands>
struct packed_operands {
  const T* of[Operands > 0 ? Operands : 1] = {};
};

/// Evaluates one register tile: distances, operation, register sinks, tile buffers. `Edge` tiles hold pairs that do not count.
template<class Data, class Operation, class... Runners>
class tile_evaluator {
  using T = typename Data::value_type;
  using R = register_tile<T>;
  using V = typename R::V;
  static constexpr int channels = Data::channels, outputs = Operation::outputs, operands = Operation::operands;
  static constexpr std::uint32_t buffered = (0u | ... | Runners::outputs);

public:
  tile_evaluator(const Data& data, const Operation& operation, const packed_operands<T, operands>& rows)
      : data_(data), operation_(operation), operands_(rows) {
    for (int l = 0; l < R::width; ++l) lane_[l] = static_cast<T>(l);
  }

  /// One tile; `t.output` points at the buffers.
  template<class States>
  void operator()(const tile_buffers<T>& t, T* const* buffer, States& states) const {
    for (index j = 0; j < t.cols; j += R::width)
      for (index i = 0; i < t.rows;) {
        const index col = t.first_col + j;
        if (t.segments.triangle && t.first_row + i >= col + R::width - 1) {
          clear(buffer, t.stride, i, j);
          i += R::rows;
          continue;
        }
        index inside = i;
        while (inside < t.rows && !is_edge(t, inside, j)) inside += R::rows;
        if (inside > i) {
          evaluate<false>(t, buffer, states, i, inside, j);
          i = inside;
        } else {
          evaluate<true>(t, buffer, states, i, i + R::rows, j);
          i += R::rows;
        }
      }
  }

private:
  /// The offset of the matched pairs i == j from the first pair of a register tile, both counted inside their segments.
  [[nodiscard]] index diagonal_of(const tile_buffers<T>& t, index i, index j) const {
    return (t.first_row + i - data_.first_packed(t.segments.rows)) - (t.first_col + j - data_.first_packed(t.segments.cols));
  }
  /// Whether some pairs of a register tile do not count, or are matched.
  [[nodiscard]] bool is_edge(const tile_buffers<T>& t, index i, index j) const {
    if (i + R::rows > t.row_count || j + R::width > t.col_count) return true;
    if (t.segments.triangle) return t.first_row + i + R::rows > t.first_col + j;
    const index shift = diagonal_of(t, i, j);
    return shift > -R::rows && shift < R::width;
  }

  /// The register tiles of the rows i .. end.
  template<bool Edge, class States>
  [[gnu::noinline]] void evaluate(const tile_buffers<T>& t, T* const* buffer, States& states, index i, index end, index j) const {
    const Operation op = operation_;  // a copy that no store can alias
    const index col = t.first_col + j;
    do evaluate_one<Edge>(t, buffer, states, op, i, j, t.first_row + i, col);
    while ((i += R::rows) < end);
  }

  template<bool Edge, class States>
  [[gnu::always_inline]] void evaluate_one(const tile_buffers<T>& t, T* const* buffer, States& states, const Operation& op,
                                           index i, index j, index row, index col) const {
    const int members = members_of(op);
    V last[R::rows][R::vectors];
    V earlier[channels > 1 ? channels - 1 : 1][R::rows][R::vectors];
    DISPAR_UNROLL
    for (int c = 0; c + 1 < channels; ++c) data_.distances(c, row, col, earlier[c]);
    data_.distances(channels - 1, row, col, last);

    const index shift = diagonal_of(t, i, j);
    const T columns_left = static_cast<T>(t.col_count - j < R::width ? t.col_count - j : R::width);
    const T diagonal = static_cast<T>(shift < -R::width ? -R::width : (shift > R::width ? R::width : shift));
    for (int f = 0; f < members; ++f) {
      auto sums = std::tuple{make_accumulator<Runners>()...};
      DISPAR_UNROLL
      for (int r = 0; r < R::rows; ++r) {
        DISPAR_UNROLL
        for (int v = 0; v < R::vectors; ++v) {
          vec<V, channels> d;
          DISPAR_UNROLL
          for (int c = 0; c + 1 < channels; ++c) d[c] = earlier[c][r][v];
          d[channels - 1] = last[r][v];
          pair_at<V, operands> at{};
          at.block = t.block;
          at.member = f;
          DISPAR_UNROLL
          for (int o = 0; o < operands; ++o) {
            at.row[o] = V(operands_.of[o][row + r]);
            at.col[o] = V::load(operands_.of[o] + col + v * R::lanes);
          }
          vec<V, outputs> out;
          if constexpr (Edge) {
            const V lane = V::load(lane_ + v * R::lanes), on_diagonal = V(diagonal + static_cast<T>(r));
            at.matched = lane == (t.segments.triangle ? V(-1) : on_diagonal);
            out = op(d, at);
            const V row_bound = V(i + r < t.row_count ? columns_left : T(0));
            const V col_bound = t.segments.triangle ? on_diagonal : V(-1);
            DISPAR_UNROLL
            for (int o = 0; o < outputs; ++o) out[o] = select(lane < row_bound, select(lane > col_bound, out[o], V(0)), V(0));
          } else {
            out = op(d, at);
          }
          std::apply([&](auto&... sum) { (add(sum, v, out), ...); }, sums);
          DISPAR_UNROLL
          for (int o = 0; o < outputs; ++o)
            if (buffered & (1u << o)) out[o].store(buffer[f * outputs + o] + (i + r) * t.stride + j + v * R::lanes);
        }
      }
      flush(states, f, sums, std::index_sequence_for<Runners...>{});
    }
  }

  struct nothing {};
  template<class Runner>
  static auto make_accumulator() {
    if constexpr (Runner::in_registers)
      return typename Runner::accumulator();
    else
      return nothing{};
  }
  template<class Sum>
  [[gnu::always_inline]] static void add(Sum& sum, int v, const vec<V, outputs>& out) {
    if constexpr (!std::is_same_v<Sum, nothing>) sum.add(v, out);
  }
  template<class States, class Sums, std::size_t... I>
  [[gnu::always_inline]] static void flush(States& states, int member, const Sums& sums, std::index_sequence<I...>) {
    (
        [&] {
          if constexpr (!std::is_same_v<std::tuple_element_t<I, Sums>, nothing>)
            std::get<I>(states).flush(member, std::get<I>(sums));
        }(),
        ...);
  }
  void clear(T* const* buffer, index stride, index i, index j) const {
    for (int o = 0; o < outputs * members_of(operation_); ++o)
      if (buffered & (1u << o % outputs))
        for (index r = 0; r < R::rows; ++r)
          std::memset(buffer[o] + (i + r) * stride + j, 0, static_cast<std::size_t>(R::width) * sizeof(T));
  }

  const Data& data_;
  const Operation operation_;
  packed_operands<T, operands> operands_;
  T lane_[R::width];
};

template<class Runner, int Members>
auto make_tile_state() {
  if constexpr (Runner::in_registers)
    return typename Runner::template tile_state<Members>();
  else
    return 0;
}

template<class Backend, class Runner>
void begin_runner(const Backend& b, Runner& runner) {
  if constexpr (requires { runner.begin(b); }) runner.begin(b);
}
template<class Backend, class Runner>
void finish_runner(const Backend& b, Runner& runner) {
  if constexpr (requires { runner.finish(b); })
    runner.finish(b);
  else
    runner.finish();
}

}  // namespace detail

/// Runs `operation` on every pair of the blocks and gives its outputs to the sinks; see backend/pairwise.hpp.
///
/// `operands[o]`, o < Operation::operands, has one number per row of all segments, or is the null view.
/// Time: pairs x features; a triangle costs half a square. Memory: tiles only, O(threads) of them, and what the sinks keep.
/// Results have the same bits for every executor and number of threads.
template<class Each, class Memory, class Data, class Operation, class... Sinks>
void pairwise(const tiled_host<Each, Memory>& b, const Data& data, const Operation& operation, std::span<const pair_block> blocks,
              std::span<const vector_view<const typename Data::value_type>> operands, const Sinks&... sinks) {
  using T = typename Data::value_type;
  using R = detail::register_tile<T>;
  static_assert(Operation::channels == Data::channels, "dispar: the kernel and the samples differ in their number of channels");
  constexpr bool per_row = (false || ... || detail::sink_runner<Sinks, Data>::per_row);
  constexpr std::uint32_t buffered = (0u | ... | detail::sink_runner<Sinks, Data>::outputs);
  constexpr int outputs = Operation::outputs, most_members = most_members_of<Operation>;
  static_assert(most_members == 1 || (true && ... && detail::sink_runner<Sinks, Data>::families),
                "dispar: `store` and `feature_gradient` take one operation, not a family");
  const int members = members_of(operation);
  require(operands.size() == static_cast<std::size_t>(Operation::operands), "pairwise: operands", "must match the operation",
          static_cast<double>(operands.size()));
  for (const auto& block : blocks) {
    require(block.rows >= 0 && block.rows < data.segments(), "pair_block: rows", "must be a segment", block.rows);
    require(block.cols >= 0 && block.cols < data.segments(), "pair_block: cols", "must be a segment", block.cols);
    require(!block.triangle || block.rows == block.cols, "pair_block: cols", "must equal rows in a triangle", block.cols);
  }

  detail::packed_operands<T, Operation::operands> packed;
  std::vector<T> operand_memory(static_cast<std::size_t>(data.packed_rows() * Operation::operands), T(0));
  for (std::size_t o = 0; o < operands.size(); ++o) {
    T* const target = operand_memory.data() + static_cast<index>(o) * data.packed_rows();
    packed.of[o] = target;
    if (!operands[o]) continue;
    require(operands[o].size() == data.rows(), "pairwise: operand", "must have one entry per row",
            static_cast<double>(operands[o].size()));
    for (int s = 0; s < data.segments(); ++s)
      for (index i = 0; i < data.count(s); ++i) target[data.first_packed(s) + i] = operands[o](data.first(s) + i);
  }

  const index edge = detail::tile_edge(data, blocks);
  std::vector<index> tiles;
  for (int s = 0; s < data.segments(); ++s) tiles.push_back((data.count(s) + edge - 1) / edge);
  const auto schedule = [&] {
    if constexpr (per_row)
      return detail::tournament_schedule(blocks, tiles);
    else
      return detail::run_schedule(blocks, tiles);
  }();

  auto runners = std::tuple<detail::sink_runner<Sinks, Data>...>{
      detail::sink_runner<Sinks, Data>(sinks, data, blocks, schedule.tasks(), members)...};
  const detail::tile_evaluator<Data, Operation, detail::sink_runner<Sinks, Data>...> evaluate(data, operation, packed);

  const auto buffer_bytes = static_cast<std::size_t>(edge * edge) * sizeof(T);
  const auto buffers = static_cast<std::size_t>(members * __builtin_popcount(buffered));
  const std::size_t scratch = std::apply([](const auto&... r) { return (std::size_t{0} + ... + r.scratch_bytes()); }, runners);
  const detail::workspaces memory(b, buffers * buffer_bytes + scratch);

  const auto run_tile = [&](index task, const detail::tile_at& at, char* workspace) {
    const pair_block& segments = blocks[static_cast<std::size_t>(at.block)];
    T* buffer[outputs > 0 ? most_members * outputs : 1] = {};
    char* next = workspace;
    for (int o = 0; o < members * outputs; ++o)
      if (buffered & (1u << o % outputs)) {
        buffer[o] = reinterpret_cast<T*>(next);
        next += buffer_bytes;
      }
    const index rows_left = data.count(segments.rows) - at.row * edge, cols_left = data.count(segments.cols) - at.col * edge;
    const auto whole = [](index n, index unit) { return (n + unit - 1) / unit * unit; };
    detail::tile_buffers<T> t{};
    t.output = buffer;
    t.outputs = outputs;
    t.members = members;
    t.stride = edge;
    t.row_count = rows_left < edge ? rows_left : edge;
    t.col_count = cols_left < edge ? cols_left : edge;
    t.rows = whole(t.row_count, R::rows);
    t.cols = whole(t.col_count, R::width);
    t.first_row = data.first_packed(segments.rows) + at.row * edge;
    t.first_col = data.first_packed(segments.cols) + at.col * edge;
    t.block = at.block;
    t.segments = segments;
    t.scratch = next;
    auto states = std::tuple{detail::make_tile_state<detail::sink_runner<Sinks, Data>, most_members>()...};
    evaluate(t, buffer, states);
    std::apply(
        [&](auto&... runner) {
          (
              [&] {
                using Runner = std::remove_reference_t<decltype(runner)>;
                if constexpr (Runner::in_registers)
                  runner.end_tile(task, t.block, std::get<typename Runner::template tile_state<most_members>>(states));
                else {
                  runner.tile(task, t);
                  t.scratch = static_cast<char*>(t.scratch) + runner.scratch_bytes();
                }
              }(),
              ...);
        },
        runners);
  };

  std::apply([&](auto&... runner) { (detail::begin_runner(b, runner), ...); }, runners);
  double pairs = 0;
  for (const auto& block : blocks)
    pairs += static_cast<double>(data.count(block.rows)) * static_cast<double>(data.count(block.cols)) / (block.triangle ? 2 : 1);
  for (index round = 0; round < schedule.rounds(); ++round)
    b.run(schedule.tasks_in_round(round), pairs * data.pair_cost() / static_cast<double>(schedule.rounds()),
          [&](index task) noexcept {
            const typename detail::workspaces<tiled_host<Each, Memory>>::lease workspace(memory);
            schedule.for_each_tile(round, task, [&](const detail::tile_at& at) { run_tile(task, at, workspace.data()); });
          });
  std::apply([&](auto&... runner) { (detail::finish_runner(b, runner), ...); }, runners);
}

DISPAR_NAMESPACE_END
