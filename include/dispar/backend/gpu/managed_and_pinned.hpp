#pragma once
/// \file
/// Arrays in memory that both the host and the GPU reach: `array<T, Rank, managed_memory>`, `array<T, Rank, pinned_memory>`.

#include "dispar/backend/array.hpp"
#include "dispar/backend/gpu/context.hpp"

DISPAR_NAMESPACE_BEGIN

/// Memory that migrates between host and device (`cudaMallocManaged`). It owns arrays and computes nothing:
///
///     dispar::managed_memory memory{&context};
///     auto x = dispar::to(memory, dispar::as_matrix(numbers, n, d));       // array<float, 2, managed_memory>
///     dispar::mmd::estimate(dispar::gpu{&context}, x, y, kernel);          // and the same x with dispar::cpu{}
///
/// The host may touch the elements when the stream's work on them is done: after a call that returns a value, or `wait()`.
/// Throws `cuda_error`.
struct managed_memory {
  using space = managed;            ///< what both reach
  cuda_context* context = nullptr;  ///< whose stream `wait` waits for; not null when used

  /// At once, not in stream order.
  [[nodiscard]] void* allocate(std::size_t bytes) const {
    void* p = nullptr;
    detail::check_cuda(cudaMallocManaged(&p, bytes), "cudaMallocManaged");
    return p;
  }
  /// Waits for the stream, then gives the memory back.
  void deallocate(void* p, std::size_t) const noexcept {
    // Failures are reports of earlier ones, which the next checked call throws.
    if (context) (void)cudaStreamSynchronize(context->stream);
    (void)cudaFree(p);
  }
  /// Returns when everything on the stream is done.
  void wait() const { gpu{context}.wait(); }
};

/// Host memory that is locked in place (`cudaMallocHost`), so that the device reads and writes it over the bus. Copies to the
/// device run at the bus's speed from it; kernels read each element as often as they ask for it, and packing asks twice. As
/// `managed_memory` otherwise.
struct pinned_memory {
  using space = pinned;             ///< what both reach
  cuda_context* context = nullptr;  ///< whose stream `wait` waits for; not null when used

  /// At once, not in stream order.
  [[nodiscard]] void* allocate(std::size_t bytes) const {
    void* p = nullptr;
    detail::check_cuda(cudaMallocHost(&p, bytes), "cudaMallocHost");
    return p;
  }
  /// Waits for the stream, then gives the memory back.
  void deallocate(void* p, std::size_t) const noexcept {
    if (context) (void)cudaStreamSynchronize(context->stream);
    (void)cudaFreeHost(p);
  }
  /// Returns when everything on the stream is done.
  void wait() const { gpu{context}.wait(); }
};

DISPAR_NAMESPACE_END
