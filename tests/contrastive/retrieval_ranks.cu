// Ranks of retrieval on the GPU: as on the host, also with ties and by bands; captured in a graph.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "dispar/backend/cpu.hpp"
#include "dispar/backend/gpu/sort.hpp"
#include "dispar/contrastive/retrieval_ranks.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::inner_product;
using dispar::as_matrix;
using dispar::gpu;
using dispar::index;

std::vector<index> read_ranks(const gpu& b, const dispar::array<index, 1, gpu>& ranks) {
  const auto copy = to_host(b, ranks);
  return {copy.data(), copy.data() + copy.view().size()};
}

std::vector<std::int32_t> labels_modulo(index n, index classes) {
  std::vector<std::int32_t> labels;
  for (index i = 0; i < n; ++i) labels.push_back(static_cast<std::int32_t>(i * i % classes));
  return labels;
}

}  // namespace

TEST_CASE("retrieval ranks on the gpu: as on the host, by bands; a second call does not allocate, upload or wait; a graph") {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  const index n = 60, m = 70, d = 3;
  auto x = normal_rows<float>(n, d, 1), y = normal_rows<float>(m, d, 2);
  for (float& v : x) v = std::round(v);
  for (float& v : y) v = std::round(v);
  const auto lx = labels_modulo(n, 23), ly = labels_modulo(m, 13);
  std::vector<index> expected(static_cast<std::size_t>(n));
  contrastive::retrieval_ranks(dispar::cpu{}, as_matrix(x, n, d), lx, as_matrix(y, m, d), ly, inner_product{},
                               dispar::view_of(expected));
  const auto dx = to(g, as_matrix(x, n, d)), dy = to(g, as_matrix(y, m, d));
  const auto of_x = to(g, lx), of_y = to(g, ly);
  dispar::array<index, 1, gpu> ranks(g, {n});
  const auto run = [&] { contrastive::retrieval_ranks(g, dx, of_x, dy, of_y, inner_product{}, ranks.view(), {.band_rows = 32}); };
  run();
  CHECK(read_ranks(g, ranks) == expected);
  const long before = on.forbidden_calls();
  run();
  CHECK(on.forbidden_calls() == before);
  const gpu_tests::graph replay(on.stream(), run);
  REQUIRE(cudaMemsetAsync(ranks.data(), 0, ranks.bytes(), on.stream()) == cudaSuccess);
  replay.launch();
  CHECK(read_ranks(g, ranks) == expected);
}

}  // namespace contrastive_tests
