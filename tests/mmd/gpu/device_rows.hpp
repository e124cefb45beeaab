#pragma once
/// \file
/// The same rows on the host and on the device. Files that include this are compiled by nvcc, and once more with the kernels
/// emulated on the CPU: tests/cuda_emulation.

#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "normal_rows.hpp"

namespace gpu_tests {

using dispar::index;

[[nodiscard]] inline dispar::gpu device() {
  static dispar::cuda_context context;
  return {&context};
}

/// `count` x `features` normal draws.
template<class T>
struct device_rows {
  index count, features;
  std::vector<T> numbers;
  dispar::array<T, 2, dispar::gpu> copy;

  device_rows(index n, index d, std::uint64_t stream, double mean = 0)
      : count(n),
        features(d),
        numbers(normal_rows<T>(n, d, stream, mean)),
        copy(to(device(), dispar::as_matrix(numbers, n, d))) {}
  [[nodiscard]] auto host() const { return dispar::as_matrix(numbers, count, features); }
  [[nodiscard]] auto view() const { return copy.view(); }
};

/// A matrix of device memory that kernels write, each element `value` before.
template<class T>
struct device_result {
  dispar::array<T, 2, dispar::gpu> memory;

  device_result(index n, index d, T value) {
    const std::vector<T> before(static_cast<std::size_t>(n * d), value);
    memory = to(device(), dispar::as_matrix(before, n, d));
  }
  [[nodiscard]] auto view() { return memory.view(); }
  [[nodiscard]] std::vector<T> on_host() const {
    const auto copy = to_host(device(), memory);
    return {copy.data(), copy.data() + copy.view().size()};
  }
};

/// Not further apart than `tolerance` times the largest magnitude.
template<class A, class B>
[[nodiscard]] bool close(const A& a, const B& b, double tolerance) {
  double largest = 0, apart = 0;
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    if (!(std::fabs(x - y) >= 0)) return false;  // NaN
    largest = std::fmax(largest, std::fabs(y));
    apart = std::fmax(apart, std::fabs(x - y));
  }
  return apart <= tolerance * largest;
}

}  // namespace gpu_tests
