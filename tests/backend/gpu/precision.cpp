#include "dispar/backend/gpu/precision.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "normal_rows.hpp"

TEST_CASE("TF32: the nearest number of 11 bits, of two the one farther from 0") {
  const auto rounded = [](float x) { return __builtin_bit_cast(float, dispar::detail::rounded_to_tf32(x)); };
  CHECK(rounded(0) == 0);
  CHECK(rounded(1) == 1);
  CHECK(rounded(1 + 0x1p-10f) == 1 + 0x1p-10f);
  CHECK(rounded(1 + 0x1p-11f) == 1 + 0x1p-10f);
  CHECK(rounded(-1 - 0x1p-11f) == -1 - 0x1p-10f);
  CHECK(rounded(1 + 0x1p-12f) == 1);
  CHECK(rounded(2 - 0x1p-23f) == 2);
  for (const float x : normal_rows<float>(1000, 1, 3)) {
    int exponent = 0;
    const double fraction = std::frexp(static_cast<double>(x), &exponent) * 2048;  // std::round: ties away from 0
    CHECK(static_cast<double>(rounded(x)) == std::ldexp(std::round(fraction), exponent - 11));
  }
}
