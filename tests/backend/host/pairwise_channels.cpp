// Two channels of different width, and double.
#include "backend/host/pairwise_checks.hpp"

namespace engine_tests {

TEST_CASE("two channels") {
  for (const auto& counts : segment_sizes()) check_outputs<dispar::sq_euclidean>(integer_samples<float, 2>(counts, {3, 7}, 5));
}

TEST_CASE("double") {
  for (const auto& counts : segment_sizes()) check_outputs<dispar::sq_euclidean>(integer_samples<double>(counts, {9}, -4));
  check_outputs<dispar::sq_euclidean>(integer_samples<double>({60, 41, 7}, {12}, 1000));
}

}  // namespace engine_tests
