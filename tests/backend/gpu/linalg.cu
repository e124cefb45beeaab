// Linear algebra on the GPU, by cuBLAS and cuSOLVER: see backend/linalg_checks.hpp; handles.
#include "dispar/backend/gpu/linalg.hpp"

#include <doctest/doctest.h>

#include "backend/linalg_checks.hpp"
#include "dispar/backend/gpu.hpp"
#include "dispar/metrics/frechet_distance.hpp"

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
