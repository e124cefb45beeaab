// Kernels with one mistake each: the emulation must find it, and must run the right ones right.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <vector>

#include "cuda_runtime.h"

namespace {

using cuda_emulation::defect;

/// `count` numbers of device memory, and back.
template<class T>
class numbers {
public:
  explicit numbers(std::size_t count) : count_(count) {
    void* p = nullptr;
    REQUIRE(cudaMallocAsync(&p, count * sizeof(T), nullptr) == cudaSuccess);
    data_ = static_cast<T*>(p);
  }
  numbers(const numbers&) = delete;
  numbers& operator=(const numbers&) = delete;
  ~numbers() { (void)cudaFreeAsync(data_, nullptr); }
  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::vector<T> on_host() const {
    std::vector<T> copy(count_);
    cudaMemcpyAsync(copy.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost, nullptr);
    cudaStreamSynchronize(nullptr);
    return copy;
  }

private:
  T* data_;
  std::size_t count_;
};

template<class... Parameters, class... Arguments>
void launch(unsigned blocks, unsigned threads, void (*kernel)(Parameters...), Arguments... arguments) {
  cudaLaunchConfig_t config;
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(threads);
  REQUIRE(cudaLaunchKernelEx(&config, kernel, arguments...) == cudaSuccess);
}

/// Whether a child process that does this is killed, or at least ends badly.
template<class Work>
bool crashes(const Work& work) {
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);
    work();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) || WEXITSTATUS(status) != 0;
}

