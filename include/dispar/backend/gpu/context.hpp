#pragma once
/// \file
/// The backend `gpu` and its context: the stream, the memory in its order, the wait.

#if !defined(__CUDACC__)
#error "dispar/backend/gpu.hpp holds CUDA kernels: compile the file that includes it with nvcc -std=c++20"
#endif

#include <cuda_runtime.h>

#include <cstring>
#include <string>

#include "dispar/backend/backend.hpp"
#include "dispar/backend/gpu/library_handle.hpp"
#include "dispar/backend/gpu/precision.hpp"
#include "dispar/backend/gpu/workspace.hpp"
#include "dispar/backend/strided_matrix.hpp"
#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

/// What the caller owns and the backend uses: a stream, and what calls leave there for the next ones.
///
///     dispar::cuda_context context{stream};
///
/// The stream belongs to the current device, stays the same, and outlives the context; arrays on the backend do not. Memory that
/// a call has used is kept for the next one: the second call of a shape allocates nothing and uploads nothing but the caller's
/// host data. What 1,024 requests have not used goes back when there is need of memory of another size.
struct cuda_context {
  cudaStream_t stream = nullptr;                         ///< null: the default stream
  device_memory_resource* memory = nullptr;              ///< the caller's pool, which outlives the context; null: CUDA's
  library_handle<cublasContext> cublas = nullptr;        ///< the caller's; null: made on first use, and the context's own
  library_handle<cusolverDnContext> cusolver = nullptr;  ///< the same
  detail::workspace workspace{};                         ///< the backend's own

  /// Waits for the stream and gives back all memory that is not in use. Graphs that were captured on this context must not be
  /// launched afterwards.
  void release() {
    detail::check_cuda(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
    forget();
  }
  /// The work on the stream must be done, or the stream still be there.
  ~cuda_context() { forget(); }

private:
  void forget() noexcept {
    workspace.tables.clear();  // gives its memory back to `workspace.memory`
    if (workspace.report != nullptr) workspace.memory.give_back(workspace.report, stream);
    workspace.memory.release(0, true, [this](void* p, std::size_t bytes) { free(p, bytes); });
    if (workspace.pinned != nullptr) (void)cudaFreeHost(workspace.pinned);
    workspace.pinned = nullptr;
    workspace.report = nullptr;
  }
  void free(void* p, std::size_t bytes) const noexcept {
    // Nothing to do about a failure: it is the report of an earlier one, which the next checked call throws.
    if (memory != nullptr)
      memory->deallocate(p, bytes, stream);
    else
      (void)cudaFreeAsync(p, stream);
  }
  friend struct gpu;
};

/// One NVIDIA GPU: kernels and memory in the order of the context's stream.
///
///     dispar::cuda_context context{stream};
///     double v = dispar::mmd::estimate(dispar::gpu{&context}, x, y, dispar::gaussian{2.0});  // x, y: views of device memory
///
/// Results have the same bits from run to run on one kind of device; against the CPU they differ by rounding.
/// Throws `cuda_error`; bad data that kernels find is thrown by the next `wait`. One context may be used by one thread at a time.
struct gpu {
  /// Where it computes, and that it can.
  ///@{
  using space = device;
  static constexpr bool has_pairwise = true;
  static constexpr bool has_rows = true;
  static constexpr bool has_sort = true;    // sort_keys and its kind: include dispar/backend/gpu/sort.hpp
  static constexpr bool has_linalg = true;  // linear_algebra: include dispar/backend/gpu/linalg.hpp
  ///@}
  cuda_context* context = nullptr;                         ///< the caller's; not null when used
  dispar::precision precision = dispar::precision::exact;  ///< of products of float rows

  /// The stream of the context. Throws `invalid_argument` for a null context.
  [[nodiscard]] cudaStream_t stream() const {
    require(context != nullptr, "gpu: context", "must not be null");
    return context->stream;
  }
  /// In stream order: what an earlier call has given back, or memory of the context's resource. In a capture only the former:
  /// throws `invalid_argument` where the call has not run before with these shapes.
  [[nodiscard]] void* allocate(std::size_t bytes) const {
    auto& kept = of_this_stream();
    const bool captured = detail::capturing(stream());
    if (void* const p = kept.memory.take(bytes, captured, stream())) return p;
    if (captured)
      throw invalid_argument(
          "dispar: gpu: a call must have run once with the same shapes before a CUDA graph can capture it: it needs memory");
    return allocate_lasting(bytes);
  }
  /// The same for what stays between calls: never memory that a call has given back, which the next one of its shape expects.
  [[nodiscard]] void* allocate_lasting(std::size_t bytes) const {
    auto& kept = of_this_stream();
    constexpr unsigned long long age = 1024;
    kept.memory.release(age, false, [this](void* p, std::size_t size) { context->free(p, size); });
    void* p = new_memory(bytes);
    if (p == nullptr) {  // what lies idle may be in the way
      kept.memory.release(0, false, [this](void* idle, std::size_t size) { context->free(idle, size); });
      p = new_memory(bytes);
    }
    if (p == nullptr)
      throw cuda_error(cudaErrorMemoryAllocation, context->memory != nullptr ? "memory->allocate" : "cudaMallocAsync");
    kept.memory.add(p, bytes);
    return p;
  }
  /// Keeps the memory for the next call, in stream order.
  void deallocate(void* p, std::size_t) const noexcept {
    if (context) context->workspace.memory.give_back(p, context->stream);
  }
  /// Returns when everything on the stream is done. Throws `invalid_argument` for NaN, infinity, overflow and bad weights in data
  /// that was worked on since the last wait, naming the first; and where the stream is being captured.
  void wait() const;

