#pragma once

#include <doctest/doctest.h>

#include <cstdint>

#include "dispar/backend/cpu.hpp"
#include "dispar/backend/gpu/sort.hpp"
#include "oracle.hpp"
#include "replayed.hpp"

namespace contrastive_tests {

[[nodiscard]] inline std::vector<std::int32_t> labels_of_triplets(dispar::index n) {
  std::vector<std::int32_t> labels;
  for (dispar::index i = 0; i < n; ++i) labels.push_back(static_cast<std::int32_t>(i * i % 11));
  return labels;
}

/// `loss(backend, x, labels, margin, gradient, band_rows)` on the GPU, by bands: as on the host, run to run the same bits.
template<class T, class Loss, class Margin>
void check_as_on_host(const Loss& loss, dispar::index n, dispar::index d, const Margin& margin, double tolerance) {
  using dispar::as_matrix;
  dispar::cuda_context context;
  const dispar::gpu g{&context};
  const auto x = normal_rows<T>(n, d, 1);
  const auto labels = labels_of_triplets(n);
  std::vector<T> by_x(x.size());
  const auto expected = numbers_of(loss(dispar::cpu{}, as_matrix(x, n, d), labels, margin, as_matrix(by_x, n, d), 0));
  const auto dx = to(g, as_matrix(x, n, d));
  const auto of_x = to(g, labels);
  dispar::array<T, 2, dispar::gpu> first(g, {n, d}), second(g, {n, d});
  const auto numbers = numbers_of(loss(g, dx, of_x, margin, first.view(), 48));
  CHECK(numbers == numbers_of(loss(g, dx, of_x, margin, second.view(), 48)));
  REQUIRE(numbers.size() == expected.size());
  CHECK(numbers[0] == doctest::Approx(expected[0]).epsilon(tolerance));
  for (std::size_t k = 1; k < numbers.size(); ++k) CHECK(numbers[k] == expected[k]);  // anchors, triplets
  const auto found = on_host(g, first);
  CHECK(found == on_host(g, second));
  CHECK(oracle::apart(found, std::vector<double>(by_x.begin(), by_x.end())) < tolerance);
}

}  // namespace contrastive_tests
