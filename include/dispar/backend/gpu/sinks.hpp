#pragma once
/// \file
/// How the GPU engine runs the sinks of `backend/pairwise.hpp`. Each has a part in kernels and a part on the host; `families`
/// says that it takes families of operations, whose members' tiles come one after the other.
///
/// In kernels, `tile(values, at, source, shared)` consumes one tile; sinks along rows (`sink_pass::rows`) also have `begin(own)`
/// and `end(own, source)`, and are run by thread blocks that own a strip of rows and meet all others: nothing is added
/// atomically, so the bits are the same in every run. `needs_tile`: it wants shared memory for the numbers of all pairs.
/// `occupancy`: thread blocks per multiprocessor, two unless it needs more than half of the registers.
/// On the host, `device_sink<Sink, Data>` owns the memory: `on_device()`, `finish(b)` queues what follows the tiles,
/// `deliver()` copies to host views after the wait.

#include <utility>

#include "dispar/backend/gpu/samples.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

enum class sink_pass {
  tiles,   ///< every tile of the blocks once
  labels,  ///< the same, once per chunk of labels
  rows,    ///< every strip of rows with all that it meets
};

template<class Sink, class Data>
class device_sink;

/// The kernel parts of several sinks.
template<class... Sinks>
struct sink_list {
  static constexpr bool needs_tile = false;
  static constexpr int occupancy = 2;
  template<class... A>
  __device__ void begin(const A&...) const {}
  template<class... A>
  __device__ void tile(A&...) const {}
  template<class... A>
  __device__ void end(A&...) const {}
};
template<class First, class... Rest>
struct sink_list<First, Rest...> {
  static constexpr bool needs_tile = First::needs_tile || sink_list<Rest...>::needs_tile;
  static constexpr int occupancy =
      First::occupancy < sink_list<Rest...>::occupancy ? First::occupancy : sink_list<Rest...>::occupancy;
  First first;
  sink_list<Rest...> rest;
  template<class... A>
  __device__ void begin(const A&... a) const {
    first.begin(a...);
    rest.begin(a...);
  }
  template<class... A>
  __device__ void tile(A&... a) const {
    first.tile(a...);
    rest.tile(a...);
  }
  template<class... A>
  __device__ void end(A&... a) const {
    first.end(a...);
    rest.end(a...);
  }
};
template<class... Sinks>
[[nodiscard]] auto make_sink_list(const Sinks&... sinks) {
  if constexpr (sizeof...(Sinks) == 0) {
    return sink_list<>{};
  } else {
    return [](const auto& first, const auto&... rest) {
      return sink_list<std::remove_cvref_t<decltype(first)>, std::remove_cvref_t<decltype(rest)>...>{first,
                                                                                                     make_sink_list(rest...)};
    }(sinks...);
  }
}

inline constexpr int reduce_threads = 256;

/// out(e / cols, e % cols) = sum over p of partial[p * stride + e], one thread block per entry e, in a fixed order.
template<int Threads>
__global__ void __launch_bounds__(Threads)
    ordered_sums_kernel(const double* partial, index parts, index stride, strided<double> out, index cols) {
  __shared__ double warp_sums[Threads / 32];
  const index e = static_cast<index>(blockIdx.x);
  double sum = 0;
  for (index p = static_cast<index>(threadIdx.x); p < parts; p += Threads) sum += partial[p * stride + e];
  sum = thread_block_sum(sum, warp_sums);
  if (threadIdx.x == 0) out(e / cols, e % cols) = sum;
}

/// `total`: one partial sum per thread block, member, block of pairs and output.
template<int First, int Count>
struct total_on_device {
  static constexpr bool needs_tile = false;
  static constexpr int occupancy = 2;
  double* partial;
  index blocks, members;

