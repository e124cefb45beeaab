#include "dispar/core/half.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <type_traits>

namespace {

using dispar::bfloat16;
using dispar::half;

template<class H>
H of_bits(int bits) {
  H x;
  x.bits = static_cast<std::uint16_t>(bits);
  return x;
}

/// The number by its definition.
double value_of(half x) {
  const int exponent = x.bits >> 10 & 31, fraction = x.bits & 1023;
  return exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
}
double value_of(bfloat16 x) {
  const int exponent = x.bits >> 7 & 255, fraction = x.bits & 127;
  return exponent == 0 ? std::ldexp(fraction, -133) : std::ldexp(128 + fraction, exponent - 134);
}

/// All numbers: back and forth; between two neighbours the nearest, in the middle the even one.
template<class H>
void check_rounding(int infinity) {
  int wrong = 0;
  const auto expect = [&wrong](float x, int bits) {
    wrong += H(x).bits != bits;
    wrong += H(-x).bits != (bits | 0x8000);
  };
  for (int bits = 0; bits < infinity; ++bits) {
    const auto x = of_bits<H>(bits);
    const auto value = static_cast<float>(x);
    wrong += static_cast<double>(value) != value_of(x);
    expect(value, bits);
    if (bits + 1 == infinity) continue;
    // A float holds the middle exactly: it has more bits.
    const auto middle = static_cast<float>((value_of(x) + value_of(of_bits<H>(bits + 1))) / 2);
    expect(middle, bits % 2 == 0 ? bits : bits + 1);
    expect(std::nextafter(middle, 0.0f), bits);
    expect(std::nextafter(middle, HUGE_VALF), bits + 1);
  }
  CHECK(wrong == 0);
}

template<class H>
void check_special() {
  CHECK(is_special(H(HUGE_VALF)));
  CHECK(is_special(H(std::nanf(""))));
  CHECK(std::isnan(static_cast<float>(H(std::nanf("")))));
  CHECK(std::isnan(static_cast<float>(H(__builtin_bit_cast(float, 0xff800001u)))));  // the fraction's upper bits are 0
  CHECK(static_cast<float>(H(-HUGE_VALF)) == -HUGE_VALF);
  CHECK_FALSE(is_special(H(1)));
  CHECK(H().bits == 0);
  CHECK(std::is_trivially_copyable_v<H>);
  CHECK(sizeof(H) == 2);
}

}  // namespace

TEST_CASE("half: all numbers, and the middle between all neighbours") {
  check_rounding<half>(0x7c00);
  check_special<half>();
  CHECK(half(65519.99f).bits == 0x7bff);
  CHECK(half(65520.0f).bits == 0x7c00);
  CHECK(half(1e30f).bits == 0x7c00);
}

TEST_CASE("bfloat16: all numbers, and the middle between all neighbours") {
  check_rounding<bfloat16>(0x7f80);
  check_special<bfloat16>();
  CHECK(bfloat16(0x1.ff8p127f).bits == 0x7f80);
}
