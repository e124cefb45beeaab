#pragma once
/// \file
/// CUDA kernels on the CPU, for tests: g++ or clang compiles the same .cu files and kernels that nvcc does, with this file in the
/// place of CUDA's `cuda_runtime.h` (-include cuda_runtime.h, as nvcc does) and __CUDACC__ defined.
///
/// Launches, copies and frees wait in their stream and run at its synchronization: as late as CUDA may run them. A kernel runs
/// block by block; the threads of a block are fibers that switch at barriers and warp collectives.
///
/// What a test that passes here proves:
/// - the kernels' indexing, arithmetic (up to the device's own `exp` and contraction), reductions and edge cases;
/// - no access outside an allocation: each ends at a page without access, and the bytes around it are checked;
/// - nothing reads memory that nobody wrote: fresh device memory, and shared memory at the start of each block, are NaN bytes;
/// - the host touches neither device memory nor results before the wait: outside of the stream's work the pages have no access;
/// - every thread reaches the same barriers and warp collectives (else `defect` says who waits where);
/// - results do not depend on the order of threads between barriers, nor of blocks: every kernel runs twice on the same memory,
///   threads, warps and blocks ascending and then descending, each warp running ahead to the next barrier, and must leave the
///   same bits. A missing barrier shows here;
/// - what a captured graph holds runs again at every launch; what CUDA refuses in a capture fails; memory that a cache keeps
///   between calls is checked as if it were freed and allocated.
///
/// What it cannot: timing; registers, local memory and the limits of a real device; what nvcc and ptxas make of the code; the
/// memory model (caches, fences, visibility between blocks); races that both orders decide alike, and such within a warp
/// between two collectives; streams that run side by side; a kernel that reads host memory.
///
/// Covers what dispar uses of CUDA, no more.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <tuple>
#include <type_traits>

#define DISPAR_CUDA_EMULATION  // tensor cores and asynchronous copies are in tensor_cores.hpp

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __shared__ static thread_local  // blocks run one after the other in one operating-system thread, which is poisoned

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureInvalidated = 901
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice, cudaMemcpyDefault };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
using cudaStream_t = struct CUstream_st*;
using cudaHostFn_t = void (*)(void*);
using cudaGraph_t = struct CUgraph_st*;
using cudaGraphExec_t = struct CUgraphExec_st*;
enum cudaStreamCaptureMode { cudaStreamCaptureModeGlobal };
enum cudaStreamCaptureStatus { cudaStreamCaptureStatusNone, cudaStreamCaptureStatusActive, cudaStreamCaptureStatusInvalidated };

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
};
inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;

// --- The host's side ---------------------------------------------------------------------------------------------------

cudaError_t cudaMallocAsync(void** memory, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaFreeAsync(void* memory, cudaStream_t stream);
cudaError_t cudaMallocManaged(void** memory, std::size_t bytes);
cudaError_t cudaFree(void* memory);  // waits for all streams
cudaError_t cudaMallocHost(void** memory, std::size_t bytes);
cudaError_t cudaFreeHost(void* memory);  // waits for all streams
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* memory, int byte, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* argument);
cudaError_t cudaStreamCreate(cudaStream_t* stream);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
/// Where everything happens. Throws `cuda_emulation::defect`.
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
/// Work that is queued on a stream while it is captured becomes a graph's, to run at every launch. What CUDA refuses in a capture
/// fails here too and ends it: waits, allocations outside of stream order, and copies from or to memory that is not pinned, which
/// CUDA may wait for.
///@{
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
///@}
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value);
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaSetDevice(int device);  // there is one, number 0
cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t error);

namespace cuda_emulation {

/// A kernel or call that a GPU would not run right, or not always.
struct defect : std::logic_error {
  using std::logic_error::logic_error;
};

cudaError_t launch(const cudaLaunchConfig_t& config, std::function<void()> kernel, const void* function = nullptr);

/// Tells of memory that a cache keeps, in stream order: while it is idle nobody may touch it, afterwards it is as if it were new.
void set_idle(void* memory, bool idle, cudaStream_t stream);

/// How often the program has called what costs time beside kernels.
struct call_counts {
  long allocations = 0;       ///< of every kind of memory
  long copies_from_host = 0;  ///< from memory that is not pinned
  long waits = 0;             ///< for a stream
};
[[nodiscard]] call_counts& calls();

}  // namespace cuda_emulation

