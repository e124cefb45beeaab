#include "dispar/mmd/criterion.hpp"

#include <doctest/doctest.h>

#include "dispar/core/random.hpp"
#include "dispar/kernels.hpp"

namespace {

using namespace dispar;
const cpu backend_;

struct two_channel_data {
  dispar::index n = 9;
  std::vector<double> phi, raw;
  two_channel_data() : phi(static_cast<std::size_t>(2 * n * 3)), raw(static_cast<std::size_t>(2 * n * 4)) {
    for (std::size_t i = 0; i < phi.size(); ++i)
      phi[i] = normal<double>({3, 0}, static_cast<dispar::index>(i)) + (i >= phi.size() / 2 ? 0.5 : 0);
    for (std::size_t i = 0; i < raw.size(); ++i)
      raw[i] = normal<double>({4, 0}, static_cast<dispar::index>(i)) + (i >= raw.size() / 2 ? 0.3 : 0);
  }
  auto x() const { return channels(as_matrix(phi, 2 * n, 3).slice(0, n), as_matrix(raw, 2 * n, 4).slice(0, n)); }
  auto y() const { return channels(as_matrix(phi, 2 * n, 3).slice(n, n), as_matrix(raw, 2 * n, 4).slice(n, n)); }
};

double central_difference(double& place, const auto& f) {
  const double step = 1e-5, original = place;
  place = original + step;
  const double up = f();
  place = original - step;
  const double down = f();
  place = original;
  return (up - down) / (2 * step);
}

template<class Kernel>
void check_gradient(Kernel kernel, const mmd::criterion_options& o) {
  two_channel_data data;
  std::vector<double> g_phi(data.phi.size()), g_raw(data.raw.size()), g_kernel(3);
  const auto gp = as_matrix(g_phi, 2 * data.n, 3), gr = as_matrix(g_raw, 2 * data.n, 4);
  const auto result = mmd::criterion_and_gradient(backend_, data.x(), data.y(), kernel,
                                                  {.x = {gp.slice(0, data.n), gr.slice(0, data.n)},
                                                   .y = {gp.slice(data.n, data.n), gr.slice(data.n, data.n)},
                                                   .parameters = view_of(g_kernel)},
                                                  o);
  CHECK(result.value == doctest::Approx(mmd::criterion(backend_, data.x(), data.y(), kernel, o).value).epsilon(1e-12));
  const auto value = [&] { return mmd::criterion(backend_, data.x(), data.y(), kernel, o).value; };
  for (std::size_t i = 0; i < g_phi.size(); i += 5)
    CHECK(g_phi[i] == doctest::Approx(central_difference(data.phi[i], value)).epsilon(1e-6));
  for (std::size_t i = 0; i < g_raw.size(); i += 7)
    CHECK(g_raw[i] == doctest::Approx(central_difference(data.raw[i], value)).epsilon(1e-6));
  CHECK(g_kernel[0] == doctest::Approx(central_difference(kernel.s, value)).epsilon(1e-6));
  CHECK(g_kernel[1] == doctest::Approx(central_difference(kernel.s0, value)).epsilon(1e-6));
  CHECK(g_kernel[2] == doctest::Approx(central_difference(kernel.e, value)).epsilon(1e-6));
}

}  // namespace

TEST_CASE("the gradient of J agrees with central differences, by feature of both channels and by kernel parameter") {
  check_gradient(deep_kernel<squared_parameters>{2.5, 1.5, 0.3}, {});
  check_gradient(deep_kernel<squared_parameters>{2.5, 1.5, 0.3}, {.yy = 0});
  check_gradient(deep_kernel<logistic_parameters>{2.5, 1.5, -1.0}, {.xx = 0, .lambda = 1e-3});
}

