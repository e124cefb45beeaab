// Chains of samplers on the GPU, on logits of 16 bits.
#include "decoding/gpu/chain_checks.hpp"

namespace decoding_tests {

TEST_CASE("decoding on the GPU: numbers of 16 bits") {
  check_all<dispar::half>(700, 1);
  check_all<dispar::bfloat16>(2000, 1);
}

}  // namespace decoding_tests