  /// What the context keeps, which belongs to its stream.
  [[nodiscard]] detail::workspace& of_this_stream() const {
    require(context != nullptr, "gpu: context", "must not be null");
    auto& kept = context->workspace;
    if (kept.memory.empty()) kept.stream = context->stream;
    require(kept.stream == context->stream, "cuda_context: stream", "must stay the same: the memory kept is in its order");
    return kept;
  }

private:
  [[nodiscard]] void* new_memory(std::size_t bytes) const {
    if (context->memory != nullptr) return context->memory->allocate(bytes, context->stream);
    void* p = nullptr;
    const cudaError_t status = cudaMallocAsync(&p, bytes, context->stream);
    if (status == cudaErrorMemoryAllocation) {
      (void)cudaGetLastError();
      return nullptr;
    }
    detail::check_cuda(status, "cudaMallocAsync");
    return p;
  }
};

namespace detail {

/// Pinned memory: a `data_report`, and behind it room for a result.
[[nodiscard]] inline data_report* pinned_memory_of(const gpu& b) {
  auto& kept = b.of_this_stream();
  if (kept.pinned == nullptr) {
    require_no_capture(b.stream(), "the first call on a context");
    check_cuda(cudaMallocHost(&kept.pinned, sizeof(data_report) + workspace::staging_bytes), "cudaMallocHost");
  }
  return static_cast<data_report*>(kept.pinned);
}

/// Where kernels report bad data, cleared. It is written in stream order and read at the wait.
[[nodiscard]] inline data_report* report_of(const gpu& b) {
  auto& kept = b.of_this_stream();
  if (kept.report == nullptr) {
    (void)pinned_memory_of(b);
    kept.report = static_cast<data_report*>(b.allocate_lasting(sizeof(data_report)));
    check_cuda(cudaMemsetAsync(kept.report, 0, sizeof(data_report), b.stream()), "cudaMemsetAsync");
  }
  return kept.report;
}

[[noreturn]] inline void throw_report(const data_report& found) {
  const auto at = [&](index feature, const char* what) {
    throw invalid_argument("dispar: sample " + to_text(static_cast<double>(found.sample)) + ": element (" +
                           to_text(static_cast<double>(found.row)) + ", " + to_text(static_cast<double>(feature)) + ") " + what);
  };
  if (found.what == data_report::defect::special_element) at(found.feature, "is NaN or infinite");
  if (found.what == data_report::defect::overflowing_row) at(0, "is too large: its row's squared norm overflows; scale the data");
  require(found.what != data_report::defect::bad_weight, "weighted: weights", "must be finite and not negative", found.value);
  require(false, "weighted: weights", "must not all be 0", found.value);
  __builtin_unreachable();
}

/// Waits; the bytes of device memory at `from` then are at `to`, unless data was bad: then throws.
inline void wait_for(const gpu& b, const void* from, void* to, std::size_t bytes) {
  require_no_capture(b.stream(), "a call that waits for its result");
  auto& kept = b.of_this_stream();
  const bool staged = bytes > 0 && bytes <= workspace::staging_bytes;
  data_report* const pinned = staged || kept.report != nullptr ? pinned_memory_of(b) : nullptr;
  if (bytes > 0)
    check_cuda(cudaMemcpyAsync(staged ? pinned + 1 : to, from, bytes, cudaMemcpyDefault, b.stream()), "cudaMemcpyAsync");
  if (kept.report != nullptr)
    check_cuda(cudaMemcpyAsync(pinned, kept.report, sizeof(data_report), cudaMemcpyDefault, b.stream()), "cudaMemcpyAsync");
  check_cuda(cudaStreamSynchronize(b.stream()), "cudaStreamSynchronize");
  kept.tables.forget_retired();
  if (kept.report != nullptr && pinned->what != data_report::defect::none) {
    check_cuda(cudaMemsetAsync(kept.report, 0, sizeof(data_report), b.stream()), "cudaMemsetAsync");
    throw_report(*pinned);
  }
  if (staged) std::memcpy(to, pinned + 1, bytes);
}

}  // namespace detail

inline void gpu::wait() const { detail::wait_for(*this, nullptr, nullptr, 0); }

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

}  // namespace detail

DISPAR_NAMESPACE_END
