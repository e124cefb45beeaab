// Permutation test and wild bootstrap on the GPU against the CPU: the same splits, statistic by statistic.
#include "dispar/mmd/permutation_test.hpp"

#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/laplacian.hpp"
#include "dispar/mmd/wild_bootstrap.hpp"
#include "mmd/gpu/device_rows.hpp"
#include "mmd/gpu/host_results.hpp"

namespace {

using namespace dispar;
using gpu_tests::close;
using gpu_tests::device_rows;
using mmd::estimator;

const gpu g = gpu_tests::device();

template<class T>
[[nodiscard]] host_results::rows<T> on_host(const device_rows<T>& x) {
  return {x.numbers.data(), x.count, x.features};
}

/// By a kernel that `host_results::permutation_test` has for the type.
template<class T, class K>
void check(const device_rows<T>& x, const device_rows<T>& y, const K& k, double scale, mmd::permutation_options o,
           double tolerance) {
  const host_results::splits splits{o.permutations,
                                    o.seed,
                                    static_cast<int>(o.form),
                                    static_cast<int>(o.pairs),
                                    {o.given.data(), o.given.rows(), o.given.cols()}};
  const auto s = host_results::permutation_test(on_host(x), on_host(y), scale, splits);
  std::vector<double> on_gpu(s.permuted.size()), again(s.permuted.size());
  o.permuted = view_of(on_gpu);
  const auto t = mmd::permutation_test(g, x.view(), y.view(), k, o);
  CHECK(std::fabs(t.statistic - s.statistic) <= tolerance);
  CHECK(close(on_gpu, s.permuted, tolerance / s.null_deviation));
  CHECK(t.p_value == doctest::Approx(s.p_value).epsilon(0.1));
  o.permuted = view_of(again);
  (void)mmd::permutation_test(g, x.view(), y.view(), k, o);
  CHECK(on_gpu == again);
}

}  // namespace

TEST_CASE("gpu, permutation_test: sizes around a tile, any number of labels") {
  for (const auto& sizes : {std::array<dispar::index, 3>{2, 3, 1}, {64, 65, 63}, {63, 70, 257}, {40, 30, 511}, {33, 34, 300}}) {
    const dispar::index n = sizes[0], m = sizes[1], permutations = sizes[2];
    CAPTURE(permutations);
    const device_rows<float> x(n, 3, 1), y(m, 3, 2, 0.3);
    check(x, y, gaussian{2}, 2, {.permutations = permutations, .seed = 5}, 1e-6);
  }
}

TEST_CASE("gpu, permutation_test: double, biased, the one-sample form, the caller's permutations, another metric") {
  const dispar::index n = 35;
  const device_rows<double> x(n, 3, 1), y(n, 3, 2, 0.3);
  check(x, y, laplacian_l1{3}, 3, {.permutations = 70, .form = estimator::biased}, 1e-13);
  std::vector<std::int64_t> given;
  for (int p = 0; p < 6; ++p)
    for (int i = 0; i < 2 * n; ++i) given.push_back((i * 11 + p * 13) % (2 * n));
  for (const auto pairs : {mmd::pairing::sorted, mmd::pairing::ordered})
    check(x, y, laplacian_l1{3}, 3, {.form = estimator::one_sample, .pairs = pairs, .given = as_matrix(given, 6, 2 * n)}, 1e-13);
}

TEST_CASE("gpu, permutation_test and wild_bootstrap_test of kernel matrices") {
  const device_rows<double> gram(90, 90, 3);
  const auto t = mmd::permutation_test(g, mmd::given(gram.view(), 40), {.permutations = 100});
  const auto s = host_results::permutation_test(on_host(gram), 40, 100);
  CHECK(t.statistic == doctest::Approx(s.statistic).epsilon(1e-11));
  CHECK(t.null_deviation == doctest::Approx(s.null_deviation).epsilon(1e-11));
  const auto w = mmd::wild_bootstrap_test(g, mmd::given(gram.view(), 45), {.simulations = 100});
  const auto v = host_results::wild_bootstrap_test(on_host(gram), 45, 100);
  CHECK(w.statistic == doctest::Approx(v.statistic).epsilon(1e-11));
  CHECK(w.null_deviation == doctest::Approx(v.null_deviation).epsilon(1e-11));
}

TEST_CASE("gpu, permutation_test of a kernel matrix of more tiles than thread blocks") {
  const dispar::index n = 700, rows = 1450;
  const device_rows<double> gram(rows, rows, 3);
  const auto t = mmd::permutation_test(g, mmd::given(gram.view(), n), {.permutations = 3});
  const auto s = host_results::permutation_test(on_host(gram), n, 3);
  CHECK(t.statistic == doctest::Approx(s.statistic).epsilon(1e-10));
  CHECK(t.null_mean == doctest::Approx(s.null_mean).epsilon(1e-10));
}

TEST_CASE("gpu, wild_bootstrap_test: matched pairs do not count") {
  for (const dispar::index n : {2, 64, 65}) {
    const device_rows<float> x(n, 3, 1), y(n, 3, 2, 0.3);
    std::vector<double> on_gpu(200);
    const auto t =
        mmd::wild_bootstrap_test(g, x.view(), y.view(), gaussian{2}, {.simulations = 200, .simulated = view_of(on_gpu)});
    const auto s = host_results::wild_bootstrap_test(on_host(x), on_host(y), 2, 200);
    CHECK(t.statistic == doctest::Approx(s.statistic).epsilon(1e-4));
    CHECK(close(on_gpu, s.permuted, 1e-4));
  }
}