/// The arguments are copied now, as CUDA does.
template<class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...), Arguments&&... arguments) {
  static_assert((sizeof(Parameters) + ... + 0) <= 4096, "a kernel takes at most 4 KB of arguments");
  return cuda_emulation::launch(
      *config, [kernel, copy = std::tuple<Parameters...>(arguments...)] { std::apply(kernel, copy); },
      reinterpret_cast<const void*>(kernel));
}

// --- What kernels call -------------------------------------------------------------------------------------------------

namespace cuda_emulation {

/// The line that calls a barrier or a collective.
struct call_site {
  const char* file;
  int line;
};

/// Waits until all threads of the block have called from the same line.
void block_barrier(call_site at);
/// Waits until all lanes of `mask` have called from the same line with this mask. Returns what each of the warp's 32 lanes has
/// given, good until the next call.
const std::uint64_t* warp_collective(unsigned mask, std::uint64_t value, call_site at);

/// The block's shared memory of the size that the launch said, NaN bytes at its start; the page behind it has no access. It is a
/// defect if the launch said less.
void* dynamic_shared_memory(std::size_t bytes);

template<class T>
T warp_shuffle(unsigned mask, T value, unsigned from, call_site at) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = warp_collective(mask, bits, at)[from < 32 ? from : threadIdx.x % 32];  // lanes beyond the mask have given NaN bytes
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace cuda_emulation

inline void __syncthreads(cuda_emulation::call_site at = {__builtin_FILE(), __builtin_LINE()}) {
  cuda_emulation::block_barrier(at);
}
inline void __syncwarp(unsigned mask = ~0u, cuda_emulation::call_site at = {__builtin_FILE(), __builtin_LINE()}) {
  (void)cuda_emulation::warp_collective(mask, 0, at);
}
template<class T>
T __shfl_sync(unsigned mask, T value, int lane, cuda_emulation::call_site at = {__builtin_FILE(), __builtin_LINE()}) {
  return cuda_emulation::warp_shuffle(mask, value, static_cast<unsigned>(lane) % 32, at);
}
template<class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, cuda_emulation::call_site at = {__builtin_FILE(), __builtin_LINE()}) {
  return cuda_emulation::warp_shuffle(mask, value, threadIdx.x % 32 ^ static_cast<unsigned>(lanes), at);
}
template<class T>
T __shfl_down_sync(unsigned mask, T value, unsigned lanes, cuda_emulation::call_site at = {__builtin_FILE(), __builtin_LINE()}) {
  return cuda_emulation::warp_shuffle(mask, value, threadIdx.x % 32 + lanes, at);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, cuda_emulation::call_site at = {__builtin_FILE(), __builtin_LINE()}) {
  const std::uint64_t* const given = cuda_emulation::warp_collective(mask, predicate != 0, at);
  unsigned result = 0;
  for (unsigned lane = 0; lane < 32; ++lane)
    if ((mask >> lane & 1) != 0 && given[lane] != 0) result |= 1u << lane;
  return result;
}

template<class T>
T atomicAdd(T* target, T value) {
  const T before = *target;
  *target += value;
  return before;
}
template<class T>
T atomicMin(T* target, T value) {
  const T before = *target;
  if (value < before) *target = value;
  return before;
}

template<class T>
T atomicCAS(T* target, T expected, T value) {
  const T before = *target;
  if (before == expected) *target = value;
  return before;
}

// --- Tensor cores and asynchronous copies: dispar/backend/gpu/mma.hpp --------------------------------------------------

namespace cuda_emulation {

enum class operand_numbers { tf32, half, bfloat16 };

/// Each number is taken from the lane and register that the PTX ISA names. Of TF32 operands the 13 low bits are ignored.
/// NVIDIA does not say how tensor cores add; measurements (Fasi, Higham, Mikaitis, Pranesh, PeerJ Computer Science 7:e330, 2021)
/// found exact products, summed in groups with the sum so far, every addend cut off below the largest one's last bits. Here
/// nothing is kept below the 24 bits of the largest addend, and groups are of four words: no better than what was measured.
void mma(operand_numbers numbers, float* const (&c)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], call_site at);

/// Copies arrive when they are waited for, and not earlier; from their start on the target is NaN bytes.
///@{
void copy_async(void* shared, const void* global, bool there);
void commit_copies();
void wait_for_copies(std::size_t most_groups);
///@}

}  // namespace cuda_emulation
