#pragma once
/// \file
/// What this GPU can do, measured in the same run as the benchmarks.

namespace gpu_ceiling {

struct rates {
  double copy_gbs;     ///< bytes read plus bytes written, 512 MiB to 512 MiB
  double ffma_gflops;  ///< float multiply-adds from registers, counted twice
  double dfma_gflops;  ///< the same in double
  double tf32_gflops;  ///< cuBLAS, 8192 cubed on random numbers, float in and out; 0 without cuBLAS
  double bf16_gflops;  ///< the same with bfloat16 in and float out; 0 without cuBLAS
};

/// Of the current device, the best of several trials.
[[nodiscard]] rates measure();
/// The same, measured at the first call.
[[nodiscard]] const rates& measured();

}  // namespace gpu_ceiling
