#pragma once
/// \file
/// Labels of +1 and -1 in device memory, a bit each. A float matrix of them would take 32 times the memory and the traffic.

#include <cstdint>

#include "dispar/backend/gpu/labels.hpp"
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

/// A word: from a segment of `rows` rows, the first of them number `first` among all rows.
struct pack_label_word {
  device_label_view labels;
  index first, rows;
  std::uint32_t* words;
  index stride;

  DISPAR_FN void operator()(index at) const {
    const index begin = first + at / stride * label_words::rows, label = at % stride, offset = begin % 64;
    if (label >= labels.labels) return;
    const std::uint64_t* const word = labels.words + begin / 64 * labels.labels + label;
    std::uint64_t bits = *word >> offset;
    // Rows behind the segment's last are padding or have words of their own.
    if (offset > 32 && begin - offset + 64 < first + rows) bits |= word[labels.labels] << (64 - offset);
    words[at] = separate(static_cast<std::uint32_t>(bits));
  }

private:
  /// Bits 2b to b and 2b + 1 to b + 16, by exchanging ever larger groups.
  [[nodiscard]] DISPAR_FN static std::uint32_t separate(std::uint32_t x) {
    const auto exchange = [&x](int distance, std::uint32_t mask) {
      const std::uint32_t t = (x ^ x >> distance) & mask;
      x ^= t ^ t << distance;
    };
    exchange(1, 0x22222222u);
    exchange(2, 0x0c0c0c0cu);
    exchange(4, 0x00f000f0u);
    exchange(8, 0x0000ff00u);
    return x;
  }
};

/// The words of all labels, in packed order; of rows that are padding, any.
template<class Labels, class Data>
[[nodiscard]] array<std::uint32_t, 1, gpu> pack_labels(const gpu& b, const Labels& labels, const Data& data, index stride) {
  if constexpr (std::is_same_v<Labels, label_view>) {
    const device_labels there = labels_on(b, labels);
    return pack_labels(b, there.view(), data, stride);
  } else {
    static_assert(std::is_same_v<Labels, device_label_view>,
                  "dispar: the gpu backend takes labels of +1 and -1 that are kept as bits: see dispar/backend/labels.hpp");
    array<std::uint32_t, 1, gpu> words(b, {data.packed_rows() / label_words::rows * stride});
    fill_bytes(b, words, 0);
    for (int s = 0; s < data.segments(); ++s) {
      const index strips = (data.count(s) + label_words::rows - 1) / label_words::rows;
      for_each_index(b, strips * stride,
                     pack_label_word{labels, data.first(s), data.count(s),
                                     words.data() + data.first_packed(s) / label_words::rows * stride, stride});
    }
    return words;
  }
}

}  // namespace detail

DISPAR_NAMESPACE_END
