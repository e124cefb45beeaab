#pragma once
/// \file
/// `run_rows` on the GPU: a thread block per row, or, where few rows are long, one per segment and a kernel per pass.

#include "dispar/backend/array.hpp"
#include "dispar/backend/gpu/row_block.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// A run as kernels see it.
template<class P, class T>
struct device_rows {
  static constexpr int N = P::inputs, outputs = P::outputs, results = P::results, operands = P::operands;
  using C = computed_type<T>;
  static constexpr bool scatters = row_scatters<P, T>;
  using row_type = typename P::row;
  template<int I>
  using pass_type = decltype(std::declval<const P&>().template pass<I>());
  template<int I>
  using state_of = row_state<pass_type<I>::maxima, pass_type<I>::sums>;

  P program;
  index rows, cols;
  strided<const T> x[N]{};
  strided<T> y[outputs > 0 ? outputs : 1]{};
  strided_vector<double> result[results > 0 ? results : 1]{};
  strided_vector<const double> operand[operands > 0 ? operands : 1]{};
  strided_vector<const std::int64_t> lengths{};
  strided<const std::uint8_t> mask{};
  bool accumulate = false, writes = false, mask_excludes = false, keep_masked = false;

  [[nodiscard]] __device__ index length(index i) const { return row_length(program, lengths, i, cols); }
  [[nodiscard]] __device__ mask_of_row mask_of(index i) const {
    return {mask.data ? &mask(i, 0) : nullptr, mask.col_stride, mask_excludes};
  }
  [[nodiscard]] __device__ row_type begin(index i) const {
    vec<double, operands> o{};
    for (int k = 0; k < operands; ++k) o[k] = operand[k].data ? operand[k](i) : 1;
    row_type row = program.begin(o);
    gathered_row<T, N> elements;
    for (int k = 0; k < N; ++k) {
      elements.x[k] = &x[k](i, 0);
      elements.stride[k] = x[k].col_stride;
    }
    elements.length = length(i);
    elements.mask = mask_of(i);
    elements.masked = masked_element<P>();
    gather_row(program, i, elements, row);
    return row;
  }

  /// The state of elements [first, last) of row i, in thread 0. All threads call it.
  template<int I>
  [[nodiscard]] __device__ state_of<I> fold(index i, index first, index last, const row_type& row) const {
    const auto pass = program.template pass<I>();
    auto state = empty<I>();
    row_registers<C, N> chunk;
    for (index at = first + static_cast<index>(threadIdx.x) * row_chunk; at < last; at += row_threads * row_chunk) {
      chunk.load(x, i, at, last);
      if (mask.data) chunk.replace_masked(mask_of(i), at, static_cast<C>(masked_element<P>()));
      fold_registers(pass, chunk, row, state);
    }
    return merge_block(pass, state);
  }
  template<int I>
  [[nodiscard]] __device__ state_of<I> empty() const {
    return empty_row_state<pass_type<I>::maxima, pass_type<I>::sums>(static_cast<double>(row_nothing<C>));
  }

  /// Writes elements [first, last) of row i.
  __device__ void write(index i, index first, index last, const row_type& row) const {
    row_registers<C, N> chunk;
    for (index at = first + static_cast<index>(threadIdx.x) * row_chunk; at < last; at += row_threads * row_chunk) {
      chunk.load(x, i, at, last);
      if (mask.data) chunk.replace_masked(mask_of(i), at, static_cast<C>(masked_element<P>()));
#pragma unroll
      for (int j = 0; j < row_chunk; ++j) {
        if (j >= chunk.count) break;
        const bool masked = mask_of(i).excludes(at + j);
        if (masked && (accumulate || keep_masked)) continue;
        vec<lane<C>, outputs> values = program.write(chunk.at(j), row);
#pragma unroll
        for (int k = 0; k < outputs; ++k) {
          if (y[k].data == nullptr) continue;
          if (masked) values[k] = lane<C>(0);
          T& target = y[k](i, at + j);
          target = static_cast<T>(accumulate ? computed(target) + values[k].value : values[k].value);
        }
      }
    }
  }
  /// Zeros behind the length, from column `first` on.
  __device__ void clear(index i, index first, index last) const {
    if (accumulate) return;
    for (int k = 0; k < outputs; ++k)
      if (y[k].data)
        for (index j = first + static_cast<index>(threadIdx.x); j < last; j += row_threads) y[k](i, j) = static_cast<T>(C(0));
  }
  /// Single elements, behind `write`, by one thread.
  __device__ void scatter(index i, const row_type& row) const {
    if constexpr (row_scatters<P, T>) {
      if (length(i) == 0) return;
      scattered_row<T, outputs> elements;
      for (int k = 0; k < outputs; ++k) {
        elements.y[k] = y[k].data ? &y[k](i, 0) : nullptr;
        elements.stride[k] = y[k].col_stride;
      }
      elements.accumulate = accumulate;
      elements.mask = mask_of(i);
      program.scatter(i, elements, row);
    }
  }
  __device__ void end(index i, const row_type& row) const {
    const auto numbers = program.result(row);
    for (int k = 0; k < results; ++k)
      if (result[k].data) result[k](i) = numbers[k];
  }
};

