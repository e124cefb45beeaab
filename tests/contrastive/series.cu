// Series of BALM-TSF on the GPU, reversible normalization and errors of forecasts: the host's numbers, no allocation, upload or
// wait in a second call, replayed by a graph.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "dispar/backend/cpu.hpp"
#include "dispar/contrastive/revin.hpp"
#include "dispar/metrics/forecast_errors.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using dispar::array;
using dispar::as_matrix;
using dispar::cpu;
using dispar::gpu;
using dispar::index;

constexpr index things = 4, times = 10, features = 6, rows = things * times;

/// All that the passes over series write, in memory of a backend.
template<class B>
struct series_passes {
  using space = typename B::space;
  using matrix = dispar::matrix_view<float, space>;
  array<float, 2, B> normed, back, by_x, by_y, by_map;
  array<double, 2, B> level, scale;
  array<dispar::metrics::forecast_error, 1, B> errors;

  explicit series_passes(const B& b)
      : normed(b, {rows, features}),
        back(b, {rows, features}),
        by_x(b, {rows, features}),
        by_y(b, {rows, features}),
        by_map(b, {4, features}),
        level(b, {things, features}),
        scale(b, {things, features}),
        errors(b, {1}) {}

  template<class T>
  [[nodiscard]] static dispar::tensor_view<T, 3, space> series(T* data) {
    return {data, {things, times, features}};
  }
  [[nodiscard]] dispar::vector_view<float, space> by_map_row(index i) { return {by_map.data() + i * features, features}; }

  /// There and back and both gradients, x and y normalized, map the weights and biases; how far x is from y.
  void run(const B& b, const float* x, const float* y, const float* map, bool last) {
    const contrastive::revin_options o{.subtract_last = last};
    const contrastive::revin_statistics<space> kept{level.view(), scale.view()};
    const contrastive::revin_affine<float, space> affine{{map, features}, {map + features, features}};
    contrastive::revin_normalize(b, series(x), series(normed.data()), kept, affine, o);
    contrastive::revin_denormalize(b, series(y), series(back.data()), kept, affine, o);
    contrastive::revin_normalize_gradient(b, series(x), series(y), series(by_x.data()), kept, affine,
                                          {.weight = by_map_row(0), .bias = by_map_row(1)}, o);
    contrastive::revin_denormalize_gradient(b, series(y), series(x), series(by_y.data()), kept, affine,
                                            {.weight = by_map_row(2), .bias = by_map_row(3)}, o);
    dispar::metrics::forecast_errors(b, dispar::matrix_view<const float, space>(x, rows, features),
                                     dispar::matrix_view<const float, space>(y, rows, features),
                                     dispar::scalar_view<dispar::metrics::forecast_error, space>(errors.data()));
  }
};

template<class T, int Rank, class B>
std::vector<T> numbers_of(const B& b, const array<T, Rank, B>& x) {
  const auto copy = to_host(b, x);
  return {copy.data(), copy.data() + copy.view().size()};
}
template<class B>
std::vector<std::vector<double>> all_of(const B& b, series_passes<B>& p) {
  std::vector<std::vector<double>> all;
  const auto add = [&](const auto& x) {
    const auto numbers = numbers_of(b, x);
    all.emplace_back(numbers.begin(), numbers.end());
  };
  add(p.normed);
  add(p.back);
  add(p.by_x);
  add(p.by_y);
  add(p.by_map);
  add(p.level);
  add(p.scale);
  const auto e = numbers_of(b, p.errors)[0];
  all.push_back({e.mae, e.mse, e.rmse});
  all.push_back({e.mape, e.mspe});
  return all;
}

void check(bool last) {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  gpu_tests::changing_rows<float> x(g, rows, features), y(g, rows, features), map(g, 2, features);
  const auto fill = [&](std::uint64_t seed) {
    x.fill(seed, 3);
    y.fill(seed + 10, -2);
    map.fill(seed + 20, 4);
  };
  series_passes<gpu> device(g);
  const auto on_device = [&] { device.run(g, x.view().data(), y.view().data(), map.view().data(), last); };
  const auto as_on_host = [&](std::uint64_t seed) {
    const auto hx = normal_rows<float>(rows, features, seed, 3), hy = normal_rows<float>(rows, features, seed + 10, -2),
               hmap = normal_rows<float>(2, features, seed + 20, 4);
    const cpu b;
    series_passes<cpu> host(b);
    host.run(b, hx.data(), hy.data(), hmap.data(), last);
    const auto expected = all_of(b, host), found = all_of(g, device);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(i);
      CHECK(oracle::apart(found[i], expected[i]) < 1e-6);
    }
  };
  fill(1);
  on_device();
  as_on_host(1);
  const auto once = all_of(g, device);
  const long before = on.forbidden_calls();
  on_device();
  CHECK(on.forbidden_calls() == before);
  CHECK(all_of(g, device) == once);
  const gpu_tests::graph replay(on.stream(), on_device);
  fill(2);
  replay.launch();
  as_on_host(2);
}

}  // namespace

TEST_CASE("RevIN there and back with its gradients, and errors of forecasts on the gpu") {
  check(false);
  check(true);
}

TEST_CASE("RevIN on the gpu: a constant series becomes 0 exactly") {
  dispar::cuda_context context;
  const gpu g{&context};
  const std::vector<double> same(static_cast<std::size_t>(rows * features), 0.1);
  const auto x = to(g, as_matrix(same, rows, features));
  array<double, 2, gpu> out(g, {rows, features}), level(g, {things, features}), scale(g, {things, features});
  using space = dispar::device;
  contrastive::revin_normalize(g, dispar::tensor_view<const double, 3, space>(x.data(), {things, times, features}),
                               dispar::tensor_view<double, 3, space>(out.data(), {things, times, features}),
                               contrastive::revin_statistics<space>{level.view(), scale.view()});
  CHECK(numbers_of(g, out) == std::vector<double>(same.size(), 0.0));
  CHECK(numbers_of(g, level)[0] == 0.1);
}

}  // namespace contrastive_tests
