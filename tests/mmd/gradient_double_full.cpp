#include "mmd/gradient_directions.hpp"

TEST_CASE_TEMPLATE("value_and_gradient in double along directions: the first half of the kernels", Case, kernel_cases::gaussian,
                   kernel_cases::laplacian_l1, kernel_cases::laplacian_l2, kernel_cases::inverse_multiquadric,
                   kernel_cases::cauchy_linf) {
  mmd_tests::check_along_directions<Case, double>(1e-6);
}
