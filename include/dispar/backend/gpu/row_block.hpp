#pragma once
/// \file
/// Rows on a GPU: what the threads of a block do with a piece of aligned rows.

#include "dispar/backend/gpu/context.hpp"
#include "dispar/backend/rows.hpp"
#include "dispar/core/half.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

inline constexpr int row_threads = 256;
/// Elements of a row that a thread holds in registers at a time.
inline constexpr int row_chunk = 8;

/// A number as it is computed with.
template<class T>
[[nodiscard]] DISPAR_FN computed_type<T> computed(T x) {
  return static_cast<computed_type<T>>(x);
}

/// 16 bytes, read in one access.
struct alignas(16) sixteen_bytes {
  unsigned words[4];
};

/// `row_chunk` elements of N aligned rows in the registers of a thread, of which the first `count` are there.
template<class C, int N>
struct row_registers {
  C x[N][row_chunk];
  int count;

  /// The elements at `first` .. of row `row`; those behind `last` do not count.
  template<class T>
  __device__ void load(const strided<const T>* from, index row, index first, index last) {
    count = last - first < row_chunk ? static_cast<int>(last - first) : row_chunk;
#pragma unroll
    for (int k = 0; k < N; ++k) {
      const T* const p = &from[k](row, first);
      if (count == row_chunk && from[k].col_stride == 1 && reinterpret_cast<std::uintptr_t>(p) % 16 == 0) {
        constexpr int pieces = row_chunk * static_cast<int>(sizeof(T)) / 16;
        sixteen_bytes piece[pieces];
#pragma unroll
        for (int i = 0; i < pieces; ++i) piece[i] = reinterpret_cast<const sixteen_bytes*>(p)[i];
        T numbers[row_chunk];
        static_assert(sizeof numbers == sizeof piece);
        __builtin_memcpy(&numbers, &piece, sizeof piece);
#pragma unroll
        for (int i = 0; i < row_chunk; ++i) x[k][i] = computed(numbers[i]);
      } else {
#pragma unroll
        for (int i = 0; i < row_chunk; ++i) x[k][i] = i < count ? computed(p[i * from[k].col_stride]) : C(0);
      }
    }
  }
  /// `absent` where the mask excludes.
  __device__ void replace_masked(const mask_of_row& mask, index first, C absent) {
#pragma unroll
    for (int i = 0; i < row_chunk; ++i) {
      if (i >= count || !mask.excludes(first + i)) continue;
#pragma unroll
      for (int k = 0; k < N; ++k) x[k][i] = absent;
    }
  }
  [[nodiscard]] __device__ vec<lane<C>, N> at(int i) const {
    vec<lane<C>, N> v;
#pragma unroll
    for (int k = 0; k < N; ++k) v[k] = lane<C>(x[k][i]);
    return v;
  }
};

/// Folds the elements in a thread's registers into its state: their maximum first, and a rescale only where it is a new one.
template<class Pass, class C, int N, class Row>
__device__ void fold_registers(const Pass& pass, const row_registers<C, N>& x, const Row& row,
                               row_state<Pass::maxima, Pass::sums>& state) {
  using V = lane<C>;
  constexpr int M = Pass::maxima, S = Pass::sums;
  vec<V, M> maximum{};
  if constexpr (M > 0) {
    bool grows = false;
    vec<double, M> drop;
#pragma unroll
    for (int m = 0; m < M; ++m) maximum[m] = V(state.maximum[m]);
#pragma unroll
    for (int i = 0; i < row_chunk; ++i) {
      const vec<V, M> s = pass.shifts(x.at(i), row);
#pragma unroll
      for (int m = 0; m < M; ++m) maximum[m] = select(i < x.count && s[m] > maximum[m], s[m], maximum[m]);
    }
#pragma unroll
    for (int m = 0; m < M; ++m) {
      drop[m] = state.maximum[m] - static_cast<double>(maximum[m].value);
      grows = grows || drop[m] < 0;
      state.maximum[m] = static_cast<double>(maximum[m].value);
    }
    if (grows) Pass::rescale(state.sum, drop);
  }
  vec<V, S> sum;
#pragma unroll
  for (int s = 0; s < S; ++s) sum[s] = V(0);
#pragma unroll
  for (int i = 0; i < row_chunk; ++i) {
    const vec<V, S> t = pass.terms(x.at(i), maximum, row);
#pragma unroll
    for (int s = 0; s < S; ++s) sum[s] = sum[s] + select(i < x.count, t[s], V(0));
  }
#pragma unroll
  for (int s = 0; s < S; ++s) state.sum[s] += static_cast<double>(sum[s].value);
}

/// The states of all threads, merged by a fixed tree; the result is thread 0's. All threads call it.
template<class Pass, int M, int S>
[[nodiscard]] __device__ row_state<M, S> merge_block(const Pass& pass, const row_state<M, S>& mine) {
  __shared__ row_state<M, S> states[row_threads];
  const int thread = static_cast<int>(threadIdx.x);
  __syncthreads();
  states[thread] = mine;
  __syncthreads();
  for (int reach = row_threads / 2; reach > 0; reach /= 2) {
    if (thread < reach) merge_rows(pass, states[thread], states[thread + reach]);
    __syncthreads();
  }
  return states[0];
}

}  // namespace detail

DISPAR_NAMESPACE_END
