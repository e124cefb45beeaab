#include "dispar/core/random/normal.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "core/chi_square.hpp"

using dispar::random_key;

TEST_CASE("normal: float draws against the formula in double, to four units in the last place") {
  const random_key key{1};
  for (dispar::index i = 0; i < 20000; ++i) {
    const auto words = key.block(static_cast<std::uint64_t>(i / 4));
    const int pair = static_cast<int>(i % 4) / 2 * 2;
    const float word = static_cast<float>(words[pair]) + 1.0f;  // the uniform variable is rounded to float on every backend
    const double radius = std::sqrt(-2 * std::log(static_cast<double>(word) * 0x1p-32));
    const double angle = 6.283185307179586476925286766559 * static_cast<double>(words[pair + 1]) * 0x1p-32;
    const double expected = radius * (i % 2 ? std::sin(angle) : std::cos(angle));
    const double ulp = std::abs(expected) * 0x1p-23;
    CHECK(std::abs(static_cast<double>(dispar::normal<float>(key, i)) - expected) <= 4 * ulp);
  }
}

TEST_CASE_TEMPLATE("normal: equally likely cells of the distribution function, moments, independence of a pair", T, float,
                   double) {
  const random_key key{2};
  constexpr dispar::index n = 100000;
  std::vector<long> cells(50), quadrants(4);
  double sum[5] = {};
  for (dispar::index i = 0; i < n; i += 2) {
    const double z[] = {dispar::normal<T>(key, i), dispar::normal<T>(key, i + 1)};
    for (double v : z) {
      ++cells[static_cast<std::size_t>(0.5 * std::erfc(-v / std::sqrt(2.0)) * 50)];
      double power = 1;
      for (int k = 1; k <= 4; ++k) sum[k] += power *= v;
    }
    ++quadrants[static_cast<std::size_t>((z[0] * z[0] > z[1] * z[1] ? 2 : 0) + (z[0] * z[1] > 0 ? 1 : 0))];
  }
  CHECK(chi_square(cells) < chi_square_limit(49));
  CHECK(chi_square(quadrants) < chi_square_limit(3));
  const double root = std::sqrt(static_cast<double>(n));
  CHECK(std::abs(sum[1] / n) < 5 / root);
  CHECK(std::abs(sum[2] / n - 1) < 5 * std::sqrt(2.0) / root);
  CHECK(std::abs(sum[3] / n) < 5 * std::sqrt(15.0) / root);
  CHECK(std::abs(sum[4] / n - 3) < 5 * std::sqrt(96.0) / root);
}

TEST_CASE_TEMPLATE("normal: the eight octants of the circle", T, float, double) {
  for (std::uint32_t k = 0; k < 64; ++k) {
    const auto point = dispar::detail::circle_point<T>(k << 26);
    const double angle = 6.283185307179586476925286766559 * k / 64;
    const double eps = sizeof(T) == 4 ? 2e-7 : 1e-15;
    CHECK(std::abs(static_cast<double>(point[0]) - std::cos(angle)) < eps);
    CHECK(std::abs(static_cast<double>(point[1]) - std::sin(angle)) < eps);
  }
}

TEST_CASE_TEMPLATE("normal: the largest draws are finite and as documented", T, float, double) {
  using U = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  const auto largest = dispar::detail::box_muller<T>(U{0}, U{0});
  CHECK(static_cast<double>(largest[0]) == doctest::Approx(sizeof(T) == 4 ? 6.6604 : 9.4192).epsilon(1e-4));
  CHECK(largest[1] == T(0));
  const auto smallest = dispar::detail::box_muller<T>(static_cast<U>(~U{0}), U{0});
  CHECK(smallest[0] * smallest[0] == T(0));
}

TEST_CASE_TEMPLATE("fill_normal: any shard of the sequence has the sequence's draws", T, float, double) {
  const random_key key{3};
  for (dispar::index first : {0, 1, 2, 3, 1001}) {
    std::vector<T> out(7);
    dispar::fill_normal(key, first, std::span(out));
    for (std::size_t i = 0; i < out.size(); ++i) CHECK(out[i] == dispar::normal<T>(key, first + static_cast<dispar::index>(i)));
  }
}
