#pragma once
/// \file
/// Distances of metrics that are a matrix product, on tensor cores.
///
/// Rows are packed as 32-bit words, words[word * stride + packed row]. A slice of 16 words of the tile's rows and columns is
/// copied to shared memory as it is, three slices ahead of the products; the fragments of `mma` are then single words, without
/// bank conflicts, for 32-bit and for 16-bit numbers alike. What is missing in the last slice is zero, or not multiplied.

#include <cassert>
#include <type_traits>

#include "dispar/backend/gpu/mma.hpp"
#include "dispar/backend/gpu/precision.hpp"
#include "dispar/backend/gpu/tile.hpp"
#include "dispar/core/half.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// What the words are and how they are multiplied.
enum class product_form {
  split_tf32,  ///< floats, each as the sum of two numbers of 11 bits: three products
  tf32,        ///< floats that were rounded to 11 bits
  half,        ///< pairs of numbers
  bfloat16,
};

/// Packed rows as kernels see them. Rows up to a whole tile are there from every row on that starts a strip.
template<product_form Form, class Metric, int Channels, int Edge>
struct tensor_source {
  using value_type = float;
  using metric_type = Metric;
  using shape = tensor_shape<Edge>;
  static constexpr int channels = Channels;
  static constexpr bool split = Form == product_form::split_tf32;
  static constexpr mma_numbers numbers = Form == product_form::half       ? mma_numbers::half
                                         : Form == product_form::bfloat16 ? mma_numbers::bfloat16
                                                                          : mma_numbers::tf32;
  static constexpr int per_word = numbers == mma_numbers::tf32 ? 1 : 2;
  const std::uint32_t* words[Channels];
  const float* terms[Channels];
  index features[Channels];
  index stride;

  /// What `distances` keeps in shared memory.
  struct slice {
    alignas(16) std::uint32_t rows[shape::depth * shape::pitch];  ///< [word][row]
    alignas(16) std::uint32_t cols[shape::depth * shape::pitch];
  };
  struct slices {
    slice of[shape::slices];
  };

  /// Distances of channel c of the own strip's rows to the other's.
  template<class Shared>
  __device__ void distances(int c, const row_strip& own, const row_strip& other, pair_order, Shared& shared,
                            lane<float> (&d)[shape::rows][shape::cols]) const {
    constexpr int ahead = shape::slices - 1;
    const int thread = static_cast<int>(threadIdx.x);
    const index count = words_of(c), slices = (count + shape::depth - 1) / shape::depth;
    const std::uint32_t* const rows = words[c] + own.packed;
    const std::uint32_t* const cols = words[c] + other.packed;
    assert(own.packed % shape::piece == 0 && own.packed + Edge <= stride);
    assert(other.packed % shape::piece == 0 && other.packed + Edge <= stride);
    const auto fetch = [&](index s) {
      if (s < slices) {
        slice& to = shared.slices.of[s % shape::slices];
        copy(to.rows, rows, s, count);
        copy(to.cols, cols, s, count);
      }
      commit_copies();  // of nothing, too: `wait_for_copies` counts groups
    };

    // Warps whose rows or columns are all padding only copy.
    const bool multiplies = shape::first_row(thread) < own.count && shape::first_col(thread) < other.count;
    float sums[shape::rows][shape::cols] = {};
    __syncthreads();
    for (index s = 0; s < ahead; ++s) fetch(s);
    for (index s = 0; s < slices; ++s) {
      wait_for_copies<ahead - 1>();
      __syncthreads();  // slice s is there for all threads, and nobody needs slice s - 1 any more
      fetch(s + ahead);
      const index left = count - s * shape::depth;
      if (multiplies)
        add_products(shared.slices.of[s % shape::slices], left < shape::depth ? static_cast<int>(left) : shape::depth, sums);
    }

    float col_terms[shape::cols];
#pragma unroll
    for (int j = 0; j < shape::cols; ++j) col_terms[j] = terms[c][other.packed + shape::col(thread, j)];
#pragma unroll
    for (int i = 0; i < shape::rows; ++i) {
      const lane<float> row_term(terms[c][own.packed + shape::row(thread, i)]);
#pragma unroll
      for (int j = 0; j < shape::cols; ++j)
        d[i][j] = Metric::finish(lane<float>(sums[i][j]), row_term, lane<float>(col_terms[j]));
    }
  }

  /// One distance, the product in double; i and j are packed rows. Equal rows: 0 exactly, for their norms are such products.
  __device__ lane<float> distance(int c, index i, index j) const {
    assert(i >= 0 && i < stride && j >= 0 && j < stride);
    lane<double> product(0);
    for (index k = 0; k < features[c]; ++k)
      product = Metric::step(product, lane<double>(value(c, k, i)), lane<double>(value(c, k, j)));
    return Metric::finish(lane<float>(product.value), lane<float>(terms[c][i]), lane<float>(terms[c][j]));
  }

