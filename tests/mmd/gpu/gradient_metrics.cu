// Gradients on the GPU against the CPU: metrics that are no product.
#include "dispar/kernels/laplacian.hpp"
#include "mmd/gpu/gradient_checks.hpp"
#include "mmd/gpu/maximum_kernel.hpp"

using dispar::laplacian_l1;
using gpu_tests::check_gradients;

TEST_CASE("gpu, gradient: metrics that are no product") {
  check_gradients<float>(65, 40, 3, laplacian_l1{4}, 1e-5);
  check_gradients<float>(65, 40, 67, laplacian_l1{70}, 1e-5);
  check_gradients<float>(65, 40, 5, gpu_tests::maximum_kernel{}, 1e-5);
}
