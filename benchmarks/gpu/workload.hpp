#pragma once
/// \file
/// Data, timing and counters that the GPU benchmarks share. Names are concept/function/gpu/dtype/sizes.

#include <benchmark/benchmark.h>

#include <cmath>
#include <exception>
#include <utility>
#include <vector>

#include "dispar/backend/gpu.hpp"
#include "dispar/core/random/normal.hpp"
#include "gpu/ceiling.hpp"
#include "gpu/event_timer.hpp"
#include "gpu/memory_pool.hpp"
#include "useful_flops.hpp"

namespace gpu_workload {

/// A benchmark file has `const registration added(&add);`, and `add(large)` registers its benchmarks: with `large` those of the
/// sizes that a big GPU is judged by too.
using add_function = void (*)(bool large);
[[nodiscard]] inline std::vector<add_function>& registrations() {
  static std::vector<add_function> all;
  return all;
}
struct registration {
  explicit registration(add_function add) { registrations().push_back(add); }
};

/// The default stream of the current device.
[[nodiscard]] inline dispar::gpu device() {
  static dispar::cuda_context context;
  return {&context};
}

template<class T>
__global__ void fill_normal_kernel(T* target, dispar::index count, std::uint64_t seed, T mean) {
  const auto stride = static_cast<dispar::index>(gridDim.x) * blockDim.x;
  for (dispar::index i = static_cast<dispar::index>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride)
    target[i] = dispar::normal<T>({seed, 0}, i) + mean;
}

/// Two standard normal samples on the device, the second shifted by 0.1; the numbers of `workload::samples`.
template<class T>
struct samples {
  dispar::index n, m, d;
  dispar::array<T, 2, dispar::gpu> x, y;

  samples(dispar::index rows_x, dispar::index rows_y, dispar::index features)
      : n(rows_x), m(rows_y), d(features), x(device(), {n, d}), y(device(), {m, d}) {
    fill_normal_kernel<T><<<1024, 256>>>(x.data(), n * d, 1, T(0));
    fill_normal_kernel<T><<<1024, 256>>>(y.data(), m * d, 2, T(0.1));
    detail::check(cudaGetLastError(), "fill_normal_kernel");
  }
  /// exp(-|x - y|^2 / (2 d)).
  [[nodiscard]] double bandwidth() const { return std::sqrt(static_cast<double>(d)); }
  [[nodiscard]] double bytes() const { return static_cast<double>(sizeof(T)) * static_cast<double>((n + m) * d); }
};

/// Times `work` by events, and counts: useful FLOP/s; bytes of input per second; their fractions of this run's ceilings, of the
/// multiply-adds of `T` and of cuBLAS in TF32 and bfloat16 where it was measured; extra device memory, in bytes and in copies of
/// the data. An exception is the benchmark's error.
template<class T, class Work>
void measure(benchmark::State& state, double flops, double bytes, const Work& work) {
  try {
    work();
    const double extra = peak_extra_bytes(work);
    event_timer timer(device().stream());
    for (auto _ : state) {
      timer.start();
      work();
      state.SetIterationTime(timer.seconds());
    }
    using benchmark::Counter;
    const auto rate = [&](double per_run) {
      return Counter(per_run * static_cast<double>(state.iterations()), Counter::kIsRate);
    };
    const auto& ceiling = gpu_ceiling::measured();
    state.counters["FLOP/s"] = rate(flops);
    state.counters["bytes/s"] = rate(bytes);
    state.counters["fma_fraction"] = rate(flops / (1e9 * (sizeof(T) == 4 ? ceiling.ffma_gflops : ceiling.dfma_gflops)));
    if (sizeof(T) == 4 && ceiling.tf32_gflops > 0) {
      state.counters["tf32_fraction"] = rate(flops / (1e9 * ceiling.tf32_gflops));
      state.counters["bf16_fraction"] = rate(flops / (1e9 * ceiling.bf16_gflops));
    }
    state.counters["copy_fraction"] = rate(bytes / (1e9 * ceiling.copy_gbs));
    state.counters["extra_MB"] = 1e-6 * extra;
    state.counters["extra_copies"] = extra / bytes;
  } catch (const std::exception& problem) {
    state.SkipWithError(problem.what());
  }
}

}  // namespace gpu_workload