TEST_CASE("the variance is that of its definition, row sums over all j") {
  const two_channel_data data;
  const auto kernel = deep_kernel<>{2.5, 1.5, 0.3};
  const dispar::index n = data.n;
  const auto k = [&](dispar::index i, dispar::index j) {
    double d_phi = 0, d_raw = 0;
    for (dispar::index c = 0; c < 3; ++c)
      d_phi += std::pow(data.phi[static_cast<std::size_t>(i * 3 + c)] - data.phi[static_cast<std::size_t>(j * 3 + c)], 2);
    for (dispar::index c = 0; c < 4; ++c)
      d_raw += std::pow(data.raw[static_cast<std::size_t>(i * 4 + c)] - data.raw[static_cast<std::size_t>(j * 4 + c)], 2);
    return evaluate(kernel, {{d_phi, d_raw}});
  };
  for (double yy : {1.0, 0.0}) {
    double total = 0, squares = 0, u = 0;
    for (dispar::index i = 0; i < n; ++i) {
      double row = 0;
      for (dispar::index j = 0; j < n; ++j) {
        const double h = k(i, j) + yy * k(n + i, n + j) - k(i, n + j) - k(j, n + i);
        row += h;
        if (i != j) u += h;
      }
      total += row;
      squares += row * row;
    }
    const auto count = static_cast<double>(n);
    const double variance = 4 * (squares / std::pow(count, 3) - total * total / std::pow(count, 4));
    const auto c = mmd::criterion(backend_, data.x(), data.y(), kernel, {.yy = yy});
    CHECK(c.variance == doctest::Approx(variance).epsilon(1e-10));
    CHECK(c.statistic == doctest::Approx(u / (count * (count - 1))).epsilon(1e-10));
    CHECK(c.value == doctest::Approx(c.statistic / std::sqrt(variance + 1e-8)).epsilon(1e-10));
    CHECK(mmd::variance_h1(backend_, data.x(), data.y(), kernel, {.yy = yy}) == c.variance);
  }
}

TEST_CASE("samples that do not vary have variance 0, and what is undefined throws") {
  const std::vector<double> same(6 * 2, 1.0), one(2, 1.0);
  const auto x = as_matrix(same, 6, 2);
  const auto c = mmd::criterion(backend_, x, x, gaussian{1});
  CHECK(c.variance == 0);
  CHECK(c.statistic == 0);
  CHECK(c.value == 0);
  const auto kernel = gaussian{1};
  CHECK_THROWS_AS((void)mmd::criterion(backend_, x, as_matrix(same, 4, 3), kernel), invalid_argument);
  CHECK_THROWS_WITH_AS((void)mmd::criterion(backend_, x, x.slice(0, 3), kernel),
                       "dispar: criterion: samples needs as many rows in y as in x, got 3", invalid_argument);
  CHECK_THROWS_AS((void)mmd::criterion(backend_, as_matrix(one, 1, 2), as_matrix(one, 1, 2), kernel), invalid_argument);
  CHECK_THROWS_AS((void)mmd::criterion(backend_, x, x, kernel, {.lambda = -1}), invalid_argument);
  CHECK_THROWS_AS((void)mmd::criterion_and_gradient(backend_, x, x, kernel, {}, {.lambda = 0}), invalid_argument);
}

TEST_CASE("the unbiased variance is unbiased, and its float form agrees with double") {
  constexpr int trials = 400;
  constexpr dispar::index n = 12;
  double mean = 0, square = 0, mean_variance = 0;
  for (int t = 0; t < trials; ++t) {
    std::vector<double> a(n), b(n);
    for (dispar::index i = 0; i < n; ++i) {
      a[static_cast<std::size_t>(i)] = normal<double>({11, static_cast<std::uint64_t>(t)}, i);
      b[static_cast<std::size_t>(i)] = normal<double>({12, static_cast<std::uint64_t>(t)}, i) + 1;
    }
    const auto x = as_matrix(a, n, 1), y = as_matrix(b, n, 1);
    const double v = mmd::estimate(backend_, x, y, gaussian{1});
    mean += v / trials;
    square += v * v / trials;
    mean_variance += mmd::variance_unbiased(backend_, x, y, gaussian{1}) / trials;
    if (t == 0) {
      const std::vector<float> af(a.begin(), a.end()), bf(b.begin(), b.end());
      CHECK(mmd::variance_unbiased(backend_, as_matrix(af, n, 1), as_matrix(bf, n, 1), gaussian{1}) ==
            doctest::Approx(mmd::variance_unbiased(backend_, x, y, gaussian{1})).epsilon(1e-4));
    }
  }
  // The empirical variance of 400 trials is known to about 7 %.
  CHECK(mean_variance == doctest::Approx(square - mean * mean).epsilon(0.25));
}