template<bool Synchronized>
__global__ void reverse_kernel(int* out) {
  __shared__ int tile[96];
  tile[threadIdx.x] = static_cast<int>(blockIdx.x * 1000 + threadIdx.x);
  if (Synchronized) __syncthreads();
  out[blockIdx.x * blockDim.x + threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

/// Adds up what the neighbours wrote last, twice: the second barrier of a round keeps writers from those who still read.
template<bool Synchronized>
__global__ void rounds_kernel(int* out) {
  __shared__ int tile[64];
  int value = static_cast<int>(threadIdx.x);
  for (int round = 0; round < 3; ++round) {
    if (Synchronized || round == 0) __syncthreads();
    tile[threadIdx.x] = value;
    __syncthreads();
    value += tile[(threadIdx.x + 1) % blockDim.x];
  }
  out[threadIdx.x] = value;
}

/// A warp that runs ahead to its next result overwrites what thread 0 has not read yet.
template<bool Synchronized>
__global__ void warp_sums_kernel(int* out) {
  __shared__ int sums[2];
  for (int round = 0; round < 2; ++round) {
    const int sum = __shfl_xor_sync(~0u, static_cast<int>(threadIdx.x) + round, 1);
    if (Synchronized) __syncthreads();
    if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x == 0) out[round] = sums[0] + sums[1];
  }
}

__global__ void unwritten_kernel(float* out) {
  __shared__ float tile[32];
  if (threadIdx.x != 7) tile[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = tile[threadIdx.x];
}

__global__ void half_a_block_kernel() {
  if (threadIdx.x < blockDim.x / 2) __syncthreads();
}
__global__ void two_barriers_kernel() {
  if (threadIdx.x == 3)
    __syncthreads();
  else
    __syncthreads();
}
__global__ void lane_is_missing_kernel(int* out) {
  if (threadIdx.x != 40) out[threadIdx.x] = __shfl_xor_sync(~0u, static_cast<int>(threadIdx.x), 1);
}

__global__ void collectives_kernel(int* xored, double* down, int* first, unsigned* ballot) {
  const auto t = threadIdx.x;
  xored[t] = __shfl_xor_sync(~0u, static_cast<int>(t), 5);
  down[t] = __shfl_down_sync(~0u, 0.5 * t, 4);
  first[t] = __shfl_sync(~0u, static_cast<int>(t), 0);
  __syncwarp();
  ballot[t] = __ballot_sync(~0u, t % 3 == 0);
}

__global__ void last_block_kernel(int* out) { out[0] = static_cast<int>(blockIdx.x); }
__global__ void counting_kernel(int* out) {
  atomicAdd(out, 1);
  atomicMin(out + 1, static_cast<int>(threadIdx.x));
}
__global__ void write_kernel(int* out, long at) { out[at] = 1; }
__global__ void read_kernel(const int* from, int* out, long at) { out[0] = from[at]; }

}  // namespace

TEST_CASE("threads of a block exchange through shared memory, and a missing barrier is found") {
  const numbers<int> out(3 * 96);
  launch(3, 96, reverse_kernel<true>, out.data());
  const auto result = out.on_host();
  for (int b = 0; b < 3; ++b)
    for (int t = 0; t < 96; ++t) CHECK(result[static_cast<std::size_t>(b * 96 + t)] == b * 1000 + 95 - t);
  launch(3, 96, reverse_kernel<false>, out.data());
  CHECK_THROWS_WITH_AS(cudaStreamSynchronize(nullptr), "a kernel's results depend on the order of its threads or blocks", defect);
  launch(1, 64, rounds_kernel<true>, out.data());
  CHECK(out.on_host()[0] == 0 + 1 + (1 + 2) + (1 + 2 + 2 + 3));
  launch(1, 64, rounds_kernel<false>, out.data());
  CHECK_THROWS_AS(cudaStreamSynchronize(nullptr), defect);
  launch(1, 64, warp_sums_kernel<true>, out.data());
  CHECK(out.on_host()[1] == 2 + 34);
  launch(1, 64, warp_sums_kernel<false>, out.data());
  CHECK_THROWS_AS(cudaStreamSynchronize(nullptr), defect);
}

TEST_CASE("memory that nobody wrote is NaN") {
  const numbers<float> out(32), fresh(5);
  launch(2, 32, unwritten_kernel, out.data());
  const auto result = out.on_host();
  for (std::size_t t = 0; t < 32; ++t) CHECK(std::isnan(result[t]) == (t == 7));
  for (float x : fresh.on_host()) CHECK(std::isnan(x));
}

TEST_CASE("threads that do not meet at one barrier or collective are reported") {
  const numbers<int> out(64);
  launch(1, 64, half_a_block_kernel);
  CHECK_THROWS_AS(cudaStreamSynchronize(nullptr), defect);
  launch(1, 64, two_barriers_kernel);
  CHECK_THROWS_AS(cudaStreamSynchronize(nullptr), defect);
  launch(1, 64, lane_is_missing_kernel, out.data());
  CHECK_THROWS_AS(cudaStreamSynchronize(nullptr), defect);
}

TEST_CASE("warp collectives") {
  const numbers<int> xored(64), first(64);
  const numbers<double> down(64);
  const numbers<unsigned> ballot(64);
  launch(1, 64, collectives_kernel, xored.data(), down.data(), first.data(), ballot.data());
  const auto x = xored.on_host(), f = first.on_host();
  const auto d = down.on_host();
  const auto b = ballot.on_host();
  for (unsigned t = 0; t < 64; ++t) {
    CHECK(x[t] == static_cast<int>(t ^ 5));
    CHECK(f[t] == static_cast<int>(t / 32 * 32));
    CHECK(d[t] == 0.5 * (t % 32 + 4 < 32 ? t + 4 : t));
    for (unsigned lane = 0; lane < 32; ++lane) CHECK((b[t] >> lane & 1) == ((t / 32 * 32 + lane) % 3 == 0));
  }
}

TEST_CASE("blocks that write one place are found, atomic operations are no mistake") {
  const numbers<int> out(2);
  launch(4, 32, last_block_kernel, out.data());
  CHECK_THROWS_AS(cudaStreamSynchronize(nullptr), defect);
  cudaMemsetAsync(out.data(), 0, 4, nullptr);
  cudaMemsetAsync(out.data() + 1, 0x7f, 4, nullptr);
  launch(4, 32, counting_kernel, out.data());
  CHECK(out.on_host() == std::vector<int>{128, 0});
}

TEST_CASE("accesses outside of an allocation") {
  const numbers<int> a(5), out(1);  // 5 * 4 bytes end 12 bytes before the page without access
  launch(1, 1, write_kernel, a.data(), 4L);
  CHECK(a.on_host()[4] == 1);
  launch(1, 1, write_kernel, a.data(), 5L);
  CHECK_THROWS_WITH_AS(cudaStreamSynchronize(nullptr), "bytes next to an allocation were written", defect);
  CHECK(crashes([&] {
    launch(1, 1, read_kernel, a.data(), out.data(), 8L);
    cudaStreamSynchronize(nullptr);
  }));
  std::vector<int> host(6);
  cudaMemcpyAsync(host.data(), out.data(), 8, cudaMemcpyDeviceToHost, nullptr);
  CHECK_THROWS_AS(cudaStreamSynchronize(nullptr), defect);
  cudaMemcpyAsync(out.data(), a.data(), 4, cudaMemcpyHostToDevice, nullptr);
  CHECK_THROWS_AS(cudaStreamSynchronize(nullptr), defect);
}

TEST_CASE("the host touches no device memory; managed memory it may, and nothing happens before the wait") {
  const numbers<int> a(1);
  CHECK(crashes([&] { *a.data() = 1; }));
  CHECK(crashes([&] { std::printf("%d", *a.data()); }));
  void* p = nullptr;
  REQUIRE(cudaMallocManaged(&p, 4) == cudaSuccess);
  auto* const managed = static_cast<int*>(p);
  *managed = 3;
  launch(1, 1, write_kernel, managed, 0L);
  CHECK(*managed == 3);
  cudaStreamSynchronize(nullptr);
  CHECK(*managed == 1);
  cudaFree(managed);
  CHECK(crashes([&] { *managed = 1; }));
}

TEST_CASE("a captured graph runs at every launch, on what the memory holds then") {
  cudaStream_t stream = nullptr;
  REQUIRE(cudaStreamCreate(&stream) == cudaSuccess);
  void* p = nullptr;
  REQUIRE(cudaMallocManaged(&p, 8) == cudaSuccess);
  auto* const sums = static_cast<int*>(p);
  sums[0] = sums[1] = 0;
  const auto count = [&] {
    cudaLaunchConfig_t config;
    config.gridDim = dim3(2);
    config.blockDim = dim3(32);
    config.stream = stream;
    return cudaLaunchKernelEx(&config, counting_kernel, sums);
  };
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
  CHECK(count() == cudaSuccess);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  REQUIRE(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess);
  cudaStreamSynchronize(stream);
  CHECK(sums[0] == 0);
  for (int launch = 1; launch <= 3; ++launch) {
    cudaGraphLaunch(executable, stream);
    cudaStreamSynchronize(stream);
    CHECK(sums[0] == 64 * launch);
  }
  cudaGraphDestroy(graph);
  cudaGraphExecDestroy(executable);

  int on_host = 0;
  const auto refused = [&](const auto& call) {
    REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
    CHECK(call() == cudaErrorStreamCaptureUnsupported);
    CHECK(count() == cudaErrorStreamCaptureInvalidated);
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated);
    CHECK(graph == nullptr);
  };
  refused([&] { return cudaStreamSynchronize(stream); });
  refused([&] { return cudaMemcpyAsync(sums, &on_host, 4, cudaMemcpyDefault, stream); });
  refused([&] { return cudaMemcpyAsync(&on_host, sums, 4, cudaMemcpyDefault, stream); });
  refused([&] { return cudaMallocHost(&p, 4); });
  cudaFree(sums);
  cudaStreamDestroy(stream);
}

TEST_CASE("memory that a cache keeps is nobody's, and then as fresh as new") {
  const numbers<float> a(3);
  cudaMemsetAsync(a.data(), 0, 12, nullptr);
  cuda_emulation::set_idle(a.data(), true, nullptr);
  CHECK(crashes([&] { (void)a.on_host(); }));
  cuda_emulation::set_idle(a.data(), false, nullptr);
  for (float x : a.on_host()) CHECK(std::isnan(x));
}
