#include "mmd/gradient_directions.hpp"

TEST_CASE_TEMPLATE("value_and_gradient in float along directions: every kernel of a distance", Case,
                   DISPAR_KERNELS_OF_A_DISTANCE) {
  mmd_tests::check_along_directions<Case, float>(1e-5);
}
