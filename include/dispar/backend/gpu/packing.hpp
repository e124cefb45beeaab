#pragma once
/// \file
/// Kernels that bring rows into the packed form: pooled mean, centred copy, row terms, search for NaN and infinity.

#include "dispar/backend/gpu/context.hpp"
#include "dispar/backend/gpu/precision.hpp"
#include "dispar/backend/gpu/shape_tables.hpp"
#include "dispar/core/special_values.hpp"
#include "dispar/core/view_traits.hpp"
#include "dispar/kernels/metric.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// What packing found: the smallest code of a bad element, row * features + feature, and the first row whose term overflows.
/// Rows are numbered through all segments. A minimum does not depend on the order of the threads.
struct packing_status {
  static constexpr unsigned long long nothing = ~0ull;
  unsigned long long element, overflow;
};

inline constexpr int mean_threads = 128;
inline constexpr index mean_chunk = 256;

/// partial[chunk][feature]: sums over `mean_chunk` rows of one segment.
template<class T>
__global__ void __launch_bounds__(mean_threads)
    column_sums_kernel(strided<const T> source, index rows, index features, double* partial) {
  const index groups = (features + mean_threads - 1) / mean_threads;
  const index chunk = static_cast<index>(blockIdx.x) / groups;
  const index k = static_cast<index>(blockIdx.x) % groups * mean_threads + static_cast<index>(threadIdx.x);
  if (k >= features) return;  // no barrier follows
  const index first = chunk * mean_chunk, last = first + mean_chunk < rows ? first + mean_chunk : rows;
  double sum = 0;
  for (index i = first; i < last; ++i) sum += static_cast<double>(source(i, k));
  partial[chunk * features + k] = sum;
}

/// The chunks' sums in order. Non-finite data must not spread to the rows that are fine: its mean counts as 0.
template<class T>
__global__ void __launch_bounds__(mean_threads)
    column_means_kernel(const double* partial, index chunks, index rows, index features, T* mean) {
  const index k = static_cast<index>(blockIdx.x) * mean_threads + static_cast<index>(threadIdx.x);
  if (k >= features) return;
  double sum = 0;
  for (index c = 0; c < chunks; ++c) sum += partial[c * features + k];
  const T value = static_cast<T>(sum / static_cast<double>(rows));
  mean[k] = is_special(value) ? T(0) : value;
}

inline constexpr int pack_edge = 32, pack_threads = 256;

/// How elements become what is packed, `per_word` neighbouring features at a time.
///@{
template<class T>
struct pack_as_is {
  using word = T;
  static constexpr int per_word = 1;
  __device__ word operator()(const T* features) const { return *features; }
};
/// Floats for tensor cores.
struct pack_float_bits {
  using word = std::uint32_t;
  static constexpr int per_word = 1;
  bool tf32;  ///< rounded
  __device__ word operator()(const float* features) const {
    return tf32 ? rounded_to_tf32(*features) : __builtin_bit_cast(word, *features);
  }
};
/// Pairs of 16-bit numbers, the first in the low half.
template<storage_number T>
struct pack_pairs {
  using word = std::uint32_t;
  static constexpr int per_word = 2;
  __device__ word operator()(const T* features) const {
    return static_cast<word>(features[0].bits) | static_cast<word>(features[1].bits) << 16;
  }
};
///@}

/// How elements of a type are packed.
template<class T, bool OnTensorCores>
struct packing_of {
  using type = std::conditional_t<OnTensorCores, pack_float_bits, pack_as_is<T>>;
};
template<storage_number T>
struct packing_of<T, true> {
  using type = pack_pairs<T>;
};

/// Transposes one segment into target[word * stride + first + row], centred; rows up to `padded` become zero.
template<class T, class Pack>
__global__ void __launch_bounds__(pack_threads)
    pack_kernel(strided<const T> source, index rows, index padded, index features, const T* mean, index first_number, Pack pack,
                typename Pack::word* target, index stride, index first, packing_status* status) {
  __shared__ T tile[pack_edge][pack_edge + 1];
  constexpr int step = pack_threads / pack_edge, per_word = Pack::per_word;
  const index groups = (features + pack_edge - 1) / pack_edge;
  const index i0 = static_cast<index>(blockIdx.x) / groups * pack_edge, k0 = static_cast<index>(blockIdx.x) % groups * pack_edge;
  const int x = static_cast<int>(threadIdx.x) % pack_edge, y = static_cast<int>(threadIdx.x) / pack_edge;
  for (int r = y; r < pack_edge; r += step) {
    const index i = i0 + r, k = k0 + x;
    T value{};
    if (i < rows && k < features) {
      value = source(i, k);
      if (is_special(value)) atomicMin(&status->element, static_cast<unsigned long long>((first_number + i) * features + k));
      if constexpr (real<T>)
        if (mean) value -= mean[k];
    }
    tile[r][x] = value;
  }
  __syncthreads();
  for (int r = y; r < pack_edge / per_word; r += step) {
    const index i = i0 + x, k = k0 + r * per_word;
    if (i < padded && k < features) target[k / per_word * stride + first + i] = pack(&tile[x][r * per_word]);
  }
}

/// terms[row], one thread per packed row of a segment: sums in `Sum` of what is packed.
template<class Sum, class Source>
__global__ void __launch_bounds__(pack_threads)
    row_terms_kernel(Source source, int channel, index first, index rows, index padded, index first_number,
                     typename Source::value_type* terms, packing_status* status) {
  using Metric = typename Source::metric_type;
  using T = typename Source::value_type;
  const index i = static_cast<index>(blockIdx.x) * pack_threads + static_cast<index>(threadIdx.x);
  if (i >= padded) return;
  lane<Sum> acc(0);
  for (index k = 0; k < source.features[channel]; ++k)
    acc = Metric::row_term(acc, lane<Sum>(source.value(channel, k, first + i)));
  const T term = static_cast<T>(acc.value);
  terms[first + i] = term;
  if constexpr (Metric::product && Metric::translation_invariant)  // twice: a distance begins with the sum of two terms
    if (i < rows && is_special(2 * term)) atomicMin(&status->overflow, static_cast<unsigned long long>(first_number + i));
}

/// Turns what packing found into the report that the next wait throws, unless there is one. One thread.
template<int Channels>
__global__ void report_packing_kernel(const packing_status* status, vec<index, Channels> features, const segment_place* segments,
                                      int count, data_report* report) {
  const auto say = [&](data_report::defect what, index row, index feature) {
    const int s = segment_of(segments, count, row);
    *report = {what, s, row - segments[s].first, feature, 0};
  };
  for (int c = 0; c < Channels && report->what == data_report::defect::none; ++c) {
    if (status[c].element != packing_status::nothing) {
      const auto code = static_cast<index>(status[c].element);
      say(data_report::defect::special_element, code / features[c], code % features[c]);
    } else if (status[c].overflow != packing_status::nothing) {
      say(data_report::defect::overflowing_row, static_cast<index>(status[c].overflow), 0);
    }
  }
}

}  // namespace detail

DISPAR_NAMESPACE_END
