// Every other metric, in float.
#include "backend/host/pairwise_checks.hpp"

namespace engine_tests {

TEST_CASE_TEMPLATE("inner products, L1, L-infinity and a user's metric", Metric, dispar::dot, dispar::l1, dispar::linf,
                   cubed_gap) {
  for (const auto& counts : segment_sizes()) check_outputs<Metric>(integer_samples<float>(counts, {6}, 3));
  check_outputs<Metric>(integer_samples<float>({17, 50, 8}, {1}, -1));
}

}  // namespace engine_tests
