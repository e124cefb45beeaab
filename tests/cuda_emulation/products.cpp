// The emulated tensor cores against the matrix product they stand for; asynchronous copies that come late; shared memory.
#include "dispar/backend/gpu/mma.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

namespace {

using namespace dispar::detail;
using cuda_emulation::defect;

template<class... Parameters, class... Arguments>
void run(std::size_t shared_bytes, unsigned threads, void (*kernel)(Parameters...), Arguments... arguments) {
  cudaLaunchConfig_t config;
  config.blockDim = dim3(threads);
  config.dynamicSmemBytes = shared_bytes;
  REQUIRE(cudaLaunchKernelEx(&config, kernel, arguments...) == cudaSuccess);
  cudaStreamSynchronize(nullptr);
}

/// Memory that host and kernels reach.
template<class T>
struct numbers {
  T* first = nullptr;
  explicit numbers(std::size_t count) {
    void* p = nullptr;
    REQUIRE(cudaMallocManaged(&p, count * sizeof(T)) == cudaSuccess);
    first = static_cast<T*>(p);
  }
  numbers(const numbers&) = delete;
  numbers& operator=(const numbers&) = delete;
  ~numbers() { cudaFree(first); }
  T& operator[](std::size_t i) const { return first[i]; }
};

std::uint32_t bits(float x) {
  std::uint32_t y;
  std::memcpy(&y, &x, sizeof y);
  return y;
}

/// A [row][word], B [word][column], C [row][column] by the layouts of the PTX ISA.
template<mma_numbers Numbers>
__global__ void product_kernel(const std::uint32_t* a, const std::uint32_t* b, float* c) {
  const unsigned lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  const row_words rows{{a[g * 8 + t], a[(g + 8) * 8 + t], a[g * 8 + t + 4], a[(g + 8) * 8 + t + 4]}};
  const col_words cols{{b[t * 8 + g], b[(t + 4) * 8 + g]}};
  float* const upper = c + g * 8 + 2 * t;
  mma<Numbers>(upper[0], upper[1], upper[64], upper[65], rows, cols);
}

}  // namespace

TEST_CASE("tensor cores: TF32, each number in its place, 13 bits ignored") {
  const numbers<std::uint32_t> a(128), b(64);
  const numbers<float> c(128);
  for (unsigned i = 0; i < 128; ++i) a[i] = bits(static_cast<float>(i * i % 97) - 40) | 0x1fff, c[i] = static_cast<float>(i);
  for (unsigned i = 0; i < 64; ++i) b[i] = bits(static_cast<float>(i * 5 % 31) - 9);
  run(0, 32, product_kernel<mma_numbers::tf32>, a.first, b.first, c.first);
  for (int row = 0; row < 16; ++row)
    for (int col = 0; col < 8; ++col) {
      int sum = row * 8 + col;
      for (int k = 0; k < 8; ++k) sum += ((row * 8 + k) * (row * 8 + k) % 97 - 40) * ((k * 8 + col) * 5 % 31 - 9);
      CHECK(c[static_cast<std::size_t>(row * 8 + col)] == static_cast<float>(sum));
    }
}

TEST_CASE("tensor cores: pairs of 16-bit numbers, the first in the low half") {
  const numbers<std::uint32_t> a(128), b(64);
  const numbers<float> c(128);
  // Powers of two: half has its exponent in bits 10 to 14, bfloat16 in 7 to 14.
  for (const bool half : {true, false}) {
    const auto power = [half](int e) { return static_cast<std::uint32_t>(half ? (e + 15) << 10 : (e + 127) << 7); };
    for (int i = 0; i < 128; ++i) {
      a[static_cast<std::size_t>(i)] = power(i % 3) | power(i % 4 - 1) << 16;
      c[static_cast<std::size_t>(i)] = 0;
    }
    for (int i = 0; i < 64; ++i) b[static_cast<std::size_t>(i)] = power(i % 5) | power(-(i % 2)) << 16 | 0x8000u;
    if (half)
      run(0, 32, product_kernel<mma_numbers::half>, a.first, b.first, c.first);
    else
      run(0, 32, product_kernel<mma_numbers::bfloat16>, a.first, b.first, c.first);
    for (int row = 0; row < 16; ++row)
      for (int col = 0; col < 8; ++col) {
        double sum = 0;
        for (int k = 0; k < 8; ++k) {
          const int i = row * 8 + k, j = k * 8 + col;
          sum += std::ldexp(1.0, i % 4 - 1 - j % 2) - std::ldexp(1.0, i % 3 + j % 5);
        }
        CHECK(c[static_cast<std::size_t>(row * 8 + col)] == static_cast<float>(sum));
      }
  }
}

