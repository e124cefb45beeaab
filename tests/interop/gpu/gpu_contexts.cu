// Contexts that the program keeps: memory is found again, threads take turns, a failed call leaves nothing to the next one.
#include "dispar/interop/gpu_contexts.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <thread>
#include <vector>

#include "dispar/backend/gpu.hpp"
#include "dispar/backend/step.hpp"

namespace {

using namespace dispar;

struct write_number {
  double number;
  double* out;
  DISPAR_FN void operator()() const { *out = number; }
};

/// The number by way of the device.
double sent(double number) {
  double back = 0;
  on_kept_context(0, nullptr, [&](const gpu& b) {
    result<double, gpu> r(b);
    in_order(b, write_number{number, r.view().data()});
    back = r.get();
  });
  return back;
}

/// Packs one row of NaN, which the next wait complains about.
void pack_nan(const gpu& b) {
  const auto rows = to(b, std::vector<float>{std::nanf("")});
  const matrix_view<const float, device> matrix(rows.data(), 1, 1);
  (void)pack_samples<sq_euclidean>(b, std::array{as_sample(matrix)});
}

}  // namespace

TEST_CASE("kept contexts: one for every stream, and the memory of the last call") {
  const cuda_context* first = nullptr;
  on_kept_context(0, nullptr, [&](const gpu& b) { first = b.context; });
  CHECK(sent(3) == 3);
#if defined(DISPAR_CUDA_EMULATION)
  const long before = cuda_emulation::calls().allocations;
  CHECK(sent(4) == 4);
  CHECK(cuda_emulation::calls().allocations == before);
  release_kept_contexts();
  CHECK(sent(5) == 5);
  CHECK(cuda_emulation::calls().allocations > before);
#endif
  cudaStream_t stream = nullptr;
  REQUIRE(cudaStreamCreate(&stream) == cudaSuccess);
  for (int twice = 0; twice < 2; ++twice) {
    on_kept_context(0, stream, [&](const gpu& b) {
      CHECK(b.context != first);
      CHECK(b.stream() == stream);
    });
    on_kept_context(0, nullptr, [&](const gpu& b) { CHECK(b.context == first); });
  }
}

TEST_CASE("kept contexts: threads take turns") {
  std::vector<double> found(8);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([t, &found] {
      double sum = 0;
      for (int i = 0; i < 20; ++i) sum += sent(t);
      found[static_cast<std::size_t>(t)] = sum;
    });
  for (auto& thread : threads) thread.join();
  for (int t = 0; t < 8; ++t) CHECK(found[static_cast<std::size_t>(t)] == 20 * t);
}

TEST_CASE("kept contexts: errors are those of the call, and bad data is thrown by the end of it") {
  CHECK_THROWS_WITH_AS(on_kept_context(0, nullptr, pack_nan), "dispar: sample 0: element (0, 0) is NaN or infinite",
                       invalid_argument);
  struct failure {};
  CHECK_THROWS_AS(on_kept_context(0, nullptr,
                                  [](const gpu& b) {
                                    pack_nan(b);
                                    throw failure();
                                  }),
                  failure);
  CHECK(sent(6) == 6);
  CHECK_THROWS_AS(on_kept_context(1000, nullptr, pack_nan), cuda_error);
  CHECK(sent(7) == 7);
}
