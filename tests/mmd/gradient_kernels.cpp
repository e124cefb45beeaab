#include "mmd/gradient_checks.hpp"

TEST_CASE_TEMPLATE("value_and_gradient: kernels of one parameter against central differences", Case, kernel_cases::gaussian,
                   kernel_cases::laplacian_l1, kernel_cases::laplacian_l2, kernel_cases::inverse_multiquadric,
                   kernel_cases::cauchy_linf) {
  mmd_tests::check_gradients<Case>();
}
