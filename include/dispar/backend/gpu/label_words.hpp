#pragma once
/// \file
/// Labels of +1 and -1 in device memory, a bit each. A float matrix of them would take 32 times the memory and the traffic.

#include <cstdint>

#include "dispar/backend/gpu/samples.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Labels as kernels read them: one word for 32 packed rows and a label, a set bit being +1; words[packed row / 32 * stride +
/// label]. Rows 2b and 2b + 1 of the 32 are bits b and b + 16: a shift by 15 - b makes them the signs of two 16-bit numbers.
struct label_words {
  static constexpr int rows = 32;
  const std::uint32_t* words;
  index stride;  ///< labels per row of memory: a multiple of 16
  index first;   ///< label that a pass starts with

  /// Those of labels first + label, 32 rows from `packed` on, a multiple of 32.
  [[nodiscard]] __device__ const std::uint32_t* of(index packed, index label) const {
    return words + packed / rows * stride + first + label;
  }
  [[nodiscard]] DISPAR_FN static constexpr int bit(int row) { return row / 2 + row % 2 * 16; }
};

inline constexpr int label_threads = 256;

/// A thread per word: from bits[row][word of 64 labels] of `rows` rows of a segment.
template<int Threads>
__global__ void __launch_bounds__(Threads)
    pack_labels_kernel(const std::uint64_t* bits, index words_per_row, index rows, std::uint32_t* words, index stride) {
  const index at = static_cast<index>(blockIdx.x) * Threads + static_cast<index>(threadIdx.x);
  const index first = at / stride * label_words::rows, label = at % stride;
  if (first >= rows) return;  // no barrier follows
  std::uint32_t word = 0;
#pragma unroll 8
  for (int i = 0; i < label_words::rows; ++i)
    if (first + i < rows) {
      const std::uint64_t labels = bits[(first + i) * words_per_row + label / 64];
      word |= static_cast<std::uint32_t>(labels >> (label % 64) & 1) << label_words::bit(i);
    }
  words[at] = word;
}

/// The words of all labels, in packed order; of rows that are padding, any.
template<class Labels, class Data>
[[nodiscard]] array<std::uint32_t, 1, gpu> pack_labels(const gpu& b, const Labels& labels, const Data& data, index stride) {
  static_assert(
      requires { labels.bits[0]; }, "dispar: the gpu backend takes labels of +1 and -1 that are kept as bits");
  const index count = labels.rows * labels.words;
  const auto bits = upload(b, std::vector<std::uint64_t>(labels.bits, labels.bits + count));
  array<std::uint32_t, 1, gpu> words(b, {data.packed_rows() / label_words::rows * stride});
  fill_bytes(b, words, 0);
  for (int s = 0; s < data.segments(); ++s) {
    const index strips = (data.count(s) + label_words::rows - 1) / label_words::rows;
    launch(b, "pack_labels_kernel", pack_labels_kernel<label_threads>, (strips * stride + label_threads - 1) / label_threads,
           label_threads, bits.data() + data.first(s) * labels.words, labels.words, data.count(s),
           words.data() + data.first_packed(s) / label_words::rows * stride, stride);
  }
  return words;
}

}  // namespace detail

DISPAR_NAMESPACE_END
