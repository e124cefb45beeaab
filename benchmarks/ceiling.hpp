#pragma once
/// \file
/// What this machine can do, measured in the same run as the benchmarks: every speed is reported as a fraction of it.
///
/// Compiled with the flags of the benchmark itself: a build without `-march` measures the baseline instruction set's peak,
/// so that the fraction says how good the code is and `dispar::instruction_set()` says what the flags gave away.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "dispar/core/pack_math.hpp"

namespace ceiling {

namespace detail {

/// Best of `trials` of `work(thread)` on `threads` threads that start together; returns seconds from the first start to the
/// last end. The best, not the median: a ceiling is what the machine reaches undisturbed.
template<class Work>
[[nodiscard]] double best_seconds(int threads, int trials, const Work& work) {
  double best = 1e300;
  for (int trial = 0; trial < trials; ++trial) {
    std::atomic<int> ready{0};
    using clock = std::chrono::steady_clock;
    std::vector<clock::time_point> begin(static_cast<std::size_t>(threads)), end(begin.size());
    const auto body = [&](int t) {
      // Yielding, not spinning: on a busy machine a spinning thread would hold the core that the last one needs.
      for (++ready; ready < threads;) std::this_thread::yield();
      begin[static_cast<std::size_t>(t)] = clock::now();
      work(t);
      end[static_cast<std::size_t>(t)] = clock::now();
    };
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back(body, t);
    body(0);
    for (auto& other : others) other.join();
    const std::chrono::duration<double> span =
        *std::max_element(end.begin(), end.end()) - *std::min_element(begin.begin(), begin.end());
    best = std::min(best, span.count());
  }
  return best;
}

/// Hides a value's origin from the optimizer without a memory access in the caller's loop.
template<class T>
inline void opaque(T& value) {
  asm volatile("" : "+m"(value) : : "memory");
}

/// `rounds` rounds of 12 independent multiply-adds of full vectors: the latency (4 cycles) times the two units of every
/// current core is 8, and 12 accumulators with 2 operands fit the 16 registers of AVX2.
[[gnu::noinline]] inline float fma_chains(std::ptrdiff_t rounds) {
  using V = dispar::native_pack<float>;
  float scale = 0.999999f, shift = 1e-6f;
  opaque(scale);
  opaque(shift);
  const V a(scale), b(shift);
  V c0(1), c1(2), c2(3), c3(4), c4(5), c5(6), c6(7), c7(8), c8(9), c9(10), c10(11), c11(12);
  for (std::ptrdiff_t i = 0; i < rounds; ++i) {
    c0 = fma(c0, a, b), c1 = fma(c1, a, b), c2 = fma(c2, a, b), c3 = fma(c3, a, b);
    c4 = fma(c4, a, b), c5 = fma(c5, a, b), c6 = fma(c6, a, b), c7 = fma(c7, a, b);
    c8 = fma(c8, a, b), c9 = fma(c9, a, b), c10 = fma(c10, a, b), c11 = fma(c11, a, b);
  }
  V total = ((c0 + c1) + (c2 + c3)) + ((c4 + c5) + (c6 + c7)) + ((c8 + c9) + (c10 + c11));
  opaque(total);
  return total[0];
}

}  // namespace detail

/// Multiply-add peak in GFLOP/s (a multiply-add is two), float, from registers. 30 to 150 ms.
[[nodiscard]] inline double fma_peak_gflops(int threads = 1) {
  constexpr std::ptrdiff_t rounds = 1'000'000;
  constexpr double flops = 2.0 * 12 * dispar::native_width<float> * static_cast<double>(rounds);
  std::atomic<float> sink{0};
  const double seconds = detail::best_seconds(threads, 9, [&](int) { sink = detail::fma_chains(rounds); });
  return threads * flops / seconds * 1e-9;
}

/// Bandwidth in GB/s of b = s a over 256 MiB, bytes read plus bytes written (the read for ownership is not counted).
[[nodiscard]] inline double copy_gbs(int threads = 1) {
  using V = dispar::native_pack<float>;
  constexpr std::size_t count = std::size_t{32} << 20;  // floats in each of the two arrays: 128 MiB, beyond every cache
  std::vector<float> a(count, 1.0f), b(count, 0.0f);
  float scale = 1.5f;
  detail::opaque(scale);
  const V s(scale);
  const double seconds = detail::best_seconds(threads, 5, [&](int t) {
    const auto part = count / static_cast<std::size_t>(threads) / V::width * V::width;
    const auto first = part * static_cast<std::size_t>(t);
    for (std::size_t i = first; i < first + part; i += V::width) (V::load(a.data() + i) * s).store(b.data() + i);
  });
  detail::opaque(b[count / 2]);
  return 2.0 * static_cast<double>(count) * sizeof(float) / seconds * 1e-9;
}

/// Exponentials per second (in 1e9) of `dispar::exp2_nonpositive` on 4096 floats in the first-level cache.
[[nodiscard]] inline double exp_rate(int threads = 1) {
  using V = dispar::native_pack<float>;
  constexpr std::size_t count = 4096;
  constexpr int sweeps = 8000;
  const double seconds = detail::best_seconds(threads, 7, [&](int) {
    std::vector<float> x(count), y(count);
    for (std::size_t i = 0; i < count; ++i) x[i] = -20.0f * static_cast<float>(i) / static_cast<float>(count);
    for (int sweep = 0; sweep < sweeps; ++sweep) {
      for (std::size_t i = 0; i < count; i += V::width) exp2_nonpositive(V::load(x.data() + i)).store(y.data() + i);
      detail::opaque(y[0]);
    }
  });
  return threads * static_cast<double>(count) * sweeps / seconds * 1e-9;
}

}  // namespace ceiling
