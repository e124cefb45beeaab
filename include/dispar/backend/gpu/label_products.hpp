#pragma once
/// \file
/// Products of a tile of floats with labels of +1 and -1 on tensor cores.
///
/// A row of the tile becomes integers in a unit of its own, 2^e being the power of two that its largest magnitude reaches:
/// x = (leading + trailing / 4096) 2^(e - 10), both at most 2048 in magnitude, which 16-bit floats hold. Their products with
/// labels and the sums of these are integers below 2^18: exact, in whatever order and with however few guard bits tensor cores
/// add. What is lost is the rounding of trailing, 2^(e - 23) at most, half a unit in the last place of the row's largest
/// number. Beyond the products, a sum over a tile is added in float. With u = 2^-24 and tiles of `edge` rows, forms w'Kw are
/// therefore within (2 edge + 11) u sum |k_ij| of the exact ones; if all k_ij of a row are in a binade, within 13 u.

#include <cstdint>

#include "dispar/backend/gpu/label_words.hpp"
#include "dispar/backend/gpu/mma.hpp"
#include "dispar/backend/gpu/sinks.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// The unit of the leading integers of a row, by the bits of its largest magnitude: NaN where that is infinite or NaN. Units end
/// at 2^-113, where what is lost is less than the least normal float.
struct row_unit {
  std::uint32_t exponent;  ///< of the largest magnitude, biased as in a float
  __device__ explicit row_unit(std::uint32_t largest) : exponent(largest >> 23 < 24 ? 24 : largest >> 23) {}
  [[nodiscard]] __device__ float value() const {
    return __builtin_bit_cast(float, exponent == 255 ? 0x7fc00000u : (exponent - 10) << 23);
  }
  [[nodiscard]] __device__ float reciprocal() const { return __builtin_bit_cast(float, (264 - exponent) << 23); }
};

/// A float in units of its row, in two parts.
struct split_number {
  float leading, trailing;
  __device__ split_number(float x, float reciprocal_unit) {
    leading = rintf(x * reciprocal_unit);
    trailing = rintf((x * reciprocal_unit - leading) * 4096);
  }
};

/// `quadratic_forms` of floats: sum_i w_i (sum_j k_ij w_j). A warp has 32 rows of the tile in registers, as the right operand of
/// `mma`, and goes through its share of the labels, 16 at a time, whose signs it makes of their bits.
template<int Output>
struct label_products {
  static constexpr bool needs_tile = false;
  static constexpr int occupancy = 1;
  static constexpr int labels_at_once = 16;
  label_words labels;
  index count;      ///< labels of this pass
  index stride;     ///< of `partial`
  index members;    ///< of the family of operations
  double* partial;  ///< [thread block][32 rows of a tile][member][label]

  /// Shared memory: the tile in place of the slices of its products, which are done by then.
  template<class Source>
  struct memory {
    using shape = typename Source::shape;
    static constexpr int pitch = shape::edge / 2 + 4;  // fragments, eight rows wide and four words deep, lie in 32 banks
    struct split_tile {
      std::uint32_t leading[shape::edge * pitch], trailing[shape::edge * pitch];  // [row][columns 2k, 2k + 1]
    };
    union {
      typename Source::slices slices;
      split_tile split;
    };
    std::uint32_t largest[shape::row_warps][shape::edge];
    float unit[shape::edge];
  };

  template<class Source, class Operation>
  __device__ void tile(const tile_values<Source, Operation>& values, const tile_position& at, const Source&,
                       memory<Source>& shared) const {
    split(values, shared);
    multiply(at, shared);
  }

private:
  /// Read at once.
  struct alignas(8) two_labels {
    std::uint32_t of[2];
  };

  template<class Source, class Operation>
  __device__ static void split(const tile_values<Source, Operation>& values, memory<Source>& shared) {
    using shape = typename Source::shape;
    const int thread = static_cast<int>(threadIdx.x);
    std::uint32_t largest[shape::rows];
#pragma unroll
    for (int r = 0; r < shape::rows; ++r) {
      largest[r] = 0;
#pragma unroll
      for (int s = 0; s < shape::cols; ++s) {
        const float x = values.output[r][s][Output].value;
        const std::uint32_t magnitude = __builtin_bit_cast(std::uint32_t, x) & 0x7fffffffu;
        largest[r] = largest[r] < magnitude ? magnitude : largest[r];
      }
      for (int distance = shape::row_lanes / 2; distance > 0; distance /= 2) {
        const std::uint32_t other = __shfl_xor_sync(0xffffffffu, largest[r], distance);
        largest[r] = largest[r] < other ? other : largest[r];
      }
    }
    __syncthreads();
    if (thread % shape::row_lanes == 0) {
#pragma unroll
      for (int r = 0; r < shape::rows; ++r) shared.largest[shape::row_warp(thread)][shape::row(thread, r)] = largest[r];
    }
    __syncthreads();
#pragma unroll
    for (int r = 0; r < shape::rows; ++r) {
      const int row = shape::row(thread, r);
#pragma unroll
      for (int w = 0; w < shape::row_warps; ++w)
        largest[r] = largest[r] < shared.largest[w][row] ? shared.largest[w][row] : largest[r];
      const row_unit unit(largest[r]);
      if (thread % shape::row_lanes == 0 && shape::row_warp(thread) == 0) shared.unit[row] = unit.value();
      const float reciprocal = unit.reciprocal();
#pragma unroll
      for (int s = 0; s < shape::cols; s += 2) {  // neighbours, in every shape
        const split_number a(values.output[r][s][Output].value, reciprocal);
        const split_number b(values.output[r][s + 1][Output].value, reciprocal);
        const int word = row * memory<Source>::pitch + shape::col(thread, s) / 2;
        shared.split.leading[word] = half_word(a.leading, b.leading);
        shared.split.trailing[word] = half_word(a.trailing, b.trailing);
      }
    }
    __syncthreads();
  }

