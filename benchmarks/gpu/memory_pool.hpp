#pragma once
/// \file
/// Device memory that work needs beyond what is allocated before it: the high-water mark of the pool that `dispar::gpu` allocates
/// from. What libraries allocate by themselves (a cuBLAS workspace) is not in it.

#include <cstdint>

#include "dispar/backend/gpu/context.hpp"

namespace gpu_workload {

namespace detail {

inline void check(cudaError_t status, const char* call) {
  if (status != cudaSuccess) throw dispar::cuda_error(status, call);
}

[[nodiscard]] inline cudaMemPool_t pool() {
  int device = 0;
  cudaMemPool_t found = nullptr;
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaDeviceGetMemPool(&found, device), "cudaDeviceGetMemPool");
  return found;
}

}  // namespace detail

/// Freed memory stays in the pool, as in a long-running process.
inline void keep_freed_memory() {
  std::uint64_t all = UINT64_MAX;
  detail::check(cudaMemPoolSetAttribute(detail::pool(), cudaMemPoolAttrReleaseThreshold, &all), "cudaMemPoolSetAttribute");
}

/// In bytes; waits for the device.
template<class Work>
[[nodiscard]] double peak_extra_bytes(const Work& work) {
  const auto pool = detail::pool();
  detail::check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  std::uint64_t before = 0, peak = 0;
  detail::check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &peak), "cudaMemPoolSetAttribute");
  detail::check(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &before), "cudaMemPoolGetAttribute");
  work();
  detail::check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  detail::check(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &peak), "cudaMemPoolGetAttribute");
  return peak > before ? static_cast<double>(peak - before) : 0.0;
}

}  // namespace gpu_workload
