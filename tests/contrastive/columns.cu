// Losses of features on the GPU: as on the host, by bands, run to run the same bits, captured in a graph.
#include "dispar/backend/gpu.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "dispar/backend/cpu.hpp"
#include "dispar/contrastive/barlow_twins.hpp"
#include "dispar/contrastive/coral.hpp"
#include "dispar/contrastive/vicreg.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"
#include "replayed.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using dispar::as_matrix;
using dispar::cpu;
using dispar::gpu;
using dispar::index;

struct barlow {
  static constexpr const char* name = "barlow twins";
  template<class B, class X, class G>
  static double run(const B& b, const X& x, const X& y, const G& gx, const G& gy, index band) {
    return contrastive::barlow_twins(b, x, y, {.x = gx, .y = gy}, {.band_columns = band}).value;
  }
};
struct vic {
  static constexpr const char* name = "vicreg";
  template<class B, class X, class G>
  static double run(const B& b, const X& x, const X& y, const G& gx, const G& gy, index band) {
    return contrastive::vicreg(b, x, y, {.x = gx, .y = gy}, {.band_columns = band}).value;
  }
};
struct deep_coral {
  static constexpr const char* name = "coral";
  template<class B, class X, class G>
  static double run(const B& b, const X& x, const X& y, const G& gx, const G& gy, index band) {
    return contrastive::coral(b, x, y, {.x = gx, .y = gy}, {.band_columns = band});
  }
};

template<class Loss, class T>
void check(double tolerance) {
  CAPTURE(Loss::name);
  const index n = 100, d = 37;
  const auto x = normal_rows<T>(n, d, 1, 2);
  const auto y = normal_rows<T>(n, d, 2, -1);
  std::vector<T> ex(x.size()), ey(y.size());
  const double expected = Loss::run(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), as_matrix(ex, n, d), as_matrix(ey, n, d), 0);
  dispar::cuda_context context;
  const gpu g{&context};
  const auto dx = to(g, as_matrix(x, n, d)), dy = to(g, as_matrix(y, n, d));
  dispar::array<T, 2, gpu> gx(g, {n, d}), gy(g, {n, d}), again(g, {n, d});
  const double loss = Loss::run(g, dx.view(), dy.view(), gx.view(), gy.view(), 16);
  const double second = Loss::run(g, dx.view(), dy.view(), again.view(), gy.view(), 16);
  CHECK(loss == doctest::Approx(expected).epsilon(tolerance));
  CHECK(loss == second);
  CHECK(on_host(g, gx) == on_host(g, again));
  CHECK(oracle::apart(on_host(g, gx), std::vector<double>(ex.begin(), ex.end())) < 3 * tolerance);
  CHECK(oracle::apart(on_host(g, gy), std::vector<double>(ey.begin(), ey.end())) < 3 * tolerance);
}

}  // namespace

TEST_CASE("barlow twins, vicreg, coral on the gpu: as on the host, by bands; run to run the same bits") {
  check<barlow, float>(2e-6);
  check<vic, float>(2e-6);
  check<deep_coral, float>(2e-6);
  check<vic, double>(1e-13);
}

TEST_CASE("losses of features on the gpu: a second call does not allocate, upload or wait; a graph replays it; bad rows") {
  gpu_tests::counted_stream on;
  const gpu g = on.backend();
  const index n = 40, d = 20;
  gpu_tests::changing_rows<float> x(g, n, d), y(g, n, d);
  dispar::array<float, 2, gpu> gx(g, {n, d}), by_source(g, {n, d});
  dispar::result<contrastive::barlow_twins_loss, gpu> twins(g);
  dispar::result<contrastive::vicreg_loss, gpu> vicreg(g);
  dispar::result<double, gpu> coral(g);
  const auto run = [&] {
    contrastive::barlow_twins(g, x.view(), y.view(), twins.view(), {.x = gx.view()}, {.band_columns = 16});
    contrastive::vicreg(g, x.view(), y.view(), vicreg.view(), {.x = gx.view(), .accumulate = true}, {.band_columns = 16});
    contrastive::coral(g, x.view(), y.view(), coral.view(), {.x = by_source.view()}, {.band_columns = 16});
  };
  y.fill(2);
  check_replayed(
      on, x, run,
      [&] {
        return std::vector{twins.get().value, vicreg.get().value, coral.get()};
      },
      gx, by_source);
  check_bad_rows(on, x, run);
}

}  // namespace contrastive_tests
