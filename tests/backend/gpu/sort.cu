// Sorting on the GPU by CUB: the results of the CPU.
#include "dispar/backend/gpu/sort.hpp"

#include <doctest/doctest.h>

#include "../sort_workload.hpp"
#include "dispar/backend/gpu.hpp"
#include "dispar/metrics/roc.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"

namespace {

using namespace dispar;
using namespace sort_workload;

template<class T>
void check_sort(const gpu& g, dispar::index size, sort_order order) {
  CAPTURE(size);
  const auto x = keys<T>(size, 4000000000u, 1);
  const auto at = sorted_indices(x, order);
  const auto device_x = to(g, x);
  array<T, 1, gpu> sorted(g, {size});
  array<std::int32_t, 1, gpu> indices(g, {size});
  sort_keys(g, device_x.view(), sorted.view(), order);
  sort_indices(g, device_x.view(), indices.view(), order);
  const auto found = to_host(g, sorted);
  const auto found_at = to_host(g, indices);
  CHECK(same(std::vector<T>(found.data(), found.data() + size), taken(x, at)));
  CHECK(std::equal(at.begin(), at.end(), found_at.data()));
  const auto payload = to(g, at);
  array<std::int64_t, 1, gpu> moved(g, {size});
  if constexpr (std::is_same_v<T, float>) {
    sort_pairs(g, device_x.view(), payload.view(), sorted.view(), moved.view(), order);
    const auto values = to_host(g, moved);
    CHECK(std::equal(values.data(), values.data() + size, taken(at, at).begin()));
  }
}

}  // namespace

TEST_CASE_TEMPLATE("sort on the GPU: the order of the CPU", T, float, std::int64_t) {
  cuda_context context;
  const gpu g{&context};
  for (const dispar::index size : {0, 1, 2, 1000, 20000})
    for (const sort_order order : {sort_order::ascending, sort_order::descending}) check_sort<T>(g, size, order);
}

TEST_CASE("sort on the GPU: without a wait, and by a graph") {
  gpu_tests::counted_stream s;
  const gpu g = s.backend();
  constexpr dispar::index size = 700;
  gpu_tests::changing_rows<float> x(g, size, 1);
  const vector_view<const float, device> keys(x.memory.data(), size);
  array<float, 1, gpu> sorted(g, {size});
  array<std::int32_t, 1, gpu> indices(g, {size}), moved(g, {size});
  const auto copy = [&](const auto& of) { return std::vector<double>(of.data(), of.data() + size); };
  gpu_tests::check_asynchronous(
      s,
      [&] {
        sort_indices(g, keys, indices.view(), sort_order::descending);
        sort_pairs(g, keys, indices.view(), sorted.view(), moved.view());
        sort_keys(g, keys, sorted.view());
      },
      [&](std::uint64_t seed) { x.fill(seed); },
      [&] {
        return std::array{copy(to_host(g, sorted)), copy(to_host(g, indices)), copy(to_host(g, moved))};
      },
      [&] {
        const auto numbers = host_vector(g, keys);
        const auto ascending = sorted_indices(numbers, sort_order::ascending);
        const auto descending = sorted_indices(numbers, sort_order::descending);
        const auto of = taken(numbers, ascending);
        const auto pairs = taken(descending, ascending);
        return std::array{copy(of), copy(descending), copy(pairs)};
      });
}

TEST_CASE("auroc on the GPU: that of the CPU") {
  cuda_context context;
  const gpu g{&context};
  const std::vector<float> negatives{1, 3, -0.0f, 2, 2}, positives{0, 2, 4, 4};
  CHECK(metrics::auroc(g, to(g, negatives), to(g, positives)) == metrics::auroc(negatives, positives));
  const auto points = metrics::roc_curve(g, to(g, negatives), to(g, positives));
  CHECK(points.threshold == metrics::roc_curve(negatives, positives).threshold);
  CHECK_THROWS_WITH_AS((void)metrics::auroc(g, to(g, negatives), to(g, std::vector<float>{1, quiet_nan<float>()})),
                       "dispar: auroc: positives must not be NaN", invalid_argument);
}
