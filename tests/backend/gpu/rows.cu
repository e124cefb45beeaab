// A user's row program on the GPU: a block per row, segments, strides.
#include <doctest/doctest.h>

#include "backend/row_program.hpp"
#include "dispar/backend/gpu.hpp"

namespace engine_tests {

TEST_CASE("run_rows on the GPU: what the program says, by rows and by segments") {
  dispar::cuda_context context;
  const dispar::gpu g{&context};
  for (const index cols : {5, 2500, 9001}) {
    CAPTURE(cols);
    row_program_case<float> c(2, cols, false);
    dispar::array<float, 2, dispar::gpu> x[3], merged(g, {2, cols});
    dispar::row_inputs<float, 3, dispar::device, 1> in;
    for (std::size_t k = 0; k < 3; ++k) {
      x[k] = dispar::to(g, dispar::as_matrix(c.x[k], 2, cols));
      in.x[k] = x[k].view();
    }
    const auto weights = dispar::to(g, c.weights);
    in.operands = {weights.view()};
    dispar::array<double, 2, dispar::gpu> results(g, {2, 2});
    dispar::row_outputs<float, 1, 2, dispar::device> out{.y = {merged.view()}};
    for (std::size_t k = 0; k < 2; ++k) out.results[k] = dispar::vector_view<double, dispar::device>(results.data() + 2 * k, 2);
    dispar::run_rows(g, contrast{0.5}, in, out);
    const auto got = dispar::to_host(g, merged);
    const auto numbers = dispar::to_host(g, results);
    c.merged.assign(got.data(), got.data() + 2 * cols);
    c.results.assign(numbers.data(), numbers.data() + 4);
    CHECK(c.worst() < 1e-5);
  }
}

TEST_CASE("run_rows on the GPU: elements by number") {
  dispar::cuda_context context;
  const dispar::gpu g{&context};
  for (const index cols : {37, 9001})
    for (const bool accumulate : {false, true}) {
      CAPTURE(cols);
      choice_case c(cols);
      const auto x = dispar::to(g, dispar::as_matrix(c.logits, 3, cols));
      const auto chosen = dispar::to(g, c.chosen);
      auto gradient = dispar::to(g, c.gradient);
      dispar::array<double, 1, dispar::gpu> results(g, {3});
      const dispar::matrix_view<double, dispar::device> y(gradient.data(), 3, cols);
      dispar::run_rows(
          g, choice{chosen.data()}, dispar::row_inputs<double, 1, dispar::device>{.x = {x.view()}},
          dispar::row_outputs<double, 1, 1, dispar::device>{.y = {y}, .results = {results.view()}, .accumulate = accumulate});
      const auto got = dispar::to_host(g, gradient), numbers = dispar::to_host(g, results);
      c.gradient.assign(got.data(), got.data() + 3 * cols);
      c.results.assign(numbers.data(), numbers.data() + 3);
      CHECK(c.worst(accumulate ? 10 : 0) < 1e-12);
    }
}

}  // namespace engine_tests
