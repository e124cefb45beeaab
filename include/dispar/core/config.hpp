#pragma once
/// \file
/// What the compiler's flags decide: the instruction set, the inline namespace that encodes it, and the function annotations.
///
/// Two translation units compiled with different flags see different bodies for the same inline functions. The linker
/// keeps one of each, so one unit would silently run the other's code. Everything in dispar therefore lives in an inline
/// namespace whose name spells the flags that matter.

#include "dispar/core/version.hpp"

/// \namespace dispar
/// Views, kernels, backends, the pairwise primitive; the concepts have namespaces of their own.

#if defined(__CUDACC__)
#define DISPAR_ISA cuda
#elif defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define DISPAR_ISA avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define DISPAR_ISA avx2
#elif defined(__AVX__)
#define DISPAR_ISA avx
#elif defined(__SSE2__)
#define DISPAR_ISA sse2
#elif defined(__ARM_NEON)
#define DISPAR_ISA neon
#else
#define DISPAR_ISA portable
#endif

#if defined(_OPENMP)
#define DISPAR_THREADS openmp
#else
#define DISPAR_THREADS serial
#endif

#if defined(__FAST_MATH__)
#define DISPAR_MATH fast
#else
#define DISPAR_MATH exact
#endif

#define DISPAR_JOIN_(major, minor, isa, threads, math) v##major##_##minor##_##isa##_##threads##_##math
#define DISPAR_JOIN(major, minor, isa, threads, math) DISPAR_JOIN_(major, minor, isa, threads, math)
#define DISPAR_ABI DISPAR_JOIN(DISPAR_VERSION_MAJOR, DISPAR_VERSION_MINOR, DISPAR_ISA, DISPAR_THREADS, DISPAR_MATH)

#define DISPAR_NAMESPACE_BEGIN \
  namespace dispar {           \
  inline namespace DISPAR_ABI {
#define DISPAR_NAMESPACE_END \
  }                          \
  }

/// Annotates everything that a kernel, a divergence or a metric runs per element: callable on host and device, inlined.
#if defined(__CUDACC__)
#define DISPAR_FN __host__ __device__ __forceinline__
#else
#define DISPAR_FN [[gnu::always_inline]] inline
#endif

/// The same for what must not be inlined: which products a compiler contracts depends on what surrounds them, and all host
/// backends shall give the same bits.
#if defined(__CUDACC__)
#define DISPAR_FN_APART __host__ __device__ inline
#else
#define DISPAR_FN_APART [[gnu::noinline]] inline
#endif

/// Before a short loop over channels, parameters or derivatives: without it, -O2 keeps small arrays of packs in memory.
#if defined(__CUDA_ARCH__)
#define DISPAR_UNROLL _Pragma("unroll")
#elif defined(__CUDACC__)
#define DISPAR_UNROLL
#else
#define DISPAR_UNROLL _Pragma("GCC unroll 16")
#endif

#define DISPAR_STRINGIZE_(x) #x
#define DISPAR_STRINGIZE(x) DISPAR_STRINGIZE_(x)

DISPAR_NAMESPACE_BEGIN

/// The instruction set this translation unit was compiled for: "avx512", "avx2", "avx", "sse2", "neon", "portable", "cuda".
/// A program built without `-march` runs on the baseline ("sse2" on x86-64), three to four times below the machine's speed.
[[nodiscard]] constexpr const char* instruction_set() noexcept { return DISPAR_STRINGIZE(DISPAR_ISA); }

/// True when the translation unit was compiled for the platform's baseline instruction set only.
[[nodiscard]] constexpr bool compiled_for_baseline() noexcept {
#if defined(__AVX__) || defined(__ARM_NEON) || defined(__CUDACC__)
  return false;
#else
  return true;
#endif
}

/// Bytes in the widest vector register the flags allow, the width of every host `pack`; and how many such registers there are.
///@{
#if defined(__AVX512F__) && !defined(__CUDACC__)
inline constexpr int vector_bytes = 64;
inline constexpr int vector_registers = 32;
#elif defined(__AVX__) && !defined(__CUDACC__)
inline constexpr int vector_bytes = 32;
inline constexpr int vector_registers = 16;
#elif defined(__ARM_NEON) && !defined(__CUDACC__)
inline constexpr int vector_bytes = 16;
inline constexpr int vector_registers = 32;
#else
inline constexpr int vector_bytes = 16;
inline constexpr int vector_registers = 16;
#endif
///@}

DISPAR_NAMESPACE_END
