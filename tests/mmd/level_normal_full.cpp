// Level and power, by simulation, of the tests against the normal distribution, and the run time of the online detector.
#include <doctest/doctest.h>

#include <string>

#include "dispar/mmd.hpp"
#include "mmd/plain_gaussian.hpp"
#include "mmd/rejection_rate.hpp"

namespace {

using namespace dispar;

const cpu one_thread{.each = {.threads = 1}};
constexpr dispar::index features = 3;

/// p(x, y, trial) at `n` rows: the level, and power that grows from n / 4 to n.
template<class P>
void check_test(const std::string& name, dispar::index n, double shift, const P& p) {
  CAPTURE(name);
  constexpr int trials = 2000;
  const auto p_value = [&](int t, dispar::index rows, double by) {
    const random_key key = random_key{5}.fork(static_cast<std::uint64_t>(t));
    const auto x = shifted_rows<float>(rows, features, key.fork(0)), y = shifted_rows<float>(rows, features, key.fork(1), by);
    return p(as_matrix(x, rows, features), as_matrix(y, rows, features), static_cast<std::uint64_t>(t));
  };
  int at_5 = 0, at_1 = 0;
  for (int t = 0; t < trials; ++t) {
    const double value = p_value(t, n, 0);
    at_5 += value <= 0.05;
    at_1 += value <= 0.01;
  }
  const auto power = [&](dispar::index rows) {
    return rejection_rate(200, [&](int t) { return p_value(t + trials, rows, shift) <= 0.05; });
  };
  const double few = power(n / 4), all = power(n);
  MESSAGE(name << ": rejections at 0.05 " << at_5 / double(trials) << ", at 0.01 " << at_1 / double(trials) << "; power " << few
               << ", " << all);
  CHECK(std::abs(at_5 / double(trials) - 0.05) < level_tolerance(0.05, trials));
  CHECK(std::abs(at_1 / double(trials) - 0.01) < level_tolerance(0.01, trials));
  CHECK(few < all);
  CHECK(all > 0.9);
}

}  // namespace

TEST_CASE("linear_time, block_test and incomplete: level at 0.05 and 0.01, power growing with the rows") {
  check_test("linear time", 2000, 0.8, [](const auto& x, const auto& y, std::uint64_t) {
    return mmd::linear_time(one_thread, x, y, gaussian{1.5}).p_value;
  });
  // Skewed blocks and their standard error grow together: with fewer than some hundred blocks the test rejects too rarely.
  check_test("blocks of 10", 8000, 0.3, [](const auto& x, const auto& y, std::uint64_t) {
    return mmd::block_test(one_thread, x, y, gaussian{1.5}, {.size = 10}).p_value;
  });
  check_test("incomplete", 1000, 0.6, [](const auto& x, const auto& y, std::uint64_t t) {
    return mmd::incomplete(one_thread, x, y, gaussian{1.5}, {.terms = 4000, .seed = t}).p_value;
  });
}

TEST_CASE("online_detector: the mean run of 1200 streams is the wanted one") {
  constexpr int detectors = 100, streams = 12;
  constexpr double wanted = 150;
  constexpr dispar::index longest = 2500;
  double sum = 0, square = 0;
  for (int t = 0; t < detectors; ++t) {
    const auto reference = shifted_rows<float>(300, 2, random_key{7}.fork(static_cast<std::uint64_t>(t)));
    mmd::online_detector detector(
        cpu{}, as_matrix(reference, 300, 2), gaussian{1.5},
        {.window = 10, .expected_run_time = wanted, .seed = static_cast<std::uint64_t>(t), .runs = 200, .calibration_rows = 300});
    double mean = 0;
    for (int s = 0; s < streams; ++s) {
      detector.reset();
      const auto stream = shifted_rows<float>(longest, 2, random_key{8}.fork(static_cast<std::uint64_t>(t * streams + s)));
      const auto results = detector.update(as_matrix(stream, longest, 2));
      dispar::index alarm = 0;
      while (alarm < longest && !results[static_cast<std::size_t>(alarm)].drift) ++alarm;
      mean += static_cast<double>(alarm + 1) / streams;
    }
    sum += mean;
    square += mean * mean;
  }
  // Detectors are independent: the standard error of their mean comes from their spread.
  const double mean = sum / detectors, error = std::sqrt((square / detectors - mean * mean) / detectors);
  MESSAGE("mean run " << mean << " +- " << error << ", wanted " << wanted);
  CHECK(std::abs(mean - wanted) < 3.3 * error + 0.05 * wanted);
}
