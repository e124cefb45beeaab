// Merges of doubles on the GPU: the results of the CPU, by a block per row and by segments, in place; Harsanyi dividends.
#include "decoding/gpu/merge_checks.hpp"
#include "dispar/decoding/harsanyi.hpp"

namespace decoding_tests {

TEST_CASE("merges on the GPU: a block per row; a long row by segments") {
  check<double, true>(3, 2051);
  check<double, true>(1, 16390);
}

TEST_CASE("harsanyi on the GPU: the bits of the CPU") {
  dispar::cuda_context context;
  const gpu g{&context};
  const auto v = normal_rows<double>(8, 300, 1);
  std::vector<double> dividends(v.size()), values(900);
  decoding::harsanyi(on_cpu, as_matrix(v, 8, 300), as_matrix(dividends, 8, 300));
  decoding::shapley(on_cpu, as_matrix(std::as_const(dividends), 8, 300), as_matrix(values, 3, 300));
  auto in_place = dispar::to(g, as_matrix(v, 8, 300));
  array<double, 2, gpu> shapley(g, {3, 300});
  decoding::harsanyi(g, in_place, in_place);
  decoding::shapley(g, in_place, shapley);
  const auto got = dispar::to_host(g, in_place), got_values = dispar::to_host(g, shapley);
  CHECK(std::vector<double>(got.data(), got.data() + 2400) == dividends);
  CHECK(worst(std::vector<double>(got_values.data(), got_values.data() + 900), values) < 1e-15);
}

}  // namespace decoding_tests
