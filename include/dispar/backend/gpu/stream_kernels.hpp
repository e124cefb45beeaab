#pragma once
/// \file
/// Rows that come one after the other, in device memory: centred, kept in a ring, met by a reference and by each other.

#include <type_traits>

#include "dispar/backend/gpu/packing.hpp"
#include "dispar/backend/gpu/tile.hpp"
#include "dispar/backend/operations.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// One channel of rows: values[feature * stride + row], centred, and what each contributes alone to a distance.
template<class T>
struct stream_rows {
  T* values;
  std::conditional_t<std::is_const_v<T>, const double, double>* terms;
  index stride;
};

inline constexpr int stream_threads = 128;

/// A thread block per row of `source`.
template<class Metric, class Element, class T>
__global__ void __launch_bounds__(stream_threads) centre_rows_kernel(strided<const Element> source, index features, const T* mean,
                                                                     stream_rows<T> target, packing_status* status) {
  const index row = static_cast<index>(blockIdx.x);
  for (index k = static_cast<index>(threadIdx.x); k < features; k += stream_threads) {
    const Element element = source(row, k);
    if (is_special(element)) atomicMin(&status->element, static_cast<unsigned long long>(row * features + k));
    target.values[k * target.stride + row] = static_cast<T>(element) - (mean ? mean[k] : T(0));
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  lane<double> term(0);  // in order: a metric may do more than add
  for (index k = 0; k < features; ++k)
    term = Metric::row_term(term, lane<double>(static_cast<double>(target.values[k * target.stride + row])));
  target.terms[row] = term.value;
  if constexpr (Metric::product && Metric::translation_invariant)
    if (is_special(2 * static_cast<T>(term.value))) atomicMin(&status->overflow, static_cast<unsigned long long>(row));
}

/// The last `count` rows of `from` into a ring of `ring` rows, from slot `slot` on; a thread per number.
template<class T>
__global__ void __launch_bounds__(stream_threads) keep_rows_kernel(stream_rows<const T> from, index first, index count,
                                                                   index features, stream_rows<T> to, index slot, index ring) {
  const index at = static_cast<index>(blockIdx.x) * stream_threads + static_cast<index>(threadIdx.x);
  const index k = at / count, row = at % count, target = (slot + row) % ring;
  if (k >= features) return;  // no barrier follows
  to.values[k * to.stride + target] = from.values[k * from.stride + first + row];
  if (k == 0) to.terms[target] = from.terms[first + row];
}

/// The reference, the ring of rows that were kept, the new rows.
template<class T, int Channels>
struct stream_memory {
  stream_rows<const T> reference[Channels], kept[Channels], fresh[Channels];
  index features[Channels];
  index references;
  index lags;  ///< rows of the ring
  index seen;  ///< rows before the new ones; row t is in slot t % lags
};

/// out[row] = sums of k over `stream_threads` rows of the reference each, then k with the row `lag` before, lag = 1, 2, ...; 0
/// where there is none. A product is summed in double.
template<class Metric, class Operation, class T, int Channels>
__global__ void __launch_bounds__(stream_threads)
    stream_values_kernel(stream_memory<T, Channels> memory, Operation operation, double* out) {
  __shared__ double warp_sums[stream_threads / 32];
  const index parts = (memory.references + stream_threads - 1) / stream_threads;
  const index tasks = parts + (memory.lags + stream_threads - 1) / stream_threads;
  const index row = static_cast<index>(blockIdx.x) / tasks, task = static_cast<index>(blockIdx.x) % tasks;
  double* const own = out + row * (parts + memory.lags);
  const auto value = [&](const stream_rows<const T>* before, index i) {
    vec<lane<T>, Channels> distance;
#pragma unroll
    for (int c = 0; c < Channels; ++c) {
      using sum = std::conditional_t<Metric::product, double, T>;
      const stream_rows<const T>&a = before[c], &b = memory.fresh[c];
      lane<sum> acc(0);
      for (index k = 0; k < memory.features[c]; ++k)
        acc = Metric::step(acc, lane<sum>(static_cast<sum>(a.values[k * a.stride + i])),
                           lane<sum>(static_cast<sum>(b.values[k * b.stride + row])));
      distance[c] = lane<T>(static_cast<T>(
          Metric::finish(acc, lane<sum>(static_cast<sum>(a.terms[i])), lane<sum>(static_cast<sum>(b.terms[row]))).value));
    }
    pair_at<lane<T>, 0> at{};
    at.matched = false;
    return static_cast<double>(operation(distance, at)[0].value);
  };
  if (task < parts) {
    const index i = task * stream_threads + static_cast<index>(threadIdx.x);
    const double sum = thread_block_sum(i < memory.references ? value(memory.reference, i) : 0.0, warp_sums);
    if (threadIdx.x == 0) own[task] = sum;
    return;
  }
  const index lag = (task - parts) * stream_threads + static_cast<index>(threadIdx.x) + 1;
  if (lag > memory.lags) return;
  double k = 0;
  if (lag <= row)
    k = value(memory.fresh, row - lag);
  else if (lag <= row + memory.seen)
    k = value(memory.kept, (memory.seen + row - lag) % memory.lags);
  own[parts + lag - 1] = k;
}

}  // namespace detail

DISPAR_NAMESPACE_END
