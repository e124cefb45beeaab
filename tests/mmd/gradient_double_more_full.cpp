#include "mmd/gradient_directions.hpp"

TEST_CASE_TEMPLATE("value_and_gradient in double along directions: the other half", Case, kernel_cases::rational_quadratic,
                   kernel_cases::gaussian_ladder, kernel_cases::mixture, kernel_cases::feature_kernel,
                   kernel_cases::cauchy_sq_euclidean) {
  mmd_tests::check_along_directions<Case, double>(1e-6);
}
