#include "cuda_runtime.h"

#include <exception>
#include <map>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "device_memory.hpp"
#include "thread_block.hpp"

using cuda_emulation::defect;
using cuda_emulation::device_memory;

using work_list = std::vector<std::function<void()>>;
struct CUstream_st {
  work_list work;
  cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
  work_list captured;
};
struct CUgraph_st {
  work_list work;
};
struct CUgraphExec_st {
  work_list work;
};

namespace {

device_memory& memory() { return device_memory::instance(); }

/// All streams; the first is the default one.
std::set<CUstream_st*>& streams() {
  static auto* const all = new std::set<CUstream_st*>;
  return *all;
}
CUstream_st& stream_of(cudaStream_t stream) {
  static auto* const by_default = *streams().insert(new CUstream_st).first;
  return stream == nullptr ? *by_default : *stream;
}

bool captures(const CUstream_st& stream) { return stream.capture != cudaStreamCaptureStatusNone; }

cudaError_t queue(cudaStream_t stream, std::function<void()> work) {
  CUstream_st& target = stream_of(stream);
  if (target.capture == cudaStreamCaptureStatusInvalidated) return cudaErrorStreamCaptureInvalidated;
  (captures(target) ? target.captured : target.work).push_back(std::move(work));
  return cudaSuccess;
}

/// What a capture does not allow ends it.
cudaError_t end_capture(CUstream_st& stream) {
  stream.capture = cudaStreamCaptureStatusInvalidated;
  return cudaErrorStreamCaptureUnsupported;
}
/// For calls that belong to no stream.
bool ended_a_capture() {
  bool any = false;
  for (CUstream_st* stream : streams())
    if (captures(*stream)) {
      (void)end_capture(*stream);
      any = true;
    }
  return any;
}

void run_both_ways(const cudaLaunchConfig_t& config, const std::function<void()>& kernel) {
  using cuda_emulation::run_order;
  const auto before = memory().save();
  cuda_emulation::run_grid(config, kernel, run_order::ascending);
  const auto ascending = memory().save();
  memory().restore(before);
  cuda_emulation::run_grid(config, kernel, run_order::descending);
  if (memory().save() != ascending) throw defect("a kernel's results depend on the order of its threads or blocks");
  memory().check_surroundings();
}

void run_work(CUstream_st& stream) {
  const auto work = std::exchange(stream.work, {});
  if (work.empty()) return;
  memory().set_access(true);
  std::exception_ptr thrown;
  // A thread of its own has thread-local variables of its own: the kernels' shared memory.
  std::thread([&] {
    try {
      for (const auto& step : work) step();
    } catch (...) {
      thrown = std::current_exception();
    }
  }).join();
  memory().set_access(false);
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace

/// The shared memory that a kernel was allowed beyond what every kernel may ask for.
static std::map<const void*, std::size_t>& allowed_shared_memory() {
  static auto* const all = new std::map<const void*, std::size_t>;
  return *all;
}
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  constexpr int most = 227 * 1024;  // of compute capability 9.0
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 || value > most) return cudaErrorInvalidValue;
  allowed_shared_memory()[kernel] = static_cast<std::size_t>(value);
  return cudaSuccess;
}

cudaError_t cuda_emulation::launch(const cudaLaunchConfig_t& config, std::function<void()> kernel, const void* function) {
  constexpr std::size_t always_allowed = 48 * 1024;
  const auto allowed = allowed_shared_memory().find(function);
  if (config.dynamicSmemBytes > (allowed == allowed_shared_memory().end() ? always_allowed : allowed->second))
    return cudaErrorInvalidValue;
  return queue(config.stream, [config, kernel = std::move(kernel)] { run_both_ways(config, kernel); });
}

cuda_emulation::call_counts& cuda_emulation::calls() {
  static call_counts counts;
  return counts;
}
void cuda_emulation::set_idle(void* pointer, bool idle, cudaStream_t stream) {
  (void)queue(stream, [=] { memory().set_idle(pointer, idle); });
}

cudaError_t cudaMallocAsync(void** pointer, std::size_t bytes, cudaStream_t stream) {
  if (captures(stream_of(stream))) return end_capture(stream_of(stream));  // CUDA makes a node of it, which dispar does not use
  ++cuda_emulation::calls().allocations;
  *pointer = memory().allocate(bytes, false);
  return *pointer != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}
cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  return queue(stream, [pointer] { memory().free(pointer); });
}
cudaError_t cudaMallocManaged(void** pointer, std::size_t bytes) {
  if (ended_a_capture()) return cudaErrorStreamCaptureUnsupported;
  ++cuda_emulation::calls().allocations;
  *pointer = memory().allocate(bytes, true);
  return *pointer != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}
cudaError_t cudaFree(void* pointer) {
  if (ended_a_capture()) return cudaErrorStreamCaptureUnsupported;
  for (CUstream_st* stream : streams()) run_work(*stream);
  if (pointer != nullptr) memory().free(pointer);
  return cudaSuccess;
}
// Host memory that kernels reach: here it is what managed memory is.
cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) { return cudaMallocManaged(pointer, bytes); }
cudaError_t cudaFreeHost(void* pointer) { return cudaFree(pointer); }

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  if (captures(stream_of(stream)) && !(memory().contains(to) && memory().contains(from))) return end_capture(stream_of(stream));
  if (!memory().contains(from)) ++cuda_emulation::calls().copies_from_host;
  return queue(stream, [=] {
    const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice || memory().contains(to);
    const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice || memory().contains(from);
    if (to_device) memory().require_inside(to, bytes, "cudaMemcpyAsync: target");
    if (from_device) memory().require_inside(from, bytes, "cudaMemcpyAsync: source");
    if ((kind == cudaMemcpyHostToDevice && from_device) || (kind == cudaMemcpyDeviceToHost && to_device))
      throw defect("cudaMemcpyAsync: device memory where the kind of the copy says host");
    std::memcpy(to, from, bytes);
  });
}
cudaError_t cudaMemsetAsync(void* pointer, int byte, std::size_t bytes, cudaStream_t stream) {
  return queue(stream, [=] {
    memory().require_inside(pointer, bytes, "cudaMemsetAsync");
    std::memset(pointer, byte, bytes);
  });
}
cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* argument) {
  return queue(stream, [=] { function(argument); });
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  *stream = *streams().insert(new CUstream_st).first;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  run_work(*stream);
  streams().erase(stream);
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (captures(stream_of(stream))) return end_capture(stream_of(stream));
  ++cuda_emulation::calls().waits;
  run_work(stream_of(stream));
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream == nullptr || captures(*stream)) return cudaErrorStreamCaptureUnsupported;
  stream->capture = cudaStreamCaptureStatusActive;
  stream->captured.clear();
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const bool whole = std::exchange(stream->capture, cudaStreamCaptureStatusNone) == cudaStreamCaptureStatusActive;
  *graph = whole ? new CUgraph_st{std::exchange(stream->captured, {})} : nullptr;
  return whole ? cudaSuccess : cudaErrorStreamCaptureInvalidated;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  *status = stream_of(stream).capture;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = new CUgraphExec_st{graph->work};
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  for (const auto& step : executable->work)
    if (const cudaError_t status = queue(stream, step); status != cudaSuccess) return status;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidValue; }
cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
    default:
      return "invalid argument";
  }
}
