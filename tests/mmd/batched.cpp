#include "dispar/mmd/batched.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "dispar/kernels.hpp"
#include "plain_gaussian.hpp"
#include "rejection_rate.hpp"

namespace mmd = dispar::mmd;
using dispar::as_matrix;

namespace {

/// 0, then the running sums of sizes that vary between 2 and `most`.
std::vector<dispar::index> offsets(dispar::index groups, dispar::index most, dispar::index stride) {
  std::vector<dispar::index> result{0};
  for (dispar::index g = 0; g < groups; ++g) result.push_back(result.back() + 2 + g * stride % (most - 1));
  return result;
}

}  // namespace

TEST_CASE_TEMPLATE("batched: the same bits as separate calls, for every number of threads", T, float, double) {
  constexpr dispar::index groups = 41, d = 5;
  const auto ox = offsets(groups, 70, 13), oy = offsets(groups, 45, 7);
  const auto xs = shifted_rows<T>(ox.back(), d, {1, 1}), ys = shifted_rows<T>(oy.back(), d, {1, 2}, 0.5);
  const auto x = as_matrix(xs, ox.back(), d), y = as_matrix(ys, oy.back(), d);
  const dispar::gaussian kernel{2};
  for (int threads : {1, 2, 4}) {
    const dispar::cpu cpu{.each = {.threads = threads}};
    const mmd::options biased{.form = mmd::estimator::biased};
    const auto values = mmd::batched_estimate(cpu, mmd::grouped(x, ox), mmd::grouped(y, oy), kernel, biased);
    const mmd::permutation_options o{.permutations = 70, .seed = 3};
    const auto tests = mmd::batched_permutation_test(cpu, mmd::grouped(x, ox), mmd::grouped(y, oy), kernel, o);
    REQUIRE(values.size() == groups);
    REQUIRE(tests.size() == groups);
    for (std::size_t g = 0; g < groups; ++g) {
      const auto gx = x.slice(ox[g], ox[g + 1] - ox[g]), gy = y.slice(oy[g], oy[g + 1] - oy[g]);
      CHECK(values[g] == mmd::estimate(dispar::cpu{}, gx, gy, kernel, biased));
      auto own = o;
      own.seed = mmd::group_seed(3, static_cast<dispar::index>(g));
      const auto alone = mmd::permutation_test(dispar::cpu{}, gx, gy, kernel, own);
      CHECK(tests[g].statistic == alone.statistic);
      CHECK(tests[g].p_value == alone.p_value);
      CHECK(tests[g].threshold == alone.threshold);
      CHECK(tests[g].reject == alone.reject);
    }
  }
}

TEST_CASE("batched: groups need not start at row 0; weights and channels go along") {
  constexpr dispar::index n = 60, d = 3;
  const auto xs = shifted_rows<double>(n, d, {2, 1}), ys = shifted_rows<double>(n, d, {2, 2}, 1);
  std::vector<double> weights(n);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = 1 + static_cast<double>(i % 3);
  const auto x = dispar::weighted(dispar::channels(as_matrix(xs, n, d), as_matrix(ys, n, d)), weights);
  const auto y = dispar::channels(as_matrix(ys, n, d), as_matrix(xs, n, d));
  const std::vector<dispar::index> ox{5, 20, 31}, oy{0, 30, 60};
  const auto kernel = dispar::deep_kernel<>::from(8, 6, 0.2);
  const auto values = mmd::batched_estimate(dispar::cpu{}, mmd::grouped(x, ox), mmd::grouped(y, oy), kernel);
  REQUIRE(values.size() == 2);
  CHECK(values[0] == mmd::estimate(dispar::cpu{}, x.slice(5, 15), y.slice(0, 30), kernel));
  CHECK(values[1] == mmd::estimate(dispar::cpu{}, x.slice(20, 11), y.slice(30, 30), kernel));
}

TEST_CASE("batched_permutation_test: level over groups of equal distributions, power over different ones") {
  constexpr dispar::index size = 12, d = 2;
  const auto rejected = [&](dispar::index groups, double shift) {
    std::vector<dispar::index> o;
    for (dispar::index g = 0; g <= groups; ++g) o.push_back(g * size);
    const auto xs = shifted_rows<float>(groups * size, d, {3, 1}), ys = shifted_rows<float>(groups * size, d, {3, 2}, shift);
    const auto tests = mmd::batched_permutation_test(
        dispar::cpu{.each = {.threads = 1}}, mmd::grouped(as_matrix(xs, groups * size, d), o),
        mmd::grouped(as_matrix(ys, groups * size, d), o), dispar::gaussian{1.5}, {.permutations = 99, .seed = 5});
    return static_cast<double>(std::count_if(tests.begin(), tests.end(), [](const auto& t) { return t.reject; })) /
           static_cast<double>(groups);
  };
  CHECK(std::abs(rejected(1200, 0) - 0.05) < level_tolerance(0.05, 1200));
  CHECK(rejected(100, 2) > 0.9);
}

TEST_CASE("batched: bad input names the argument, and the group") {
  auto xs = shifted_rows<double>(20, 2, {4, 1});
  const auto x = as_matrix(std::as_const(xs), 20, 2);
  using dispar::invalid_argument;
  using list = std::vector<dispar::index>;
  CHECK_THROWS_WITH_AS((void)mmd::grouped(x, list{0}), doctest::Contains("at least two entries, got 1"), invalid_argument);
  CHECK_THROWS_WITH_AS((void)mmd::grouped(x, list{0, 5, 5}), doctest::Contains("must ascend"), invalid_argument);
  CHECK_THROWS_WITH_AS((void)mmd::grouped(x, list{-1, 5}), doctest::Contains("must not be negative, got -1"), invalid_argument);
  CHECK_THROWS_WITH_AS((void)mmd::grouped(x, list{0, 21}), doctest::Contains("exceed the rows, got 21"), invalid_argument);
  const list two{0, 10, 20}, one{0, 20}, uneven{0, 19, 20};
  const auto run = [&](const list& a, const list& b, double sigma = 1) {
    return mmd::batched_estimate(dispar::cpu{}, mmd::grouped(x, a), mmd::grouped(x, b), dispar::gaussian{sigma});
  };
  CHECK_THROWS_WITH_AS((void)run(two, one), doctest::Contains("groups of y must be as many as those of x, got 1"),
                       invalid_argument);
  CHECK_THROWS_WITH_AS((void)run(two, uneven), doctest::Contains("group 1: "), invalid_argument);
  CHECK_THROWS_WITH_AS((void)run(two, two, -1), doctest::Contains("sigma"), invalid_argument);
  xs[25] = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH_AS((void)run(two, two), doctest::Contains("dispar: group 1: sample 0: element (2, 1)"), invalid_argument);
  xs[25] = 0;
  const std::vector<std::int64_t> order(20, 0);
  CHECK_THROWS_WITH_AS((void)mmd::batched_permutation_test(dispar::cpu{}, mmd::grouped(x, two), mmd::grouped(x, two),
                                                           dispar::gaussian{1}, {.given = {order.data(), 1, 20}}),
                       doctest::Contains("given must be null"), invalid_argument);
}
