#pragma once
/// \file
/// In the place of CUB's header of this name: the same calls and the same order, of bits, sorted by the standard library in one
/// emulated thread. It proves how dispar calls CUB and prepares its keys, and nothing about CUB.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <type_traits>
#include <vector>

namespace cub {

template<class T>
struct DoubleBuffer {
  T* d_buffers[2]{};
  int selector = 0;
  DoubleBuffer(T* current, T* alternate) : d_buffers{current, alternate} {}
  T* Current() { return d_buffers[selector]; }
  T* Alternate() { return d_buffers[selector ^ 1]; }
};

namespace emulated {

/// As cub::RadixSortTwiddle: NaNs by their bits, zeros equal.
template<class Key>
auto twiddled(Key key) {
  using bits = std::conditional_t<sizeof(Key) == 4, std::uint32_t, std::uint64_t>;
  constexpr bits sign = bits{1} << (8 * sizeof(bits) - 1);
  bits raw = __builtin_bit_cast(bits, key);
  if constexpr (std::is_integral_v<Key>) return static_cast<bits>(raw ^ sign);
  if (raw == sign) raw = 0;
  return static_cast<bits>((raw & sign) != 0 ? ~raw : raw ^ sign);
}

template<class Key, class Move>
void sort(const Key* keys, Key* sorted, std::size_t size, const Move& move) {
  std::vector<std::size_t> order(size);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [keys](std::size_t i, std::size_t j) { return twiddled(keys[i]) < twiddled(keys[j]); });
  for (std::size_t i = 0; i < size; ++i) {
    sorted[i] = keys[order[i]];
    move(i, order[i]);
  }
}

inline cudaError_t launch(cudaStream_t stream, std::function<void()> kernel) {
  cudaLaunchConfig_t config{};
  config.gridDim = config.blockDim = dim3(1);
  config.stream = stream;
  return cuda_emulation::launch(config, std::move(kernel));
}

/// The working memory is asked for first, and marked later so that too little of it shows.
inline constexpr std::size_t memory = 777;
inline bool asks_for_memory(const void* given, std::size_t& bytes) {
  if (given == nullptr) bytes = memory;
  return given == nullptr;
}
inline void use(void* given) { std::fill_n(static_cast<unsigned char*>(given), memory, static_cast<unsigned char>(1)); }

}  // namespace emulated

struct DeviceRadixSort {
  template<class Key, class Count>
  static cudaError_t SortKeys(void* memory, std::size_t& bytes, DoubleBuffer<Key>& keys, Count count, int first_bit, int last_bit,
                              cudaStream_t stream) {
    if (emulated::asks_for_memory(memory, bytes)) return cudaSuccess;
    if (bytes < emulated::memory || first_bit != 0 || last_bit != 8 * sizeof(Key)) return cudaErrorInvalidValue;
    const Key* const from = keys.Current();
    Key* const to = keys.Alternate();
    keys.selector ^= 1;
    return emulated::launch(stream, [=] {
      emulated::use(memory);
      emulated::sort(from, to, static_cast<std::size_t>(count), [](std::size_t, std::size_t) {});
    });
  }

  template<class Key, class Value, class Count>
  static cudaError_t SortPairs(void* memory, std::size_t& bytes, DoubleBuffer<Key>& keys, DoubleBuffer<Value>& values,
                               Count count, int first_bit, int last_bit, cudaStream_t stream) {
    if (emulated::asks_for_memory(memory, bytes)) return cudaSuccess;
    if (bytes < emulated::memory || first_bit != 0 || last_bit != 8 * sizeof(Key)) return cudaErrorInvalidValue;
    const Key* const from = keys.Current();
    Key* const to = keys.Alternate();
    const Value* const values_from = values.Current();
    Value* const values_to = values.Alternate();
    keys.selector ^= 1;
    values.selector ^= 1;
    return emulated::launch(stream, [=] {
      emulated::use(memory);
      emulated::sort(from, to, static_cast<std::size_t>(count),
                     [=](std::size_t i, std::size_t from_at) { values_to[i] = values_from[from_at]; });
    });
  }
};

}  // namespace cub
