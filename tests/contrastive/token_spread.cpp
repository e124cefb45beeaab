// Spreads of tokens: the formula, central differences, in place, strides, one token, any magnitude, what is no input.
#include "dispar/contrastive/token_spread.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "normal_rows.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::match_token_spread;
using contrastive::match_token_spread_gradient;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;
template<class T>
using tokens = dispar::tensor_view<T, 3>;

constexpr index things = 3, features = 5, of_x = 7, of_like = 4;

std::vector<double> scaled(const std::vector<double>& x, const std::vector<double>& like, index nx, index ny,
                           std::vector<double>* factors = nullptr) {
  std::vector<double> out(x.size());
  const auto spread = [](const std::vector<double>& all, index n, index i, index k) {
    double mean = 0, square = 0;
    const auto at = [&](index t) { return all[static_cast<std::size_t>((i * n + t) * features + k)]; };
    for (index t = 0; t < n; ++t) mean += at(t) / static_cast<double>(n);
    for (index t = 0; t < n; ++t) square += (at(t) - mean) * (at(t) - mean) / static_cast<double>(n);
    return std::sqrt(square + 1e-8);
  };
  for (index i = 0; i < things; ++i)
    for (index k = 0; k < features; ++k) {
      const double factor = spread(x, nx, i, k) / (spread(like, ny, i, k) + 1e-8);
      if (factors) factors->push_back(factor);
      for (index t = 0; t < nx; ++t) {
        const auto at = static_cast<std::size_t>((i * nx + t) * features + k);
        out[at] = x[at] / factor;
      }
    }
  return out;
}

template<class T>
std::vector<double> widened(const std::vector<T>& x) {
  return {x.begin(), x.end()};
}

}  // namespace

TEST_CASE_TEMPLATE("match_token_spread: the formula, its factors, in place, strides, threads", T, float, double) {
  const auto x = normal_rows<T>(things * of_x, features, 1), like = normal_rows<T>(things * of_like, features, 2);
  std::vector<double> factors;
  const auto expected = scaled(widened(x), widened(like), of_x, of_like, &factors);
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-13;
  std::vector<T> out(x.size()), factor(factors.size());
  const tokens<const T> vx(x.data(), {things, of_x, features}), vl(like.data(), {things, of_like, features});
  match_token_spread(cpu{}, vx, vl, tokens<T>(out.data(), {things, of_x, features}), as_matrix(factor, things, features));
  for (std::size_t e = 0; e < out.size(); ++e)
    CHECK(static_cast<double>(out[e]) == doctest::Approx(expected[e]).epsilon(tolerance));
  for (std::size_t e = 0; e < factor.size(); ++e)
    CHECK(static_cast<double>(factor[e]) == doctest::Approx(factors[e]).epsilon(tolerance));

  std::vector<T> threads(x.size());
  match_token_spread(dispar::tiled_host<dispar::openmp>{{.threads = 3}}, vx, vl,
                     tokens<T>(threads.data(), {things, of_x, features}));
  CHECK(std::memcmp(threads.data(), out.data(), out.size() * sizeof(T)) == 0);

  // Features outermost: another layout of the same numbers.
  std::vector<T> turned(x.size());
  const tokens<T> strided(turned.data(), {things, of_x, features}, {of_x, 1, things * of_x});
  for (index i = 0; i < things; ++i)
    for (index t = 0; t < of_x; ++t)
      for (index k = 0; k < features; ++k) strided(i, t, k) = vx(i, t, k);
  match_token_spread(cpu{}, tokens<const T>(turned.data(), strided.extents(), strided.strides()), vl, strided);
  for (index i = 0; i < things; ++i)
    for (index t = 0; t < of_x; ++t)
      for (index k = 0; k < features; ++k)
        CHECK(strided(i, t, k) == out[static_cast<std::size_t>((i * of_x + t) * features + k)]);
}