TEST_CASE("tensor cores: what is below the last bit of the largest addend is cut off") {
  const numbers<std::uint32_t> a(128), b(64);
  const numbers<float> c(128);
  for (unsigned i = 0; i < 128; ++i) a[i] = i % 8 == 0 ? bits(0.75f) : 0, c[i] = i < 64 ? 0x1p24f : -0x1p24f;
  for (unsigned i = 0; i < 64; ++i) b[i] = i < 8 ? bits(1) : 0;
  run(0, 32, product_kernel<mma_numbers::tf32>, a.first, b.first, c.first);
  CHECK(c[0] == 0x1p24f);
  CHECK(c[127] == -0x1p24f);
  for (unsigned i = 0; i < 128; ++i) c[i] = -0x1p22f;
  run(0, 32, product_kernel<mma_numbers::tf32>, a.first, b.first, c.first);
  CHECK(c[0] == -0x1p22f + 0.5f);  // rounding would give 1
}

namespace {

template<bool Wait>
__global__ void copying_kernel(const float* from, float* to, bool there) {
  auto& memory = shared_memory<float[32 * 4]>();
  const unsigned i = threadIdx.x * 4;
  copy_async(memory + i, from + i, there);
  commit_copies();
  if (Wait) wait_for_copies<0>();
  __syncthreads();
  to[i] = memory[(i + 4) % 128];
  __syncthreads();
  wait_for_copies<0>();
}
template<int Most>
__global__ void two_copies_kernel(const float* from, float* to) {
  auto& memory = shared_memory<float[2 * 4]>();
  copy_async(memory, from, true);
  commit_copies();
  copy_async(memory + 4, from + 4, true);
  commit_copies();
  wait_for_copies<Most>();
  to[0] = memory[0];
  to[1] = memory[4];
  wait_for_copies<0>();
}
__global__ void forgetting_kernel(const float* from) {
  auto& memory = shared_memory<float[4]>();
  copy_async(memory, from, true);
}
__global__ void greedy_kernel(float* to) { to[0] = shared_memory<float[5]>()[4]; }

}  // namespace

TEST_CASE("asynchronous copies arrive when they are waited for") {
  const numbers<float> from(128), to(128);
  for (unsigned i = 0; i < 128; ++i) from[i] = static_cast<float>(i), to[i] = -1;
  run(512, 32, copying_kernel<true>, from.first, to.first, true);
  CHECK(to[8] == 12);
  run(512, 32, copying_kernel<true>, from.first, to.first, false);
  CHECK(to[8] == 0);
  run(512, 32, copying_kernel<false>, from.first, to.first, true);
  CHECK(std::isnan(to[8]));
  run(32, 1, two_copies_kernel<0>, from.first, to.first);
  CHECK(to[1] == 4);
  run(32, 1, two_copies_kernel<1>, from.first, to.first);
  CHECK(to[0] == 0);
  CHECK(std::isnan(to[1]));
  CHECK_THROWS_AS(run(16, 1, forgetting_kernel, from.first), defect);
}

TEST_CASE("shared memory: what the launch did not ask for, or the kernel may not have") {
  const numbers<float> to(1);
  run(20, 1, greedy_kernel, to.first);
  CHECK(std::isnan(to[0]));
  CHECK_THROWS_AS(run(16, 1, greedy_kernel, to.first), defect);
  cudaLaunchConfig_t config;
  config.dynamicSmemBytes = 48 * 1024 + 16;
  CHECK(cudaLaunchKernelEx(&config, greedy_kernel, to.first) == cudaErrorInvalidValue);
  const auto* const kernel = reinterpret_cast<const void*>(greedy_kernel);
  CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 228 * 1024) == cudaErrorInvalidValue);
  CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 49 * 1024) == cudaSuccess);
  CHECK(cudaLaunchKernelEx(&config, greedy_kernel, to.first) == cudaSuccess);
  cudaStreamSynchronize(nullptr);
}
