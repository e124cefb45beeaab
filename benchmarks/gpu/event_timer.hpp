#pragma once
/// \file
/// Time on the device's own clock, from a pair of CUDA events.

#include "dispar/backend/gpu/context.hpp"

namespace gpu_workload {

/// `timer.start(); work; timer.seconds()`: from the start to the end of everything that is on the stream by then, gaps in which
/// the host keeps the device waiting included.
class event_timer {
public:
  explicit event_timer(cudaStream_t stream) : stream_(stream) {
    check(cudaEventCreate(&begin_), "cudaEventCreate");
    check(cudaEventCreate(&end_), "cudaEventCreate");
  }
  event_timer(const event_timer&) = delete;
  event_timer& operator=(const event_timer&) = delete;
  ~event_timer() {
    (void)cudaEventDestroy(begin_);
    (void)cudaEventDestroy(end_);
  }

  void start() { check(cudaEventRecord(begin_, stream_), "cudaEventRecord"); }
  /// Waits.
  [[nodiscard]] double seconds() {
    float ms = 0;
    check(cudaEventRecord(end_, stream_), "cudaEventRecord");
    check(cudaEventSynchronize(end_), "cudaEventSynchronize");
    check(cudaEventElapsedTime(&ms, begin_, end_), "cudaEventElapsedTime");
    return 1e-3 * static_cast<double>(ms);
  }

private:
  static void check(cudaError_t status, const char* call) {
    if (status != cudaSuccess) throw dispar::cuda_error(status, call);
  }
  cudaStream_t stream_;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
};

}  // namespace gpu_workload
