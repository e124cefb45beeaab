// The same bits for any number of threads and any executor.
#include "mmd/same_bits_checks.hpp"

TEST_CASE("one to four threads, serial and backwards: the same bits") {
  same_bits::check_executors<float>(700, 700, 9);
  same_bits::check_executors<float>(333, 1000, 5);
}
