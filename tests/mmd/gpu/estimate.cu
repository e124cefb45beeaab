// The estimate on the GPU against the CPU: sizes around a tile, metrics, forms, weights, channels, kernel matrices, bad input.
#include "dispar/mmd/estimate.hpp"

#include "dispar/kernels/deep.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/laplacian.hpp"
#include "mmd/gpu/device_rows.hpp"
#include "mmd/gpu/maximum_kernel.hpp"

namespace {

using namespace dispar;
using gpu_tests::device_rows;
using mmd::estimator;

const gpu g = gpu_tests::device();

/// Every form that is defined for the sizes; the same bits twice.
template<class X, class Y, class K>
void check(const X& gx, const Y& gy, const auto& x, const auto& y, const K& k, double tolerance) {
  const auto n = as_sample(x).rows(), m = as_sample(y).rows();
  CAPTURE(n);
  CAPTURE(m);
  for (const auto form : {estimator::biased, estimator::unbiased, estimator::one_sample}) {
    if ((form != estimator::biased && (n < 2 || m < 2)) || (form == estimator::one_sample && n != m)) continue;
    const mmd::options o{.xx = 0.7, .yy = 1.1, .xy = 1.9, .form = form};
    const double value = mmd::estimate(g, gx, gy, k, o);
    CHECK(std::fabs(value - mmd::estimate(cpu{}, x, y, k, o)) <= tolerance);
    CHECK(value == mmd::estimate(g, gx, gy, k, o));
  }
}

}  // namespace

TEST_CASE("gpu, estimate: sizes around a tile in both directions, few and many features, float") {
  const auto check_sizes = [](dispar::index n, dispar::index m, dispar::index d) {
    const device_rows<float> x(n, d, 1), y(m, d, 2, 0.3);
    check(x.view(), y.view(), x.host(), y.host(), gaussian{std::sqrt(static_cast<double>(d))}, 2e-7);
  };
  for (const dispar::index n : {1, 64, 127, 128, 129})
    for (const dispar::index m : {1, 128, 257}) check_sizes(n, m, 3);
  for (const dispar::index d : {1, 16, 65}) check_sizes(66, 66, d);
}

TEST_CASE("gpu, estimate: products of rounded numbers") {
  const gpu fast{g.context, precision::tf32};
  const device_rows<float> x(140, 20, 1), y(60, 20, 2, 0.3);
  const double value = mmd::estimate(fast, x.view(), y.view(), gaussian{4.5}),
               expected = mmd::estimate(cpu{}, x.host(), y.host(), gaussian{4.5});
  CHECK(std::fabs(value - expected) <= 2e-5);
  CHECK(value != expected);
  CHECK(value == mmd::estimate(fast, x.view(), y.view(), gaussian{4.5}));
}

TEST_CASE("gpu, estimate: the same in double, whose tiles are half as large") {
  for (const dispar::index d : {1, 17})
    for (const dispar::index n : {1, 31, 32, 33, 65}) {
      const device_rows<double> x(n, d, 1), y(n, d, 2, 0.3), z(2 * n + 1, d, 3, 0.3);
      check(x.view(), y.view(), x.host(), y.host(), gaussian{2}, 1e-15);
      check(x.view(), z.view(), x.host(), z.host(), gaussian{2}, 1e-15);
    }
}

TEST_CASE("gpu, estimate: sums of magnitudes and maxima in place of products") {
  for (const auto& [n, m] : {std::array<dispar::index, 2>{64, 64}, {65, 30}}) {
    const device_rows<float> x(n, 19, 1), y(m, 19, 2, 0.3);
    check(x.view(), y.view(), x.host(), y.host(), laplacian_l1{20}, 2e-7);
    check(x.view(), y.view(), x.host(), y.host(), gpu_tests::maximum_kernel{}, 2e-7);
  }
}

