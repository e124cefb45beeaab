// Linear algebra on the GPU, by cuBLAS and cuSOLVER: see backend/linalg_checks.hpp; handles.
#include "dispar/backend/gpu/linalg.hpp"

#include <doctest/doctest.h>

#include "backend/linalg_checks.hpp"
#include "dispar/backend/gpu.hpp"
#include "dispar/metrics/frechet_distance.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"

namespace {

using namespace dispar;
using namespace linalg_checks;

}  // namespace

TEST_CASE_TEMPLATE("gpu, linear algebra: products, sums, Cholesky, eigenvalues, singular values", T, float, double) {
  cuda_context context;
  const gpu b{&context};
  check_products<T>(b);
  check_sums<T>(b);
  check_cholesky<T>(b);
  check_decompositions<T>(b);
}

namespace {

/// Every operation of linear algebra on the rows of a sample, and what it wrote.
struct every_operation {
  static constexpr dispar::index n = 30, d = 6;
  gpu b;
  array<double, 1, gpu> mean{b, {d}}, values{b, {d}}, singular{b, {d}}, sums{b, {3}};
  array<double, 2, gpu> centered{b, {n, d}}, covariance{b, {d, d}}, factor{b, {d, d}}, solved{b, {d, n}}, vectors{b, {d, d}},
      root{b, {d, d}};

  template<class View>
  void compute(gpu_linear_algebra& algebra, const View& x) {
    const auto sum = [&](dispar::index i) { return scalar_view<double, device>(sums.data() + i); };
    algebra.column_means(x, mean);
    algebra.centered(x, mean, centered);
    const auto c = centered.view();
    algebra.product(c.transposed(), c, covariance, {.factor = 1.0 / (n - 1)});
    algebra.inner_product(covariance, covariance, sum(0));
    algebra.trace(covariance, sum(1));
    algebra.cholesky(covariance, factor);
    algebra.solve(factor, c.transposed(), solved);
    algebra.log_determinant(factor, sum(2));
    algebra.symmetric_eigen(covariance, values, vectors);
    algebra.singular_values(centered, singular);
    algebra.square_root(covariance, root);
  }
  [[nodiscard]] std::vector<double> numbers() const {
    std::vector<double> all;
    const auto add = [&](const auto& of) {
      const auto copy = to_host(b, of);
      all.insert(all.end(), copy.data(), copy.data() + copy.view().size());
    };
    for (const auto* of : {&mean, &values, &singular, &sums}) add(*of);
    for (const auto* of : {&centered, &covariance, &factor, &solved, &vectors, &root}) add(*of);
    return all;
  }
};

}  // namespace

TEST_CASE("gpu, linear algebra: without a wait, and by a graph, whose problems the next wait tells") {
  gpu_tests::counted_stream s;
  const gpu b = s.backend();
  gpu_tests::changing_rows<double> x(b, every_operation::n, every_operation::d);
  every_operation captured{b}, again{b};
  auto algebra = linear_algebra(b), other = linear_algebra(b);
  const auto call = [&] { captured.compute(algebra, x.view()); };
  gpu_tests::check_asynchronous(
      s, call, [&](std::uint64_t seed) { x.fill(seed); }, [&] { return captured.numbers(); },
      [&] {
        again.compute(other, x.view());
        other.wait();
        return again.numbers();
      });
  algebra.wait();
  const gpu_tests::graph replay(s.stream(), [&] {
    call();
    CHECK_THROWS_WITH_AS(algebra.wait(), "dispar: gpu: a call that waits for its result cannot be captured in a CUDA graph",
                         invalid_argument);
  });
  const std::vector<double> same_rows(every_operation::n * every_operation::d, 1.0);
  cudaMemcpyAsync(x.memory.data(), same_rows.data(), x.memory.bytes(), cudaMemcpyHostToDevice, b.stream());
  b.wait();
  replay.launch();
  CHECK_THROWS_WITH_AS(algebra.wait(), "dispar: cholesky: a must be positive definite; its first 1 rows and columns are not",
                       invalid_argument);
  x.fill(1);
  replay.launch();
  algebra.wait();
}

TEST_CASE("gpu, linear algebra: a caller's handle is used and left alone, the context's own ends with it") {
  cublasHandle_t handle = nullptr;
  REQUIRE(cublasCreate(&handle) == CUBLAS_STATUS_SUCCESS);
  {
    cuda_context context{.cublas = handle};
    const gpu b{&context};
    check_cholesky<double>(b);
    CHECK(context.cublas.get() == handle);
    CHECK(context.cusolver.get() != nullptr);
  }
  CHECK(cublasDestroy(handle) == CUBLAS_STATUS_SUCCESS);
#if defined(DISPAR_CUDA_EMULATION)
  CHECK(cuda_emulation::open_handles() == 0);
#endif
}

TEST_CASE("gpu, linear algebra: products of floats by precision") {
  cuda_context context;
  const std::vector<float> x{1.0001f}, y{1};
  for (const precision p : {precision::exact, precision::tf32}) {
    const gpu b{&context, p};
    const auto gx = to(b, as_matrix(x, 1, 1)), gy = to(b, as_matrix(y, 1, 1));
    array<float, 2, gpu> out(b, {1, 1});
    auto algebra = linear_algebra(b);
    algebra.product(gx, gy, out);
    algebra.wait();
    const float found = to_host(b, out).data()[0];
    CHECK((p == precision::exact ? found == x[0] : std::fabs(found - x[0]) <= 0x1p-11f));
  }
}

TEST_CASE("gpu, frechet_distance: bad input is found at the wait") {
  cuda_context context;
  const gpu b{&context};
  dense x(9, 2, 1);
  const auto good = put<double>(b, x);
  x(3, 1) = quiet_nan<double>();
  const auto bad = put<double>(b, x);
  CHECK_THROWS_WITH_AS((void)metrics::frechet_distance(b, good, bad), "dispar: centered: x: element (3, 1) is NaN or infinite",
                       invalid_argument);
}
