// Float at twenty thousand rows a sample against float64 on the same elements.
#include <doctest/doctest.h>

#include <cmath>

#include "dispar/mmd.hpp"
#include "normal_rows.hpp"

namespace {

using namespace dispar;

std::vector<double> in_double(const std::vector<float>& x) { return {x.begin(), x.end()}; }

/// The unbiased MMD^2 by its definition: differences, squares, a sum for each row.
double definition(const std::vector<double>& x, const std::vector<double>& y, dispar::index n, dispar::index d, double sigma) {
  const auto mean = [&](const std::vector<double>& a, const std::vector<double>& b, bool within) {
    double sum = 0;
    for (dispar::index i = 0; i < n; ++i) {
      double row = 0;
      for (dispar::index j = 0; j < n; ++j) {
        if (within && i == j) continue;
        double square = 0;
        for (dispar::index k = 0; k < d; ++k) {
          const double gap = a[static_cast<std::size_t>(i * d + k)] - b[static_cast<std::size_t>(j * d + k)];
          square += gap * gap;
        }
        row += std::exp(-square / (2 * sigma * sigma));
      }
      sum += row;
    }
    return sum / static_cast<double>(n * (within ? n - 1 : n));
  };
  return mean(x, x, true) + mean(y, y, true) - 2 * mean(x, y, false);
}

struct sample_pair {
  std::vector<float> x, y;
  double sigma;
  sample_pair(dispar::index n, dispar::index d, double offset)
      : x(normal_rows<float>(n, d, 1, offset)),
        y(normal_rows<float>(n, d, 2, offset + 0.05)),
        sigma(std::sqrt(static_cast<double>(d))) {}
};

double largest(const std::vector<double>& v) {
  double most = 0;
  for (double e : v) most = std::max(most, std::abs(e));
  return most;
}

template<class T>
double largest_gap(const std::vector<T>& a, const std::vector<double>& b) {
  double most = 0;
  for (std::size_t i = 0; i < b.size(); ++i) most = std::max(most, std::abs(static_cast<double>(a[i]) - b[i]));
  return most;
}

}  // namespace

TEST_CASE("the estimate in double is its definition, whatever the mean of the data") {
  for (const dispar::index d : {16, 64, 256})
    for (const double offset : {0.0, 1000.0}) {
      const dispar::index n = 1000;
      const sample_pair s(n, d, offset);
      const auto x = in_double(s.x), y = in_double(s.y);
      const double error =
          mmd::estimate(as_matrix(x, n, d), as_matrix(y, n, d), gaussian{s.sigma}) - definition(x, y, n, d, s.sigma);
      CAPTURE(d);
      CAPTURE(offset);
      CAPTURE(error);
      CHECK(std::abs(error) <= 1e-13);
    }
}

TEST_CASE("the estimate in float stays within 1e-8 of double") {
  const dispar::index n = 20000;
  for (const dispar::index d : {16, 64, 256})
    for (const double offset : {0.0, 1000.0}) {
      const sample_pair s(n, d, offset);
      const auto x = in_double(s.x), y = in_double(s.y);
      const gaussian k{s.sigma};
      const double error =
          mmd::estimate(as_matrix(s.x, n, d), as_matrix(s.y, n, d), k) - mmd::estimate(as_matrix(x, n, d), as_matrix(y, n, d), k);
      CAPTURE(d);
      CAPTURE(offset);
      CAPTURE(error);
      CHECK(std::abs(error) <= 1e-8);
      MESSAGE("n " << n << ", d " << d << ", mean " << offset << ": float - double " << error);
    }
}

TEST_CASE("gradients in float stay within 1e-5 of the largest entry in double, those by parameter within 1e-9") {
  const dispar::index n = 4000;
  for (const dispar::index d : {16, 64, 256})
    for (const double offset : {0.0, 1000.0}) {
      const sample_pair s(n, d, offset);
      const auto x = in_double(s.x), y = in_double(s.y);
      const gaussian k{s.sigma};
      std::vector<float> narrow(s.x.size());
      std::vector<double> wide(x.size()), narrow_sigma(1), wide_sigma(1);
      (void)mmd::value_and_gradient(cpu{}, as_matrix(s.x, n, d), as_matrix(s.y, n, d), k,
                                    {.x = {as_matrix(narrow, n, d)}, .parameters = view_of(narrow_sigma)});
      (void)mmd::value_and_gradient(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), k,
                                    {.x = {as_matrix(wide, n, d)}, .parameters = view_of(wide_sigma)});
      const double error = largest_gap(narrow, wide) / largest(wide);
      CAPTURE(d);
      CAPTURE(offset);
      CHECK(error <= 1e-5);
      CHECK(std::abs(narrow_sigma[0] - wide_sigma[0]) <= 1e-9);
      MESSAGE("n " << n << ", d " << d << ", mean " << offset << ": gradient off by " << error << " of its largest entry, sigma "
                   << narrow_sigma[0] - wide_sigma[0]);
    }
}

TEST_CASE("permuted statistics in float stay within 1e-8 of double") {
  const dispar::index n = 4000;
  for (const dispar::index d : {16, 256})
    for (const double offset : {0.0, 1000.0}) {
      const sample_pair s(n, d, offset);
      const auto x = in_double(s.x), y = in_double(s.y);
      std::vector<double> narrow(100), wide(100);
      const gaussian k{s.sigma};
      const auto a = mmd::permutation_test(cpu{}, as_matrix(s.x, n, d), as_matrix(s.y, n, d), k,
                                           {.permutations = 100, .seed = 3, .permuted = view_of(narrow)});
      const auto b = mmd::permutation_test(cpu{}, as_matrix(x, n, d), as_matrix(y, n, d), k,
                                           {.permutations = 100, .seed = 3, .permuted = view_of(wide)});
      CAPTURE(d);
      CAPTURE(offset);
      const double error = std::max(largest_gap(narrow, wide), std::abs(a.statistic - b.statistic));
      CHECK(error <= 1e-8);
      CHECK(a.p_value == b.p_value);
      MESSAGE("n " << n << ", d " << d << ", mean " << offset << ": permuted statistics off by " << error);
    }
}
