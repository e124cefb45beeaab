#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "mmd/gpu/asynchronous_checks.hpp"
#include "on_host.hpp"

namespace contrastive_tests {

/// The numbers of a loss.
template<class Loss>
[[nodiscard]] std::vector<double> numbers_of(const Loss& loss) {
  static_assert(sizeof(Loss) % sizeof(double) == 0);
  std::vector<double> numbers(sizeof(Loss) / sizeof(double));
  std::memcpy(numbers.data(), &loss, sizeof(Loss));
  return numbers;
}

/// The second call of `run`, a loss of the rows `x`, neither allocates, uploads nor waits; and a graph of it writes, for rows
/// that came after it was captured, what a call writes: the numbers that `read` returns and the gradients, bit by bit.
template<class Run, class Read, class... Gradients>
void check_replayed(gpu_tests::counted_stream& on, gpu_tests::changing_rows<float>& x, const Run& run, const Read& read,
                    Gradients&... gradients) {
  const dispar::gpu b = on.backend();
  x.fill(1);
  run();
  b.wait();
  const long before = on.forbidden_calls();
  run();
  CHECK(on.forbidden_calls() == before);
  const gpu_tests::graph replay(on.stream(), run);
  for (const std::uint64_t seed : {3u, 4u}) {
    x.fill(seed);
    run();
    const std::vector<double> expected = read();
    const std::vector<std::vector<float>> by_rows{on_host(b, gradients)...};
    for (auto* gradient : {&gradients...})
      REQUIRE(cudaMemsetAsync(gradient->data(), 0, gradient->bytes(), on.stream()) == cudaSuccess);
    replay.launch();
    CHECK(read() == expected);
    CHECK(std::vector<std::vector<float>>{on_host(b, gradients)...} == by_rows);
  }
}

/// Rows with NaN are told of at the next wait.
template<class Run>
void check_bad_rows(gpu_tests::counted_stream& on, gpu_tests::changing_rows<float>& x, const Run& run) {
  x.fill(5, static_cast<double>(dispar::quiet_nan<float>()));
  run();
  CHECK_THROWS_AS(on.backend().wait(), dispar::invalid_argument);
}

}  // namespace contrastive_tests
