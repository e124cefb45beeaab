#include "gpu/ceiling.hpp"

#include <algorithm>

#if defined(DISPAR_WITH_CUBLAS)
#include <cublas_v2.h>
#include <cuda_bf16.h>
#endif

#include "dispar/backend/array.hpp"
#include "dispar/core/random/normal.hpp"
#include "gpu/event_timer.hpp"

namespace gpu_ceiling {
namespace {

using dispar::index;

constexpr int threads = 256, chains = 8;
constexpr index rounds = 1 << 14;

__global__ void copy_kernel(const float4* from, float4* to, index count) {
  const auto stride = static_cast<index>(gridDim.x) * blockDim.x;
  for (index i = static_cast<index>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride) to[i] = from[i];
}

/// Independent multiply-adds: 8 chains and 2048 threads per multiprocessor hide their latency of 4 cycles.
template<class T>
__global__ void __launch_bounds__(threads) multiply_add_kernel(T* out, T scale, T shift) {
  T c[chains];
#pragma unroll
  for (int k = 0; k < chains; ++k) c[k] = T(k + 1) + T(threadIdx.x);
#pragma unroll 8
  for (index i = 0; i < rounds; ++i)
#pragma unroll
    for (int k = 0; k < chains; ++k) c[k] = c[k] * scale + shift;
  T sum = 0;
#pragma unroll
  for (int k = 0; k < chains; ++k) sum += c[k];
  out[static_cast<index>(blockIdx.x) * threads + threadIdx.x] = sum;
}

template<class T>
__global__ void normal_kernel(T* target, index count, std::uint64_t seed) {
  const auto stride = static_cast<index>(gridDim.x) * blockDim.x;
  for (index i = static_cast<index>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride)
    target[i] = T(dispar::normal<float>({seed, 0}, i));
}

void check(cudaError_t status, const char* call) {
  if (status != cudaSuccess) throw dispar::cuda_error(status, call);
}

/// Of `trials` runs after an untimed one: a ceiling is what the device reaches undisturbed.
template<class Work>
double best_seconds(const dispar::gpu& b, int trials, const Work& work) {
  gpu_workload::event_timer timer(b.stream());
  work();
  double best = 1e300;
  for (int trial = 0; trial < trials; ++trial) {
    timer.start();
    work();
    best = std::min(best, timer.seconds());
  }
  check(cudaGetLastError(), "ceiling kernels");
  return best;
}

double copy_gbs(const dispar::gpu& b) {
  constexpr index count = index{512} << 20 >> 4;  // beyond every cache
  const dispar::array<float4, 1, dispar::gpu> from(b, {count});
  dispar::array<float4, 1, dispar::gpu> to(b, {count});
  const double seconds =
      best_seconds(b, 9, [&] { copy_kernel<<<4096, threads, 0, b.stream()>>>(from.data(), to.data(), count); });
  return 2.0 * static_cast<double>(count) * sizeof(float4) / seconds * 1e-9;
}

template<class T>
double multiply_add_gflops(const dispar::gpu& b) {
  int current = 0, multiprocessors = 0;
  check(cudaGetDevice(&current), "cudaGetDevice");
  check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, current), "cudaDeviceGetAttribute");
  const int blocks = 8 * multiprocessors;
  dispar::array<T, 1, dispar::gpu> out(b, {static_cast<index>(blocks) * threads});
  const double seconds = best_seconds(b, 9, [&] {
    multiply_add_kernel<T><<<static_cast<unsigned>(blocks), threads, 0, b.stream()>>>(out.data(), T(0.999999), T(1e-6));
  });
  return 2.0 * chains * static_cast<double>(rounds) * blocks * threads / seconds * 1e-9;
}

#if defined(DISPAR_WITH_CUBLAS)
void check(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw std::runtime_error(std::string("dispar_benchmark_gpu: ") + call + ": " + cublasGetStatusString(status));
}

struct cublas {
  cublasHandle_t handle = nullptr;
  explicit cublas(const dispar::gpu& b) {
    check(cublasCreate(&handle), "cublasCreate");
    check(cublasSetStream(handle, b.stream()), "cublasSetStream");
  }
  cublas(const cublas&) = delete;
  cublas& operator=(const cublas&) = delete;
  ~cublas() { (void)cublasDestroy(handle); }
};

/// On random numbers: products of zeros take less power and run faster.
template<class T>
double product_gflops(const dispar::gpu& b, cudaDataType type, cublasComputeType_t compute) {
  constexpr int edge = 8192;
  constexpr index count = index{edge} * edge;
  const cublas library(b);
  dispar::array<T, 1, dispar::gpu> left(b, {count}), right(b, {count});
  dispar::array<float, 1, dispar::gpu> product(b, {count});
  normal_kernel<<<1024, threads, 0, b.stream()>>>(left.data(), count, 1);
  normal_kernel<<<1024, threads, 0, b.stream()>>>(right.data(), count, 2);
  const float one = 1, zero = 0;
  const double seconds = best_seconds(b, 9, [&] {
    check(cublasGemmEx(library.handle, CUBLAS_OP_T, CUBLAS_OP_N, edge, edge, edge, &one, left.data(), type, edge, right.data(),
                       type, edge, &zero, product.data(), CUDA_R_32F, edge, compute, CUBLAS_GEMM_DEFAULT),
          "cublasGemmEx");
  });
  return 2.0 * edge * static_cast<double>(count) / seconds * 1e-9;
}
#endif

}  // namespace

rates measure() {
  dispar::cuda_context context;
  const dispar::gpu b{&context};
  rates r{copy_gbs(b), multiply_add_gflops<float>(b), multiply_add_gflops<double>(b), 0, 0};
#if defined(DISPAR_WITH_CUBLAS)
  r.tf32_gflops = product_gflops<float>(b, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32);
  r.bf16_gflops = product_gflops<__nv_bfloat16>(b, CUDA_R_16BF, CUBLAS_COMPUTE_32F);
#endif
  return r;
}

const rates& measured() {
  static const rates once = measure();
  return once;
}

}  // namespace gpu_ceiling
