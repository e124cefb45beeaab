// Chains of samplers on the GPU against sorting in double: the same tokens.
#include "decoding/gpu/chain_checks.hpp"

namespace decoding_tests {

TEST_CASE("decoding on the GPU: filters and draws of floats and doubles") {
  for (const index n : {2, 1500, 9001}) {
    check_all<float>(n, 2);
    check_all<double>(n, 0.1);
  }
  check_all<float>(3000, 1, true);
}

}  // namespace decoding_tests
