#pragma once
/// \file
/// Data and counters that the benchmarks share. Names are concept/function/backend/dtype/sizes.

#include <benchmark/benchmark.h>

#include <cmath>
#include <thread>
#include <vector>

#include "ceiling.hpp"
#include "dispar/core/random.hpp"
#include "dispar/core/view_traits.hpp"
#include "useful_flops.hpp"

namespace workload {

/// Two standard normal samples, the second shifted by 0.1; the same numbers in every run.
template<class T>
struct samples {
  dispar::index n, m, d;
  std::vector<T> a, b;

  samples(dispar::index rows_x, dispar::index rows_y, dispar::index features)
      : n(rows_x), m(rows_y), d(features), a(static_cast<std::size_t>(n * d)), b(static_cast<std::size_t>(m * d)) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = dispar::normal<T>({1, 0}, static_cast<dispar::index>(i));
    for (std::size_t i = 0; i < b.size(); ++i) b[i] = dispar::normal<T>({2, 0}, static_cast<dispar::index>(i)) + T(0.1);
  }
  [[nodiscard]] auto x() const { return dispar::as_matrix(a, n, d); }
  [[nodiscard]] auto y() const { return dispar::as_matrix(b, m, d); }
  /// exp(-|x - y|^2 / (2 d)).
  [[nodiscard]] double bandwidth() const { return std::sqrt(static_cast<double>(d)); }
  /// What a value needs.
  [[nodiscard]] double flops() const { return estimate_flops(n, m, d); }
};

/// The multiply-add peak of as many threads as OpenMP uses, measured once per process.
[[nodiscard]] inline double peak_gflops(int threads) {
  static const double one = ceiling::fma_peak_gflops(1);
  static const double all = ceiling::fma_peak_gflops(static_cast<int>(std::thread::hardware_concurrency()));
  return threads == 1 ? one : all;
}

/// Counters: useful FLOP/s, the fraction of the multiply-add peak of this run, and bytes of input per second.
inline void report(benchmark::State& state, double flops, double bytes, int threads) {
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["FLOP/s"] = benchmark::Counter(flops * rounds, benchmark::Counter::kIsRate);
  state.counters["peak_fraction"] =
      benchmark::Counter(flops * rounds / (peak_gflops(threads) * 1e9), benchmark::Counter::kIsRate);
  state.counters["bytes/s"] = benchmark::Counter(bytes * rounds, benchmark::Counter::kIsRate);
}

}  // namespace workload