/// All passes from I on, over the whole row; `shared` holds what is known of it.
template<int I, class Run>
__device__ void fold_row(const Run& run, index i, index count, typename Run::row_type& shared) {
  const auto state = run.template fold<I>(i, 0, count, shared);
  if (threadIdx.x == 0) run.program.template finish<I>(state, shared);
  __syncthreads();
  if constexpr (I + 1 < decltype(run.program)::passes) fold_row<I + 1>(run, i, count, shared);
}

/// One block per row.
template<class Run>
__global__ void __launch_bounds__(row_threads) whole_rows_kernel(Run run) {
  const index i = static_cast<index>(blockIdx.x), count = run.length(i);
  __shared__ typename Run::row_type shared;
  if (threadIdx.x == 0) shared = run.begin(i);
  __syncthreads();
  if constexpr (decltype(run.program)::passes > 0) fold_row<0>(run, i, count, shared);
  if constexpr (Run::outputs > 0) {
    if (run.writes) {
      run.write(i, 0, count, shared);
      run.clear(i, count, run.cols);
      if constexpr (Run::scatters) {
        __syncthreads();
        if (threadIdx.x == 0) run.scatter(i, shared);
      }
    }
  }
  if (threadIdx.x == 0) run.end(i, shared);
}

/// One thread per row.
template<class Run>
__global__ void begin_rows_kernel(Run run, typename Run::row_type* row) {
  const index i = static_cast<index>(blockIdx.x) * row_threads + static_cast<index>(threadIdx.x);
  if (i >= run.rows) return;
  row[i] = run.begin(i);
  if (decltype(run.program)::passes == 0) run.end(i, row[i]);
}
/// One block per segment.
template<int I, class Run>
__global__ void __launch_bounds__(row_threads)
    fold_segments_kernel(Run run, index segments, const typename Run::row_type* row, typename Run::template state_of<I>* states) {
  const index i = static_cast<index>(blockIdx.x) / segments, s = static_cast<index>(blockIdx.x) % segments;
  const index count = run.length(i), first = s * row_segment, last = first + row_segment < count ? first + row_segment : count;
  const auto state = run.template fold<I>(i, first, last, row[i]);
  if (threadIdx.x == 0) states[i * segments + s] = state;
}
/// One thread per row.
template<int I, class Run>
__global__ void merge_segments_kernel(Run run, index segments, const typename Run::template state_of<I>* states,
                                      typename Run::row_type* row) {
  const index i = static_cast<index>(blockIdx.x) * row_threads + static_cast<index>(threadIdx.x);
  if (i >= run.rows) return;
  auto state = run.template empty<I>();
  for (index s = 0; s < segments; ++s) merge_rows(run.program.template pass<I>(), state, states[i * segments + s]);
  run.program.template finish<I>(state, row[i]);
  if (I + 1 == decltype(run.program)::passes) run.end(i, row[i]);
}
/// One block per segment.
template<class Run>
__global__ void __launch_bounds__(row_threads) write_segments_kernel(Run run, index segments, const typename Run::row_type* row) {
  const index i = static_cast<index>(blockIdx.x) / segments, s = static_cast<index>(blockIdx.x) % segments;
  const index count = run.length(i), first = s * row_segment,
              end = first + row_segment < run.cols ? first + row_segment : run.cols;
  run.write(i, first, end < count ? end : count, row[i]);
  run.clear(i, first > count ? first : count, end);
}
/// One thread per row.
template<class Run>
__global__ void scatter_rows_kernel(Run run, const typename Run::row_type* row) {
  const index i = static_cast<index>(blockIdx.x) * row_threads + static_cast<index>(threadIdx.x);
  if (i < run.rows) run.scatter(i, row[i]);
}

