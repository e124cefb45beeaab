// Metrics whose gradient is not a product: every pair adds its slope.
#include "backend/host/sinks/gradient_checks.hpp"

namespace engine_tests {

TEST_CASE_TEMPLATE("gradients of L1, L-infinity and a user's metric", Metric, dispar::l1, dispar::linf, cubed_gap) {
  for (const auto& counts : segment_sizes()) check_gradient<Metric>(integer_samples<float>(counts, {3}, 1));
  for (index d : {1, 47, 193}) check_gradient<Metric>(integer_samples<float>({3, 11, 6}, {d}, 1));
}

}  // namespace engine_tests