  template<class Source, class Operation, class Shared>
  __device__ void tile(const tile_values<Source, Operation>& values, const tile_position& at, const Source&,
                       Shared& shared) const {
    [&]<int... O>(std::integer_sequence<int, O...>) { (add<O>(values, at, shared), ...); }
    (std::make_integer_sequence<int, Count>());
  }

private:
  template<int O, class Values, class Shared>
  __device__ void add(const Values& values, const tile_position& at, Shared& shared) const {
    double sum = 0;
#pragma unroll
    for (int r = 0; r < Values::shape::rows; ++r) sum += static_cast<double>(values.template row_part<First + O>(r));
    sum = thread_block_sum(sum, shared.warp_sums);
    if (threadIdx.x == 0)
      partial[((static_cast<index>(blockIdx.x) * members + at.member) * blocks + at.block) * Count + O] += sum;
  }
};

template<int First, int Count, memory_space S, class Data>
class device_sink<total<First, Count, S>, Data> {
public:
  static constexpr sink_pass pass = sink_pass::tiles;
  static constexpr bool in_place = device_result<double, S>::in_place, families = true;
  static constexpr bool needs_tile = total_on_device<First, Count>::needs_tile;

  device_sink(const gpu& b, const total<First, Count, S>& sink, const Data&, const tile_schedule& schedule, index members)
      : blocks_(static_cast<index>(schedule.blocks.size())), members_(members), parts_(schedule.thread_blocks()) {
    require(sink.out.rows() == members * blocks_ && sink.out.cols() == Count, "total: out", "must be blocks x outputs",
            static_cast<double>(sink.out.rows()));
    partial_ = array<double, 1, gpu>(b, {parts_ * members * blocks_ * Count});
    fill_bytes(b, partial_, 0);
    result_ = device_result<double, S>(b, sink.out, false);
  }
  [[nodiscard]] total_on_device<First, Count> on_device() { return {partial_.data(), blocks_, members_}; }
  void finish(const gpu& b) {
    const index sums = members_ * blocks_ * Count;
    launch(b, "ordered_sums_kernel", ordered_sums_kernel<reduce_threads>, sums, reduce_threads, partial_.data(), parts_, sums,
           result_.on_device(), index{Count});
    result_.start_copy(b);
  }
  void deliver() const { result_.deliver(); }

private:
  index blocks_, members_, parts_;
  array<double, 1, gpu> partial_;
  device_result<double, S> result_;
};

/// `store`: every pair, and its mirror image where that is no pair of its own.
template<int Output, class U>
struct store_on_device {
  static constexpr bool needs_tile = false;
  static constexpr int occupancy = 1;
  strided<U> out;

  template<class Source, class Operation, class Shared>
  __device__ void tile(const tile_values<Source, Operation>& values, const tile_position& at, const Source&, Shared&) const {
    // In a square of a segment with itself the mirrored pair is one of its own, in a tile of maybe another thread block.
    const bool mirrored = at.triangle || at.own.segment != at.other.segment;
    values.for_each_pair([&](int r, int s, int a, int b) {
      if (a >= at.own.count || b >= at.other.count) return;
      const index i = at.own.number + a, j = at.other.number + b;
      if (at.triangle && i >= j) return;
      const U value = static_cast<U>(values.output[r][s][Output].value);
      out(i, j) = value;
      if (mirrored) out(j, i) = value;
    });
  }
};

template<int Output, class U, memory_space S, class Data>
class device_sink<store<Output, U, S>, Data> {
public:
  static constexpr sink_pass pass = sink_pass::tiles;
  static constexpr bool in_place = device_result<U, S>::in_place, families = false;
  static constexpr bool needs_tile = store_on_device<Output, U>::needs_tile;

  device_sink(const gpu& b, const store<Output, U, S>& sink, const Data& data, const tile_schedule&, index) {
    require(sink.out.rows() == data.rows() && sink.out.cols() == data.rows(), "store: out", "must be rows x rows",
            static_cast<double>(sink.out.rows()));
    result_ = device_result<U, S>(b, sink.out, true);
  }
  [[nodiscard]] store_on_device<Output, U> on_device() { return {result_.on_device()}; }
  void finish(const gpu& b) { result_.start_copy(b); }
  void deliver() const { result_.deliver(); }

private:
  device_result<U, S> result_;
};

