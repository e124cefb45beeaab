#pragma once

#include <cstdint>

#include "dispar/core/config.hpp"

DISPAR_NAMESPACE_BEGIN

/// How `gpu` multiplies float rows for metrics that are a matrix product (`sq_euclidean`, `dot`), on tensor cores either way.
///
///     dispar::gpu fast{&context, dispar::precision::tf32};
///
/// Bounds for the products a.b of d features, S = sum |a_k b_k| and u = 2^-24, for tensor cores that cut sums off where floats
/// round (what NVIDIA leaves open; tests/cuda_emulation does so). Squared distances add the error of two norms, which are summed
/// in double from the numbers that are multiplied: 3u (|a|^2 + |b|^2).
/// - `exact`: each number is split into two of 11 bits, three products of the parts are added, small ones first, and every 16
///   features go to the sum with rounding to nearest. Left out are the products of the small parts and the last bit of some
///   numbers. Within (60 + d/16) u S; multiply-adds in float have d u S, and at d = 256 errors of the same size. Equal rows get
///   distances within this of 0, not always 0.
/// - `tf32`: each number is rounded to 11 bits once, when it is packed (and centred): within (2^-10 + 3 d u) S. Distances are
///   those of rounded rows, so that equal rows lose only the second part. A third of the products of `exact`.
///
/// Samples of `half` or `bfloat16` have no choice: they are multiplied as they are, not centred, and products are exact: within
/// 3 d u S.
enum class precision { exact, tf32 };

namespace detail {

/// The nearest number of 11 bits, as the bits of a float; of two, the one farther from 0. Finite numbers only.
[[nodiscard]] DISPAR_FN std::uint32_t rounded_to_tf32(float x) {
  return (__builtin_bit_cast(std::uint32_t, x) + 0x1000u) & 0xffffe000u;
}

}  // namespace detail

DISPAR_NAMESPACE_END