template<int I, class Run>
void fold_segments(const gpu& b, const Run& run, index segments, array<typename Run::row_type, 1, gpu>& row) {
  array<typename Run::template state_of<I>, 1, gpu> states(b, {run.rows * segments});
  launch(b, "fold_segments_kernel", fold_segments_kernel<I, Run>, run.rows * segments, row_threads, run, segments, row.data(),
         states.data());
  launch(b, "merge_segments_kernel", merge_segments_kernel<I, Run>, (run.rows + row_threads - 1) / row_threads, row_threads, run,
         segments, states.data(), row.data());
  if constexpr (I + 1 < decltype(run.program)::passes) fold_segments<I + 1>(b, run, segments, row);
}

}  // namespace detail

/// See `dispar/backend/rows.hpp`. Few rows are those that would leave multiprocessors idle: below 256.
template<row_program P, class T, memory_space S, memory_space R>
void run_rows(const gpu& b, const P& program, const row_inputs<T, P::inputs, S, P::operands>& in,
              const row_outputs<T, P::outputs, P::results, S, R>& out) {
  static_assert(reachable<S, device> && reachable<R, device>,
                "dispar: the gpu backend cannot read host memory; copy the data with dispar::to(gpu, x) or use the cpu backend");
  const auto shape = detail::check_rows(in, out);
  using run_type = detail::device_rows<P, T>;
  run_type run{.program = program, .rows = shape[0], .cols = shape[1], .accumulate = out.accumulate};
  for (int k = 0; k < P::inputs; ++k) run.x[k] = detail::strided_of(in.x[static_cast<std::size_t>(k)]);
  for (int k = 0; k < P::outputs; ++k) {
    run.y[k] = detail::strided_of(out.y[static_cast<std::size_t>(k)]);
    run.writes = run.writes || run.y[k].data != nullptr;
  }
  for (int k = 0; k < P::results; ++k) run.result[k] = detail::strided_of(out.results[static_cast<std::size_t>(k)]);
  for (int k = 0; k < P::operands; ++k) run.operand[k] = detail::strided_of(in.operands[static_cast<std::size_t>(k)]);
  run.lengths = detail::strided_of(in.lengths);
  run.mask = detail::strided_of(in.mask);
  run.mask_excludes = in.mask_excludes;
  run.keep_masked = out.keep_masked;

  const index segments = (run.cols + row_segment - 1) / row_segment;
  if (run.rows >= 256 || segments <= 1) {
    detail::launch(b, "whole_rows_kernel", detail::whole_rows_kernel<run_type>, run.rows, detail::row_threads, run);
    return;
  }
  array<typename P::row, 1, gpu> row(b, {run.rows});
  const index blocks = (run.rows + detail::row_threads - 1) / detail::row_threads;
  detail::launch(b, "begin_rows_kernel", detail::begin_rows_kernel<run_type>, blocks, detail::row_threads, run, row.data());
  if constexpr (P::passes > 0) detail::fold_segments<0>(b, run, segments, row);
  if constexpr (P::outputs > 0)
    if (run.writes) {
      detail::launch(b, "write_segments_kernel", detail::write_segments_kernel<run_type>, run.rows * segments,
                     detail::row_threads, run, segments, row.data());
      if constexpr (run_type::scatters)
        detail::launch(b, "scatter_rows_kernel", detail::scatter_rows_kernel<run_type>, blocks, detail::row_threads, run,
                       row.data());
    }
}

DISPAR_NAMESPACE_END
