#include "dispar/mmd/streaming.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "dispar/core/random.hpp"
#include "dispar/kernels.hpp"
#include "dispar/mmd/estimate.hpp"

namespace {

using namespace dispar;
const tiled_host<serial> backend_;

std::vector<double> rows_of(std::uint64_t seed, std::uint64_t stream, dispar::index count, double shift = 0) {
  std::vector<double> v(static_cast<std::size_t>(count));
  for (dispar::index i = 0; i < count; ++i) v[static_cast<std::size_t>(i)] = normal<double>({seed, stream}, i) + shift;
  return v;
}

}  // namespace

TEST_CASE("the statistic is the unbiased MMD^2 of the window, row by row or in batches") {
  const auto reference = rows_of(1, 0, 60 * 2), stream = rows_of(2, 0, 40 * 2, 0.3);
  const auto r = as_matrix(reference, 60, 2), s = as_matrix(stream, 40, 2);
  const gaussian k{1.2};
  const mmd::online_options o{.window = 7, .expected_run_time = 50, .runs = 20};
  mmd::online_detector one(backend_, r, k, o), batch(backend_, r, k, o);
  const auto together = batch.update(s);
  for (dispar::index i = 0; i < 40; ++i) {
    const auto alone = one.update(s.slice(i, 1)).front();
    const auto& in_batch = together[static_cast<std::size_t>(i)];
    CHECK(alone.statistic == doctest::Approx(in_batch.statistic).epsilon(1e-10));
    CHECK(in_batch.filled == (i >= 6));
    if (i < 6) continue;
    CHECK(in_batch.statistic == doctest::Approx(mmd::estimate(backend_, r, s.slice(i - 6, 7), k)).epsilon(1e-9));
    CHECK(in_batch.drift == (in_batch.statistic > batch.threshold()));
  }
}

TEST_CASE("the mean time to a false alarm is the wanted one, and a change is met much earlier") {
  constexpr double wanted = 120;
  constexpr int detectors = 25, streams = 12;
  double run = 0, delay = 0;
  for (int t = 0; t < detectors; ++t) {
    const auto reference = rows_of(3, static_cast<std::uint64_t>(t), 200);
    mmd::online_detector detector(backend_, as_matrix(reference, 200, 1), gaussian{1},
                                  {.window = 8, .expected_run_time = wanted, .seed = static_cast<std::uint64_t>(t), .runs = 200});
    for (int j = 0; j < streams; ++j) {
      for (const double shift : {0.0, 2.0}) {
        detector.reset();
        const auto stream = rows_of(4, static_cast<std::uint64_t>(t * 100 + j), 2000, shift);
        const auto results = detector.update(as_matrix(stream, 2000, 1));
        dispar::index alarm = 0;
        while (alarm < 2000 && !results[static_cast<std::size_t>(alarm)].drift) ++alarm;
        (shift == 0 ? run : delay) += static_cast<double>(alarm + 1) / (detectors * streams);
      }
    }
  }
  CHECK(run == doctest::Approx(wanted).epsilon(0.25));
  CHECK(delay < 15);
}

TEST_CASE("bad input is refused and leaves the detector as it was") {
  const auto reference = rows_of(5, 0, 40);
  const auto r = as_matrix(reference, 40, 1);
  const gaussian k{1};
  CHECK_THROWS_AS(mmd::online_detector(backend_, r, k, {.window = 1}), invalid_argument);
  CHECK_THROWS_AS(mmd::online_detector(backend_, r, k, {.window = 21}), invalid_argument);
  CHECK_THROWS_AS(mmd::online_detector(backend_, r, k, {.window = 10, .expected_run_time = 10}), invalid_argument);
  mmd::online_detector detector(backend_, r, k, {.window = 5, .expected_run_time = 50, .runs = 20});
  const auto stream = rows_of(6, 0, 10);
  (void)detector.update(as_matrix(stream, 10, 1).slice(0, 5));
  const std::vector<double> bad{1, std::nan("")};
  CHECK_THROWS_AS((void)detector.update(as_matrix(bad, 2, 1)), invalid_argument);
  CHECK_THROWS_AS((void)detector.update(as_matrix(stream, 5, 2)), invalid_argument);
  CHECK(detector.update(as_matrix(stream, 10, 1).slice(5, 5)).front().filled);
}
