#include "mmd/gradient_checks.hpp"

TEST_CASE_TEMPLATE("value_and_gradient: kernels of several parameters, and a user's, against central differences", Case,
                   kernel_cases::rational_quadratic, kernel_cases::gaussian_ladder, kernel_cases::mixture,
                   kernel_cases::feature_kernel, kernel_cases::cauchy_sq_euclidean) {
  mmd_tests::check_gradients<Case>();
}