  template<class Source>
  __device__ void multiply(const tile_position& at, const memory<Source>& shared) const {
    constexpr int edge = Source::shape::edge, steps = edge / 16, groups = edge / label_words::rows, blocks = 4;
    constexpr int warps = Source::shape::threads / 32;
    const int thread = static_cast<int>(threadIdx.x), warp = thread / 32, g = thread % 32 / 4, t = thread % 4;
    const int group = warp % groups, first_row = group * label_words::rows;
    if (first_row >= at.own.count) return;  // no barrier follows before the next tile's

    // Eight rows a block, sixteen columns a step.
    col_words leading[blocks][steps], trailing[blocks][steps];
    float unit[blocks][2];
#pragma unroll
    for (int n = 0; n < blocks; ++n) {
      const int row = first_row + n * 8;
#pragma unroll
      for (int k = 0; k < steps; ++k)
#pragma unroll
        for (int w = 0; w < 2; ++w) {
          const int word = (row + g) * memory<Source>::pitch + k * 8 + w * 4 + t;
          leading[n][k].of[w] = shared.split.leading[word];
          trailing[n][k].of[w] = shared.split.trailing[word];
        }
      unit[n][0] = shared.unit[row + 2 * t];
      unit[n][1] = shared.unit[row + 2 * t + 1];
    }

    constexpr int step = warps / groups * labels_at_once;
    const int end = static_cast<int>(count), words_per_row = static_cast<int>(labels.stride);
    int p = warp / groups * labels_at_once;
    // Of this lane: labels 2g and 2g + 1 of the sixteen, rows g and g + 8 of the left operand.
    const std::uint32_t* const column_words = labels.of(at.other.packed, 2 * g);
    const std::uint32_t* const row_word = labels.of(at.own.packed + first_row, 2 * g);
    two_labels columns[steps / 2], rows;
    const auto fetch = [&](int from) {
#pragma unroll
      for (int k = 0; k < steps / 2; ++k) columns[k] = two_at(column_words + (k * words_per_row + from));
      rows = two_at(row_word + from);
    };
    if (p < end) fetch(p);
    double* const target =
        partial + ((static_cast<index>(blockIdx.x) * groups + group) * members + at.member) * stride + 2 * g + t;
#pragma unroll 1
    for (; p < end; p += step) {
      const double before = t < 2 ? target[p] : 0.0;
      row_words signs[steps];
#pragma unroll
      for (int k = 0; k < steps; k += 2)
#pragma unroll
        for (int l = 0; l < 2; ++l) {
          const std::uint32_t bits = columns[k / 2].of[l] << (3 - t);
#pragma unroll
          for (int w = 0; w < 2; ++w) {
            signs[k].of[2 * w + l] = ones_with_signs(bits << (12 - 4 * w));
            signs[k + 1].of[2 * w + l] = ones_with_signs(bits << (4 - 4 * w));
          }
        }
      const std::uint32_t negative[2] = {~rows.of[0] << (3 - t), ~rows.of[1] << (3 - t)};
      if (p + step < end) fetch(p + step);  // arrives while these labels are multiplied
      float sum[2] = {0, 0};
#pragma unroll
      for (int n = 0; n < blocks; ++n) {
        float whole[4] = {0, 0, 0, 0}, rest[4] = {0, 0, 0, 0};
#pragma unroll
        for (int k = 0; k < steps; ++k) {
          mma<mma_numbers::half>(whole[0], whole[1], whole[2], whole[3], signs[k], leading[n][k]);
          mma<mma_numbers::half>(rest[0], rest[1], rest[2], rest[3], signs[k], trailing[n][k]);
        }
#pragma unroll
        for (int l = 0; l < 2; ++l)
#pragma unroll
          for (int r = 0; r < 2; ++r) {
            const float product = fmaf(rest[2 * l + r], 0x1p-12f, whole[2 * l + r]);
            sum[l] = fmaf(with_sign(product, negative[l] << (28 - 4 * n - 16 * r)), unit[n][r], sum[l]);
          }
      }
#pragma unroll
      for (int l = 0; l < 2; ++l)
        for (int distance = 1; distance < 4; distance *= 2) sum[l] += __shfl_xor_sync(0xffffffffu, sum[l], distance);
      if (t < 2) target[p] = before + static_cast<double>(t == 0 ? sum[0] : sum[1]);
    }
  }

  [[nodiscard]] __device__ static two_labels two_at(const std::uint32_t* words) {
    return *reinterpret_cast<const two_labels*>(words);
  }
  /// Two halves of magnitude 1, positive where bit 15 or 31 is set.
  [[nodiscard]] __device__ static std::uint32_t ones_with_signs(std::uint32_t bits) { return (bits & 0x80008000u) ^ 0xbc00bc00u; }
  /// x, its sign turned where bit 31 is set.
  [[nodiscard]] __device__ static float with_sign(float x, std::uint32_t bits) {
    return __builtin_bit_cast(float, __builtin_bit_cast(std::uint32_t, x) ^ (bits & 0x80000000u));
  }
};

}  // namespace detail

DISPAR_NAMESPACE_END
