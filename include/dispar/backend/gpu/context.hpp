#pragma once
/// \file
/// The CUDA stream that the `gpu` backend works on, and errors of CUDA calls as exceptions.

#if !defined(__CUDACC__)
#error "dispar/backend/gpu.hpp holds CUDA kernels: compile the file that includes it with nvcc -std=c++20"
#endif

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

#include "dispar/backend/backend.hpp"
#include "dispar/backend/gpu/precision.hpp"
#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

/// Thrown when a CUDA call fails; the message names the call. `status` is CUDA's code.
class cuda_error : public std::runtime_error {
public:
  /// The error `code` of the call of that name.
  cuda_error(cudaError_t code, const char* call)
      : std::runtime_error(std::string("dispar: ") + call + ": " + cudaGetErrorString(code)), status(code) {}
  cudaError_t status;  ///< CUDA's code
};

/// What the caller owns and the backend uses. The stream belongs to the current device and outlives the backend's work.
struct cuda_context {
  cudaStream_t stream = nullptr;  ///< null: the default stream
};

namespace detail {

inline void check_cuda(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // an error that is not sticky must not show up again in the caller's next call
  throw cuda_error(status, call);
}

}  // namespace detail

/// One NVIDIA GPU: kernels and memory in the order of the context's stream.
///
///     dispar::cuda_context context{stream};
///     double v = dispar::mmd::estimate(dispar::gpu{&context}, x, y, dispar::gaussian{2.0});  // x, y: views of device memory
///
/// Results have the same bits from run to run on one kind of device; against the CPU they differ by rounding.
/// Throws `cuda_error`. One backend value may be used by one thread at a time.
struct gpu {
  /// Where it computes, and that it can.
  ///@{
  using space = device;
  static constexpr bool has_pairwise = true;
  static constexpr bool has_rows = true;
  static constexpr bool has_sort = true;  // sort_keys and its kind: include dispar/backend/gpu/sort.hpp
  ///@}
  cuda_context* context = nullptr;                         ///< the caller's; not null when used
  dispar::precision precision = dispar::precision::exact;  ///< of products of float rows

  /// The stream of the context. Throws `invalid_argument` for a null context.
  [[nodiscard]] cudaStream_t stream() const {
    require(context != nullptr, "gpu: context", "must not be null");
    return context->stream;
  }
  /// In stream order, from the device's memory pool.
  [[nodiscard]] void* allocate(std::size_t bytes) const {
    void* p = nullptr;
    detail::check_cuda(cudaMallocAsync(&p, bytes, stream()), "cudaMallocAsync");
    return p;
  }
  /// Gives memory back, in stream order.
  void deallocate(void* p, std::size_t) const noexcept {
    // Nothing to do about a failure: it is the report of an earlier one, which the next checked call throws.
    if (context) (void)cudaFreeAsync(p, context->stream);
  }
  /// Returns when everything on the stream is done.
  void wait() const { detail::check_cuda(cudaStreamSynchronize(stream()), "cudaStreamSynchronize"); }
};

namespace detail {

/// Starts a kernel on a one-dimensional grid, with so many bytes of shared memory beside what it declares. No blocks: no work.
template<class... Parameters, class... Arguments>
void launch_with_shared_memory(const gpu& b, const char* name, void (*kernel)(Parameters...), index blocks, int threads,
                               std::size_t shared_bytes, const Arguments&... arguments) {
  if (blocks == 0) return;
  require(blocks <= 2147483647, "gpu: number of thread blocks", "must be below 2^31", static_cast<double>(blocks));
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.dynamicSmemBytes = shared_bytes;
  config.stream = b.stream();
  constexpr std::size_t always_allowed = 48 * 1024;
  if (shared_bytes > always_allowed)
    check_cuda(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    static_cast<int>(shared_bytes)),
               name);
  check_cuda(cudaLaunchKernelEx(&config, kernel, arguments...), name);
}
template<class... Parameters, class... Arguments>
void launch(const gpu& b, const char* name, void (*kernel)(Parameters...), index blocks, int threads,
            const Arguments&... arguments) {
  launch_with_shared_memory(b, name, kernel, blocks, threads, 0, arguments...);
}

/// A strided matrix as a kernel sees it: the views' own accessors are host functions.
template<class T>
struct strided {
  T* data = nullptr;
  index row_stride = 0, col_stride = 0;
  DISPAR_FN T& operator()(index i, index j) const { return data[i * row_stride + j * col_stride]; }
};
template<class T, class S>
[[nodiscard]] strided<T> strided_of(const matrix_view<T, S>& view) {
  return {view.data(), view.stride(0), view.stride(1)};
}

}  // namespace detail

DISPAR_NAMESPACE_END