TEST_CASE("gpu, estimate: two channels, row weights, an offset of 1000, strided rows") {
  const device_rows<float> x(66, 5, 1), y(60, 5, 2, 0.3), raw_x(66, 20, 3), raw_y(60, 20, 4, 0.1);
  const auto deep = deep_kernel<>::from(30, 5, 0.1);
  check(channels(x.view(), raw_x.view()), channels(y.view(), raw_y.view()), channels(x.host(), raw_x.host()),
        channels(y.host(), raw_y.host()), deep, 2e-7);

  std::vector<float> u, v;
  for (int i = 0; i < 66; ++i) u.push_back(0.25f * static_cast<float>(1 + i % 5));
  for (int i = 0; i < 60; ++i) v.push_back(0.5f * static_cast<float>(i % 3));
  const auto gu = to(g, u), gv = to(g, v);
  check(weighted(x.view(), gu), weighted(y.view(), gv), weighted(x.host(), u), weighted(y.host(), v), gaussian{2}, 2e-7);

  const device_rows<float> far_x(70, 6, 5, 1000), far_y(50, 6, 6, 1000.3);
  check(far_x.view(), far_y.view(), far_x.host(), far_y.host(), gaussian{2}, 2e-7);
  const matrix_view<const float, device> gx(far_x.view().data() + 6, {35, 3}, {12, 2}),
      gy(far_y.view().data() + 6, {25, 3}, {12, 2});
  const matrix_view<const float> hx(far_x.numbers.data() + 6, {35, 3}, {12, 2}), hy(far_y.numbers.data() + 6, {25, 3}, {12, 2});
  check(gx, gy, hx, hy, gaussian{2}, 2e-7);
}

TEST_CASE("gpu, estimate: kernel matrices, of which only the half above the diagonal is read; sums of k") {
  const dispar::index n = 70, rows = 130;
  device_rows<double> gram(rows, rows, 7);
  auto upper = gram.numbers;
  for (dispar::index i = 0; i < rows; ++i)
    for (dispar::index j = 0; j < i; ++j) upper[static_cast<std::size_t>(i * rows + j)] = std::nan("");
  const auto on_device = to(g, as_matrix(upper, rows, rows));
  for (const auto form : {estimator::biased, estimator::unbiased}) {
    const double value = mmd::estimate(g, mmd::given(on_device, n), {.form = form});
    CHECK(value == doctest::Approx(mmd::estimate(cpu{}, mmd::given(gram.host(), n), {.form = form})).epsilon(1e-11));
  }
  CHECK(mmd::estimate(g, mmd::given(on_device, 65), {.form = estimator::one_sample}) ==
        doctest::Approx(mmd::estimate(cpu{}, mmd::given(gram.host(), 65), {.form = estimator::one_sample})).epsilon(1e-11));

  const device_rows<double> x(40, 3, 1), y(50, 3, 2);
  const auto a = mmd::accumulate(g, x.view(), y.view(), gaussian{2}), b = mmd::accumulate(cpu{}, x.host(), y.host(), gaussian{2});
  for (int i = 0; i < 3; ++i) CHECK(a.k[i] == doctest::Approx(b.k[i]).epsilon(1e-13));
  for (int i = 0; i < 2; ++i) CHECK(a.diagonal[i] == doctest::Approx(b.diagonal[i]).epsilon(1e-13));
}

TEST_CASE("gpu, estimate: bad elements are named, and leave later calls alone") {
  device_rows<float> x(70, 3, 1), y(80, 3, 2);
  const double before = mmd::estimate(g, x.view(), y.view(), gaussian{1});
  for (const float value : {std::nanf(""), -HUGE_VALF, 3e19f}) {
    auto bad = y.numbers;
    bad[67 * 3 + 2] = value;
    const auto gy = to(g, as_matrix(bad, 80, 3));
    if (value < 1e19f || std::isnan(value)) {
      CHECK_THROWS_WITH_AS((void)mmd::estimate(g, x.view(), gy, gaussian{1}),
                           "dispar: sample 1: element (67, 2) is NaN or infinite", invalid_argument);
      CHECK_THROWS_WITH_AS((void)mmd::estimate(g, gy, x.view(), laplacian_l1{1}),
                           "dispar: sample 0: element (67, 2) is NaN or infinite", invalid_argument);
    } else {
      CHECK_THROWS_AS((void)mmd::estimate(g, x.view(), gy, gaussian{1}), invalid_argument);
    }
  }
  CHECK(mmd::estimate(g, x.view(), y.view(), gaussian{1}) == before);
  CHECK_THROWS_AS((void)mmd::estimate(g, x.view().slice(0, 0), y.view(), gaussian{1}), invalid_argument);
  CHECK_THROWS_AS((void)mmd::estimate(gpu{}, x.view(), y.view(), gaussian{1}), invalid_argument);
}

TEST_CASE("gpu: a stream of the caller's, which outlives the context") {
  cudaStream_t stream = nullptr;
  REQUIRE(cudaStreamCreate(&stream) == cudaSuccess);
  {
    cuda_context context{stream};
    const gpu own{&context};
    const device_rows<float> x(70, 3, 1), y(80, 3, 2);
    const auto gx = to(own, x.host()), gy = to(own, y.host());
    CHECK(mmd::estimate(own, gx, gy, gaussian{1}) == mmd::estimate(g, x.view(), y.view(), gaussian{1}));
  }
  cudaStreamDestroy(stream);
}
