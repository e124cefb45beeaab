#include "dispar/mmd/permutation_test.hpp"

#include <doctest/doctest.h>

#include "dispar/core/random.hpp"
#include "dispar/kernels.hpp"

namespace {

using namespace dispar;
const tiled_host<serial> backend_;

template<class T>
std::vector<T> normals(std::uint64_t seed, std::uint64_t stream, dispar::index count, T shift = 0) {
  std::vector<T> v(static_cast<std::size_t>(count));
  for (dispar::index i = 0; i < count; ++i) v[static_cast<std::size_t>(i)] = normal<T>({seed, stream}, i) + shift;
  return v;
}

/// The statistic of one labelling, by splitting the rows for real.
double split_statistic(const std::vector<double>& pooled, dispar::index d, const label_view& labels, dispar::index p,
                       const mmd::options& o) {
  std::vector<double> x, y;
  for (dispar::index i = 0; i < labels.rows; ++i) {
    auto& side = labels.at<int>(i, p) > 0 ? x : y;
    side.insert(side.end(), pooled.begin() + i * d, pooled.begin() + (i + 1) * d);
  }
  return mmd::estimate(backend_, as_matrix(x, static_cast<dispar::index>(x.size()) / d, d),
                       as_matrix(y, static_cast<dispar::index>(y.size()) / d, d), gaussian{1.5}, o);
}

}  // namespace

TEST_CASE("every permuted statistic is the estimate on the permuted rows, for each form and unequal sizes") {
  constexpr dispar::index d = 3;
  for (const auto& [n, m] : {std::pair<dispar::index, dispar::index>{13, 13}, {7, 30}, {60, 45}})
    for (auto form : {mmd::estimator::unbiased, mmd::estimator::biased, mmd::estimator::one_sample}) {
      if (form == mmd::estimator::one_sample && n != m) continue;
      const auto pooled = normals<double>(5, 0, (n + m) * d);
      const auto all = as_matrix(pooled, n + m, d);
      std::vector<double> permuted(70);
      const auto t = mmd::permutation_test(backend_, all.slice(0, n), all.slice(n, m), gaussian{1.5},
                                           {.permutations = 70, .seed = 9, .form = form, .permuted = view_of(permuted)});
      const auto labels = draw_labels(backend_, n + m, 71, subset_labels{{9, 0}, n + m, n});
      const mmd::options o{.form = form};
      CHECK(t.statistic == doctest::Approx(split_statistic(pooled, d, labels.view(), 0, o)).epsilon(1e-10));
      for (dispar::index p = 0; p < 70; ++p)
        CHECK(permuted[static_cast<std::size_t>(p)] ==
              doctest::Approx(split_statistic(pooled, d, labels.view(), p + 1, o)).epsilon(1e-9));
    }
}

TEST_CASE("the level holds under P = Q, for equal and unequal sizes") {
  constexpr int trials = 1000;
  for (const auto& [n, m] : {std::pair<dispar::index, dispar::index>{10, 10}, {6, 15}}) {
    int rejections = 0;
    for (int t = 0; t < trials; ++t) {
      const auto a = normals<float>(21, static_cast<std::uint64_t>(t), n * 2),
                 b = normals<float>(22, static_cast<std::uint64_t>(t), m * 2);
      rejections += mmd::permutation_test(backend_, as_matrix(a, n, 2), as_matrix(b, m, 2), gaussian{1},
                                          {.permutations = 99, .seed = static_cast<std::uint64_t>(t)})
                        .reject;
    }
    // 1000 trials at 0.05: mean 50, standard deviation 6.9; the bounds are three of them.
    CHECK(rejections > 29);
    CHECK(rejections < 71);
  }
}

TEST_CASE("power grows with the number of rows") {
  double last = 0;
  for (dispar::index n : {8, 20, 50}) {
    double rejections = 0;
    for (int t = 0; t < 60; ++t) {
      const auto a = normals<float>(31, static_cast<std::uint64_t>(t), n),
                 b = normals<float>(32, static_cast<std::uint64_t>(t), n, 0.8f);
      rejections +=
          mmd::permutation_test(backend_, as_matrix(a, n, 1), as_matrix(b, n, 1), gaussian{1}, {.permutations = 99}).reject;
    }
    CHECK(rejections >= last);
    last = rejections;
  }
  CHECK(last >= 54);
}

TEST_CASE("p-value, threshold and decision agree; a split met again is a tie") {
  const auto a = normals<double>(41, 0, 8), b = normals<double>(42, 0, 8);
  const auto x = as_matrix(a, 4, 2), y = as_matrix(b, 4, 2);
  for (auto rule : {mmd::p_value_rule::at_least, mmd::p_value_rule::strictly_greater})
    for (double alpha : {0.05, 0.3, 0.6}) {
      std::vector<double> permuted(200);
      const auto t = mmd::permutation_test(backend_, x, y, gaussian{1},
                                           {.permutations = 200, .alpha = alpha, .rule = rule, .permuted = view_of(permuted)});
      CHECK(t.reject == (t.p_value <= alpha));
      if (t.reject) CHECK(t.statistic >= t.threshold - 1e-9);
    }
  // The identity as the only permutation: nothing is strictly greater, one is at least as great.
  const std::vector<std::int64_t> identity{0, 1, 2, 3, 4, 5, 6, 7};
  const matrix_view<const std::int64_t> given(identity.data(), 1, 8);
  CHECK(
      mmd::permutation_test(backend_, x, y, gaussian{1}, {.rule = mmd::p_value_rule::strictly_greater, .given = given}).p_value ==
      0);
  CHECK(mmd::permutation_test(backend_, x, y, gaussian{1}, {.given = given}).p_value == 1);
}

TEST_CASE("bad input is named") {
  const auto a = normals<double>(51, 0, 8);
  const auto x = as_matrix(a, 4, 2);
  const gaussian k{1};
  CHECK_THROWS_AS((void)mmd::permutation_test(backend_, x, x, k, {.permutations = 0}), invalid_argument);
  CHECK_THROWS_AS((void)mmd::permutation_test(backend_, x, x, k, {.alpha = 0}), invalid_argument);
  CHECK_THROWS_AS((void)mmd::permutation_test(backend_, x, x, k, {.alpha = 1}), invalid_argument);
  CHECK_THROWS_AS((void)mmd::permutation_test(backend_, x, x.slice(0, 1), k), invalid_argument);
  CHECK_THROWS_AS((void)mmd::permutation_test(backend_, x, x, k, {.pairs = mmd::pairing::ordered}), invalid_argument);
  const std::vector<double> w(4, 1.0);
  CHECK_THROWS_AS((void)mmd::permutation_test(backend_, weighted(x, w), x, k), invalid_argument);
  const std::vector<std::int64_t> twice{0, 0, 2, 3, 4, 5, 6, 7};
  CHECK_THROWS_WITH_AS(
      (void)mmd::permutation_test(backend_, x, x, k, {.given = matrix_view<const std::int64_t>(twice.data(), 1, 8)}),
      "dispar: permutations must hold every row number once in each row, got 0", invalid_argument);
}
