#include "dispar/mmd/single_instance.hpp"

#include <doctest/doctest.h>

#include "dispar/kernels.hpp"
#include "dispar/metrics/roc.hpp"
#include "dispar/mmd/estimate.hpp"
#include "plain_gaussian.hpp"

namespace mmd = dispar::mmd;
using dispar::as_matrix;

namespace {

template<class T, class Kernel>
std::vector<double> oracle(const std::vector<T>& reference, const std::vector<T>& y, dispar::index d, const Kernel& kernel) {
  const auto rows = [d](const std::vector<T>& v) { return static_cast<dispar::index>(v.size()) / d; };
  double within = 0;
  for (dispar::index i = 0; i < rows(reference); ++i)
    for (dispar::index j = 0; j < rows(reference); ++j) within += kernel(reference, i, reference, j);
  const auto r = static_cast<double>(rows(reference));
  std::vector<double> scores;
  for (dispar::index j = 0; j < rows(y); ++j) {
    double across = 0;
    for (dispar::index i = 0; i < rows(reference); ++i) across += kernel(reference, i, y, j);
    scores.push_back(within / (r * r) + kernel(y, j, y, j) - 2 * across / r);
  }
  return scores;
}

}  // namespace

TEST_CASE_TEMPLATE("single-instance scores by their definition", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-13;
  for (auto [r, n, d] : {std::array<dispar::index, 3>{1, 1, 1}, {1, 9, 2}, {10, 1, 3}, {200, 33, 7}, {65, 301, 20}}) {
    const auto reference = shifted_rows<T>(r, d, {1, 1}), y = shifted_rows<T>(n, d, {1, 2}, 1);
    const auto width = d;
    const double sigma = std::sqrt(static_cast<double>(d));
    const auto expected = oracle(reference, y, d, [&](const auto& a, dispar::index i, const auto& b, dispar::index j) {
      return plain_gaussian(a, i, b, j, width, sigma);
    });
    const mmd::reference_scores score(dispar::cpu{}, as_matrix(reference, r, d), dispar::gaussian{sigma});
    const auto scores = score(as_matrix(y, n, d));
    const auto gram = plain_gram(reference, y, d, sigma);
    const auto from_gram = mmd::single_instance_scores(dispar::cpu{}, mmd::given(as_matrix(gram, r + n, r + n), r));
    REQUIRE(scores.size() == expected.size());
    REQUIRE(from_gram.size() == expected.size());
    for (std::size_t j = 0; j < scores.size(); ++j) {
      CHECK(scores[j] == doctest::Approx(expected[j]).epsilon(tolerance).scale(1));
      CHECK(from_gram[j] == doctest::Approx(expected[j]).epsilon(tolerance).scale(1));
    }
    CHECK(mmd::single_instance_scores(as_matrix(reference, r, d), as_matrix(y, n, d), dispar::gaussian{sigma}) == scores);
  }
}

TEST_CASE("single-instance scores are the biased MMD^2 with one row; k(y, y) need not be 1") {
  constexpr dispar::index r = 40, n = 6, d = 3;
  const auto reference = shifted_rows<double>(r, d, {2, 1}), y = shifted_rows<double>(n, d, {2, 2}, 1);
  const auto check = [&](const auto& kernel) {
    const mmd::reference_scores score(dispar::cpu{}, as_matrix(reference, r, d), kernel);
    const auto scores = score(as_matrix(y, n, d));
    for (dispar::index j = 0; j < n; ++j)
      CHECK(scores[static_cast<std::size_t>(j)] ==
            doctest::Approx(mmd::estimate(dispar::cpu{}, as_matrix(reference, r, d), as_matrix(y, n, d).slice(j, 1), kernel,
                                          {.form = mmd::estimator::biased}))
                .epsilon(1e-12));
  };
  check(dispar::gaussian{1.5});
  check(dispar::laplacian_l1{2});
  check(dispar::polynomial<2>{0.5, 1});
}

TEST_CASE("single-instance scores of the deep kernel tell another distribution by its AUROC") {
  constexpr dispar::index r = 100, n = 200, phi_d = 4, raw_d = 8;
  const auto phi_r = shifted_rows<float>(r, phi_d, {3, 1}), raw_r = shifted_rows<float>(r, raw_d, {3, 2});
  const auto phi_x = shifted_rows<float>(n, phi_d, {3, 3}), raw_x = shifted_rows<float>(n, raw_d, {3, 4});
  const auto phi_y = shifted_rows<float>(n, phi_d, {3, 5}, 2.5), raw_y = shifted_rows<float>(n, raw_d, {3, 6});
  const mmd::reference_scores score(dispar::cpu{}, dispar::channels(as_matrix(phi_r, r, phi_d), as_matrix(raw_r, r, raw_d)),
                                    dispar::deep_kernel<>::from(100, 4, 0.1));
  const auto same = score(dispar::channels(as_matrix(phi_x, n, phi_d), as_matrix(raw_x, n, raw_d)));
  const auto other = score(dispar::channels(as_matrix(phi_y, n, phi_d), as_matrix(raw_y, n, raw_d)));
  CHECK(dispar::metrics::auroc(same, other) > 0.8);
}

TEST_CASE("single-instance scores: the same bits for every number of threads") {
  constexpr dispar::index r = 300, n = 130, d = 11;
  const auto reference = shifted_rows<float>(r, d, {4, 1}), y = shifted_rows<float>(n, d, {4, 2});
  const auto run = [&](int threads) {
    return mmd::single_instance_scores(dispar::cpu{.each = {.threads = threads}}, as_matrix(reference, r, d), as_matrix(y, n, d),
                                       dispar::gaussian{3});
  };
  for (int threads : {2, 3, 4}) CHECK(run(threads) == run(1));
}

TEST_CASE("single-instance scores: bad input names the argument") {
  const auto x = shifted_rows<double>(10, 2, {5, 0});
  const std::vector<double> weights(10, 1.0);
  const auto all = as_matrix(x, 10, 2);
  using scores = mmd::reference_scores<dispar::cpu, dispar::sample<double, 1>, dispar::gaussian>;
  CHECK_THROWS_WITH_AS((void)scores(dispar::cpu{}, all.slice(0, 0), dispar::gaussian{1}),
                       doctest::Contains("rows of the reference must be at least 1, got 0"), dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)scores(dispar::cpu{}, dispar::weighted(all, weights), dispar::gaussian{1}),
                       doctest::Contains("reference must have no weights"), dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)scores(dispar::cpu{}, all, dispar::gaussian{-1}), doctest::Contains("sigma"),
                       dispar::invalid_argument);
  const scores score(dispar::cpu{}, all, dispar::gaussian{1});
  CHECK_THROWS_WITH_AS((void)score(all.slice(0, 0)), doctest::Contains("rows of y"), dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)score(as_matrix(x, 4, 5)), doctest::Contains("features"), dispar::invalid_argument);
}