  /// Feature k of a packed row.
  __device__ float value(int c, index k, index row) const {
    if constexpr (per_word == 1) {
      return __builtin_bit_cast(float, words[c][k * stride + row]);
    } else {
      using number = std::conditional_t<Form == product_form::half, dispar::half, dispar::bfloat16>;
      const std::uint32_t word = words[c][k / 2 * stride + row];
      return static_cast<float>(__builtin_bit_cast(number, static_cast<std::uint16_t>(k % 2 == 0 ? word : word >> 16)));
    }
  }

private:
  /// Read at once.
  struct alignas(8) two_words {
    std::uint32_t of[2];
  };

  [[nodiscard]] __device__ index words_of(int c) const { return (features[c] + per_word - 1) / per_word; }

  /// Starts the copies of slice s.
  __device__ void copy(std::uint32_t* to, const std::uint32_t* from, index s, index count) const {
    constexpr int pieces = Edge / shape::piece, step = shape::threads / pieces;
    const int thread = static_cast<int>(threadIdx.x), i = thread % pieces * shape::piece;
#pragma unroll
    for (int k0 = 0; k0 < shape::depth; k0 += step) {
      const int k = k0 + thread / pieces;
      const index word = s * shape::depth + k;
      copy_async(to + k * shape::pitch + i, from + word * stride + i, word < count);
    }
  }

  /// sums += the products of the first `left` words of a slice.
  __device__ static void add_products(const slice& from, int left, float (&sums)[shape::rows][shape::cols]) {
    if constexpr (split) {
      // Tensor cores cut sums off; short ones, added with rounding, keep that from adding up.
      float part[shape::rows][shape::cols] = {};
      add_to(from, left, part);
#pragma unroll
      for (int i = 0; i < shape::rows; ++i)
#pragma unroll
        for (int j = 0; j < shape::cols; ++j) sums[i][j] += part[i][j];
    } else {
      add_to(from, left, sums);
    }
  }

  __device__ static void add_to(const slice& from, int left, float (&sums)[shape::rows][shape::cols]) {
    constexpr int row_blocks = shape::rows / 2, col_blocks = shape::cols / 2, words_per_step = 8;
    const int thread = static_cast<int>(threadIdx.x), g = thread % 32 / 4, t = thread % 4;
    const std::uint32_t* const rows = from.rows + t * shape::pitch + shape::first_row(thread) + 2 * g;
    const std::uint32_t* const cols = from.cols + t * shape::pitch + shape::first_col(thread) + g;
#pragma unroll
    for (int k = 0; k < shape::depth; k += words_per_step) {
      if (k >= left) break;
      row_words a[row_blocks], small_a[split ? row_blocks : 1];
      col_words b[col_blocks], small_b[split ? col_blocks : 1];
#pragma unroll
      for (int i = 0; i < row_blocks; ++i)
#pragma unroll
        for (int w = 0; w < 4; w += 2) {
          const auto both = *reinterpret_cast<const two_words*>(rows + (k + w * 2) * shape::pitch + i * 16);
          a[i].of[w] = both.of[0];
          a[i].of[w + 1] = both.of[1];
        }
#pragma unroll
      for (int j = 0; j < col_blocks; ++j)
#pragma unroll
        for (int w = 0; w < 2; ++w) b[j].of[w] = cols[(k + w * 4) * shape::pitch + j * 8];
      if constexpr (split) {
#pragma unroll
        for (int i = 0; i < row_blocks; ++i)
#pragma unroll
          for (int w = 0; w < 4; ++w) small_a[i].of[w] = split_off(a[i].of[w]);
#pragma unroll
        for (int j = 0; j < col_blocks; ++j)
#pragma unroll
          for (int w = 0; w < 2; ++w) small_b[j].of[w] = split_off(b[j].of[w]);
        add_block_products(sums, small_a, b);
        add_block_products(sums, a, small_b);
      }
      add_block_products(sums, a, b);
    }
  }

  template<int RowBlocks, int ColBlocks>
  __device__ static void add_block_products(float (&sums)[shape::rows][shape::cols], const row_words (&a)[RowBlocks],
                                            const col_words (&b)[ColBlocks]) {
#pragma unroll
    for (int i = 0; i < RowBlocks; ++i)
#pragma unroll
      for (int j = 0; j < ColBlocks; ++j)
        mma<numbers>(sums[2 * i][2 * j], sums[2 * i][2 * j + 1], sums[2 * i + 1][2 * j], sums[2 * i + 1][2 * j + 1], a[i], b[j]);
  }

  /// Leaves a float's leading 11 bits in `word`, rounded; returns those of the rest.
  [[nodiscard]] __device__ static std::uint32_t split_off(std::uint32_t& word) {
    const auto x = __builtin_bit_cast(float, word);
    word = rounded_to_tf32(x);
    return __builtin_bit_cast(std::uint32_t, x - __builtin_bit_cast(float, word)) & 0xffffe000u;
  }
};

}  // namespace detail

DISPAR_NAMESPACE_END
