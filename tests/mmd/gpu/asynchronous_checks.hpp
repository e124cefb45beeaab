#pragma once
/// \file
/// What every asynchronous form promises: its second call allocates nothing, uploads nothing and does not wait; a CUDA graph
/// captures it, and replays it on what the memory holds then.

#include "mmd/gpu/device_rows.hpp"

namespace gpu_tests {

/// CUDA's memory, counted.
class counted_memory : public dispar::device_memory_resource {
public:
  long allocations = 0, held = 0;

  void* allocate(std::size_t bytes, cudaStream_t stream) override {
    void* p = nullptr;
    REQUIRE(cudaMallocAsync(&p, bytes, stream) == cudaSuccess);
    ++allocations;
    ++held;
    return p;
  }
  void deallocate(void* p, std::size_t, cudaStream_t stream) noexcept override {
    (void)cudaFreeAsync(p, stream);
    --held;
  }
};

/// A stream of its own.
class own_stream {
public:
  own_stream() { REQUIRE(cudaStreamCreate(&stream_) == cudaSuccess); }
  own_stream(const own_stream&) = delete;
  own_stream& operator=(const own_stream&) = delete;
  ~own_stream() { cudaStreamDestroy(stream_); }
  [[nodiscard]] cudaStream_t get() const { return stream_; }

private:
  cudaStream_t stream_ = nullptr;
};

/// Such a stream, with a context whose memory is counted.
class counted_stream {
public:
  [[nodiscard]] dispar::gpu backend() { return {&context_}; }
  [[nodiscard]] cudaStream_t stream() const { return stream_.get(); }
  /// Everything that a second call must not do, so far.
  [[nodiscard]] long forbidden_calls() const {
#if defined(DISPAR_CUDA_EMULATION)
    const auto& calls = cuda_emulation::calls();
    return memory_.allocations + calls.allocations + calls.copies_from_host + calls.waits;
#else
    return memory_.allocations;
#endif
  }

private:
  own_stream stream_;
  counted_memory memory_;
  dispar::cuda_context context_{stream_.get(), &memory_};
};

/// Rows in memory that keeps its place while the numbers change.
template<class T>
struct changing_rows {
  dispar::gpu b;
  dispar::array<T, 2, dispar::gpu> memory;

  changing_rows(const dispar::gpu& b_, index n, index d) : b(b_), memory(b_, {n, d}) {}
  void fill(std::uint64_t seed, double mean = 0) {
    const auto numbers = normal_rows<T>(memory.extents()[0], memory.extents()[1], seed, mean);
    REQUIRE(cudaMemcpyAsync(memory.data(), numbers.data(), memory.bytes(), cudaMemcpyHostToDevice, b.stream()) == cudaSuccess);
    b.wait();
  }
  [[nodiscard]] auto view() const { return memory.view(); }
};

/// The work of `call` as a graph.
class graph {
public:
  template<class Call>
  graph(cudaStream_t stream, const Call& call) : stream_(stream) {
    REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
    call();
    cudaGraph_t captured = nullptr;
    REQUIRE(cudaStreamEndCapture(stream, &captured) == cudaSuccess);
    REQUIRE(cudaGraphInstantiate(&executable_, captured, 0) == cudaSuccess);
    cudaGraphDestroy(captured);
  }
  graph(const graph&) = delete;
  graph& operator=(const graph&) = delete;
  ~graph() { cudaGraphExecDestroy(executable_); }
  void launch() const { REQUIRE(cudaGraphLaunch(executable_, stream_) == cudaSuccess); }

private:
  cudaStream_t stream_;
  cudaGraphExec_t executable_ = nullptr;
};

/// `call()` is the asynchronous form, `fill(seed)` changes the data in place, `found()` is what `call` has written, and
/// `expected()` the result of the form that returns it.
template<class Call, class Fill, class Found, class Expected>
void check_asynchronous(counted_stream& s, const Call& call, const Fill& fill, const Found& found, const Expected& expected) {
  fill(1);
  call();
  const auto by_value = found();
  const long before = s.forbidden_calls();
  call();
  CHECK(s.forbidden_calls() == before);
  CHECK(found() == by_value);

  const graph replay(s.stream(), call);
  CHECK(expected() == by_value);
  for (const unsigned seed : {2u, 3u, 1u}) {
    fill(seed);
    replay.launch();
    const auto replayed = found();
    CHECK(replayed == expected());
    CHECK((replayed == by_value) == (seed == 1));
  }
}

}  // namespace gpu_tests
