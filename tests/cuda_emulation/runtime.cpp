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

struct CUstream_st {
  std::vector<std::function<void()>> work;
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

cudaError_t queue(cudaStream_t stream, std::function<void()> work) {
  stream_of(stream).work.push_back(std::move(work));
  return cudaSuccess;
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

cudaError_t cudaMallocAsync(void** pointer, std::size_t bytes, cudaStream_t) {
  *pointer = memory().allocate(bytes, false);
  return *pointer != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}
cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  return queue(stream, [pointer] { memory().free(pointer); });
}
cudaError_t cudaMallocManaged(void** pointer, std::size_t bytes) {
  *pointer = memory().allocate(bytes, true);
  return *pointer != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}
cudaError_t cudaFree(void* pointer) {
  for (CUstream_st* stream : streams()) run_work(*stream);
  if (pointer != nullptr) memory().free(pointer);
  return cudaSuccess;
}
// Host memory that kernels reach: here it is what managed memory is.
cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) { return cudaMallocManaged(pointer, bytes); }
cudaError_t cudaFreeHost(void* pointer) { return cudaFree(pointer); }

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
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
  run_work(stream_of(stream));
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
    default:
      return "invalid argument";
  }
}
