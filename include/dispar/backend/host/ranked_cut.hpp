#pragma once

#include "dispar/backend/host/ranked_row_memory.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

inline constexpr index few_ranked = 48;  ///< elements that are ordered by insertion
inline constexpr int rank_bits = 8;      ///< of a key, by which a level of buckets is told apart

/// Of the first `count` listed elements that up to which the running sum of weights, in the order of values, reaches the target:
/// by weights in buckets of the leading bits, then in those of the bucket where it is. weight(i) is that of listed element i.
template<class T, class Weight>
[[nodiscard]] ranked_element<T> find_cut(const ranked_row_memory<T>& memory, index count, const Weight& weight, double target) {
  using bits = key_bits<T>;
  bits* const key = memory.key;
  std::int32_t* const place = memory.place;
  bits high = 0, low = static_cast<bits>(~bits{0});
  for (index i = 0; i < count; ++i) {
    key[i] = ordered_bits<T>(memory.value[i], 0);
    place[i] = static_cast<std::int32_t>(i);
    high = key[i] > high ? key[i] : high;
    low = key[i] < low ? key[i] : low;
  }
  double before = 0;
  while (count > few_ranked && high != low) {
    const int shift = bucket_shift<bits>(high - low, rank_bits);
    double sum[1 << rank_bits] = {};
    for (index i = 0; i < count; ++i) sum[(high - key[i]) >> shift] += weight(place[i]);
    const bits buckets = (high - low) >> shift;
    bits chosen = 0;
    for (; chosen < buckets && before + sum[chosen] < target; ++chosen) before += sum[chosen];
    index left = 0;
    const bits top = high;
    high = 0;
    low = static_cast<bits>(~bits{0});
    for (index i = 0; i < count; ++i) {
      if ((top - key[i]) >> shift != chosen) continue;
      key[left] = key[i];
      place[left++] = place[i];
      high = key[i] > high ? key[i] : high;
      low = key[i] < low ? key[i] : low;
    }
    count = left;
  }
  if (high != low)  // few: the order itself, equal ones in the order of positions
    for (index i = 1; i < count; ++i) {
      const bits k = key[i];
      const std::int32_t p = place[i];
      index j = i;
      for (; j > 0 && key[j - 1] < k; --j) {
        key[j] = key[j - 1];
        place[j] = place[j - 1];
      }
      key[j] = k;
      place[j] = p;
    }
  index i = 0;
  for (; i + 1 < count; ++i) {
    before += weight(place[i]);
    if (before >= target) break;
  }
  return {memory.value[place[i]], memory.at[place[i]]};
}

}  // namespace detail

DISPAR_NAMESPACE_END
