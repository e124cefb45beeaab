#include "mmd/estimate_checks.hpp"

TEST_CASE_TEMPLATE("estimate: every kernel, form and weighting as defined", Case, DISPAR_KERNELS_OF_A_DISTANCE) {
  mmd_tests::check_estimates<Case, double>(1e-14);
}

TEST_CASE_TEMPLATE("estimate: kernels of an inner product as defined", Case, kernel_cases::linear, kernel_cases::cubic) {
  mmd_tests::check_estimates<Case, double>(1e-12);
}
