#pragma once
/// \file
/// What kernels need and CUDA C++ has no function for: products on tensor cores and their operands, copies that run on while a
/// kernel computes, shared memory whose size the launch says. Needs compute capability 8.0. Tests without a GPU put
/// tensor_cores.hpp of tests/cuda_emulation in the place of these functions.

#include <cstdint>

#include "dispar/core/config.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// What the words of fragments hold: one number of 11 bits in the bits of a float, or two neighbouring 16-bit numbers, the first
/// in the low half.
enum class mma_numbers { tf32, half, bfloat16 };

/// A lane's part of A (16 rows x 8 words) and B (8 words x 8 columns) in `mma`. With g = lane / 4 and t = lane % 4:
/// row_words: (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4); col_words: (t, g), (t + 4, g).
/// PTX ISA, matrix fragments for mma.m16n8k8 with .tf32, and for mma.m16n8k16 with .f16 and .bf16, whose pairs of numbers along k
/// are words here.
struct row_words {
  std::uint32_t of[4];
};
struct col_words {
  std::uint32_t of[2];
};

}  // namespace detail

DISPAR_NAMESPACE_END

#if defined(DISPAR_CUDA_EMULATION)
#include "tensor_cores.hpp"
#else

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#error "dispar: the gpu backend needs compute capability 8.0 or later: nvcc -arch=sm_80"
#endif

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// C += A B for the 16 x 8 numbers of a warp, sums in float. This lane's: c0 (g, 2t), c1 (g, 2t + 1), c2 and c3 the same in row
/// g + 8. All lanes of the warp call it.
template<mma_numbers Numbers>
__device__ __forceinline__ void mma(float& c0, float& c1, float& c2, float& c3, const row_words& a, const col_words& b) {
  if constexpr (Numbers == mma_numbers::tf32)
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c0), "+f"(c1), "+f"(c2), "+f"(c3)
                 : "r"(a.of[0]), "r"(a.of[1]), "r"(a.of[2]), "r"(a.of[3]), "r"(b.of[0]), "r"(b.of[1]));
  else if constexpr (Numbers == mma_numbers::half)
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c0), "+f"(c1), "+f"(c2), "+f"(c3)
                 : "r"(a.of[0]), "r"(a.of[1]), "r"(a.of[2]), "r"(a.of[3]), "r"(b.of[0]), "r"(b.of[1]));
  else
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c0), "+f"(c1), "+f"(c2), "+f"(c3)
                 : "r"(a.of[0]), "r"(a.of[1]), "r"(a.of[2]), "r"(a.of[3]), "r"(b.of[0]), "r"(b.of[1]));
}

/// Two numbers that `half` has, as a word.
[[nodiscard]] __device__ __forceinline__ std::uint32_t half_word(float low, float high) {
  std::uint32_t word;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  return word;
}

/// Starts a copy of 16 bytes from device to shared memory, both aligned; zeros, and nothing is read, unless `there`.
__device__ __forceinline__ void copy_async(void* shared, const void* global, bool there) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               :
               : "r"(static_cast<std::uint32_t>(__cvta_generic_to_shared(shared))), "l"(global), "r"(there ? 16 : 0)
               : "memory");
}
/// The copies that this thread has started since the last call are a group.
__device__ __forceinline__ void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/// Waits for this thread's groups but the latest `Most`. Other threads see what arrived after a barrier.
template<int Most>
__device__ __forceinline__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Most) : "memory");
}

/// The block's shared memory, of which the launch says the size: sizeof(Memory).
template<class Memory>
[[nodiscard]] __device__ __forceinline__ Memory& shared_memory() {
  extern __shared__ __align__(16) unsigned char dispar_shared_memory[];
  return *reinterpret_cast<Memory*>(dispar_shared_memory);
}

}  // namespace detail

DISPAR_NAMESPACE_END

#endif