TEST_CASE("match_token_spread_gradient: central differences, the gradient by out overwritten") {
  const auto x = normal_rows<double>(things * of_x, features, 3), like = normal_rows<double>(things * of_like, features, 4);
  const auto weight = normal_rows<double>(things * of_x, features, 5);
  const auto loss = [&](const std::vector<double>& a, const std::vector<double>& b) {
    const auto out = scaled(a, b, of_x, of_like);
    double sum = 0;
    for (std::size_t e = 0; e < out.size(); ++e) sum += weight[e] * out[e];
    return sum;
  };
  std::vector<double> by_x = weight, by_like(like.size());
  const tokens<double> to_x(by_x.data(), {things, of_x, features}), to_like(by_like.data(), {things, of_like, features});
  match_token_spread_gradient(cpu{}, tokens<const double>(x.data(), to_x.extents()),
                              tokens<const double>(like.data(), to_like.extents()),
                              tokens<const double>(by_x.data(), to_x.extents()), to_x, to_like);
  const auto expected_x = central_differences(x, [&](const std::vector<double>& at) { return loss(at, like); });
  const auto expected_like = central_differences(like, [&](const std::vector<double>& at) { return loss(x, at); });
  for (std::size_t e = 0; e < x.size(); ++e) CHECK(by_x[e] == doctest::Approx(expected_x[e]).epsilon(1e-7));
  for (std::size_t e = 0; e < like.size(); ++e) CHECK(by_like[e] == doctest::Approx(expected_like[e]).epsilon(1e-7));
}

TEST_CASE("match_token_spread: one token, coincident tokens, large numbers") {
  const std::vector<double> one{2, -3}, like{1, 5, 3, 5};
  std::vector<double> out(2), by_x(2), by_like(4);
  const std::vector<double> by_out{1, 1};
  const tokens<const double> vx(one.data(), {1, 1, 2}), vl(like.data(), {1, 2, 2});
  match_token_spread(cpu{}, vx, vl, tokens<double>(out.data(), {1, 1, 2}));
  CHECK(out[0] == doctest::Approx(2e4).epsilon(1e-7));          // 2 s(like) / 1e-4, s(like) 1
  CHECK(out[1] == doctest::Approx(-3 * (1e-4 + 1e-8) / 1e-4));  // like coincides: its spread is the floor
  match_token_spread_gradient(cpu{}, vx, vl, tokens<const double>(by_out.data(), {1, 1, 2}),
                              tokens<double>(by_x.data(), {1, 1, 2}), tokens<double>(by_like.data(), {1, 2, 2}));
  CHECK(by_x[0] == doctest::Approx(1e4).epsilon(1e-7));
  CHECK(by_like[0] == doctest::Approx(-by_like[2]));
  CHECK(by_like[1] == 0);
  const std::vector<double> large{1e9 + 1, 1e9 - 1};
  match_token_spread(cpu{}, tokens<const double>(large.data(), {1, 2, 1}), tokens<const double>(large.data(), {1, 2, 1}),
                     tokens<double>(out.data(), {1, 2, 1}));
  CHECK(out[0] == doctest::Approx(large[0]).epsilon(1e-7));
}

TEST_CASE("token spreads: errors name what is wrong") {
  const std::vector<double> x(24);
  std::vector<double> out(24);
  const auto run = [&](std::array<index, 3> a, std::array<index, 3> b, std::array<index, 3> to,
                       const contrastive::token_spread_options& o = {}) {
    match_token_spread(cpu{}, tokens<const double>(x.data(), a), tokens<const double>(x.data(), b),
                       tokens<double>(out.data(), to), {}, o);
  };
  check_refused([&] { run({2, 0, 3}, {2, 4, 3}, {2, 0, 3}); }, "token spread: tokens of x");
  check_refused([&] { run({2, 4, 3}, {2, 0, 3}, {2, 4, 3}); }, "token spread: tokens of like");
  check_refused([&] { run({2, 4, 3}, {3, 2, 3}, {2, 4, 3}); }, "token spread: things of like");
  check_refused([&] { run({2, 4, 3}, {2, 4, 2}, {2, 4, 3}); }, "token spread: features of like");
  check_refused([&] { run({2, 4, 3}, {2, 4, 3}, {2, 3, 3}); }, "token spread: out");
  check_refused([&] { run({2, 4, 3}, {2, 4, 3}, {2, 4, 3}, {.variance_floor = 0}); }, "token spread: variance_floor");
  check_refused([&] { run({2, 4, 3}, {2, 4, 3}, {2, 4, 3}, {.floor = -1}); }, "token spread: floor");
  check_refused(
      [&] {
        match_token_spread(cpu{}, tokens<const double>(x.data(), {2, 4, 3}), tokens<const double>(x.data(), {2, 4, 3}),
                           tokens<double>(out.data(), {2, 4, 3}), as_matrix(out, 4, 6));
      },
      "token spread: factor");
}

}  // namespace contrastive_tests