/// `store_across`: every pair of the one block.
template<int Output, class U>
struct store_across_on_device {
  static constexpr bool needs_tile = false;
  static constexpr int occupancy = 1;
  strided<U> out;

  template<class Source, class Operation, class Shared>
  __device__ void tile(const tile_values<Source, Operation>& values, const tile_position& at, const Source&, Shared&) const {
    values.for_each_pair([&](int r, int s, int a, int b) {
      if (a < at.own.count && b < at.other.count)
        out(at.own.local + a, at.other.local + b) = static_cast<U>(values.output[r][s][Output].value);
    });
  }
};

template<int Output, class U, memory_space S, class Data>
class device_sink<store_across<Output, U, S>, Data> {
public:
  static constexpr sink_pass pass = sink_pass::tiles;
  static constexpr bool in_place = device_result<U, S>::in_place, families = false;
  static constexpr bool needs_tile = store_across_on_device<Output, U>::needs_tile;

  device_sink(const gpu& b, const store_across<Output, U, S>& sink, const Data& data, const device_schedule& schedule, index) {
    std::vector<pair_block> blocks;
    for (const tile_block& block : schedule.host.blocks) blocks.push_back({block.rows, block.cols, block.triangle, block.slot});
    require_across(sink, data, blocks);
    result_ = device_result<U, S>(b, sink.out, false);
  }
  [[nodiscard]] store_across_on_device<Output, U> on_device() { return {result_.on_device()}; }
  void finish(const gpu& b) { result_.start_copy(b); }
  void deliver() const { result_.deliver(); }

private:
  device_result<U, S> result_;
};

/// `row_sums`: one thread per row of the strip adds to the row's sums, which only it touches.
template<int Output>
struct row_sums_on_device {
  static constexpr bool needs_tile = false;
  static constexpr int occupancy = 1;
  strided<double> out;
  index columns;  ///< of out: slots of all members
  index slots;
  const tile_block* blocks;

  template<class Shared>
  __device__ void begin(const row_strip& own, const Shared&) const {
    const int row = static_cast<int>(threadIdx.x);
    if (row < own.count)
      for (index slot = 0; slot < columns; ++slot) out(own.number + row, slot) = 0;
  }
  template<class Source, class Operation, class Shared>
  __device__ void tile(const tile_values<Source, Operation>& values, const tile_position& at, const Source&,
                       Shared& shared) const {
    const index slot = at.member * slots + blocks[at.block].slot;
    for_each_row_sum<Output>(values, shared, [&](int row, double sum) {
      if (row < at.own.count) out(at.own.number + row, slot) += sum;
    });
  }
  template<class... A>
  __device__ void end(const A&...) const {}
};

template<int Output, memory_space S, class Data>
class device_sink<row_sums<Output, S>, Data> {
public:
  static constexpr sink_pass pass = sink_pass::rows;
  static constexpr bool in_place = device_result<double, S>::in_place, families = true;
  static constexpr bool needs_tile = row_sums_on_device<Output>::needs_tile;

  device_sink(const gpu& b, const row_sums<Output, S>& sink, const Data& data, const device_schedule& schedule, index members)
      : columns_(sink.out.cols()), slots_(sink.out.cols() / members) {
    require_row_states("row_sums", sink.out.rows(), slots_, data.rows(), schedule.host.blocks);
    blocks_ = schedule.blocks.on_device();
    result_ = device_result<double, S>(b, sink.out, false);
  }
  [[nodiscard]] row_sums_on_device<Output> on_device() { return {result_.on_device(), columns_, slots_, blocks_}; }
  void finish(const gpu& b) { result_.start_copy(b); }
  void deliver() const { result_.deliver(); }

private:
  index columns_, slots_;
  const tile_block* blocks_;
  device_result<double, S> result_;
};

}  // namespace detail

DISPAR_NAMESPACE_END
