#include "dispar/core/special_values.hpp"

#include <doctest/doctest.h>

#include <limits>

TEST_CASE_TEMPLATE("special_values: recognized by their bits", T, float, double) {
  using dispar::is_nan, dispar::is_special, dispar::is_positive_infinity;
  volatile T zero = 0;  // numbers made at run time: the compiler must not fold the tests away
  const T ordinary[] = {zero,
                        -zero,
                        T(1) + zero,
                        std::numeric_limits<T>::max() - zero,
                        std::numeric_limits<T>::lowest() + zero,
                        std::numeric_limits<T>::min() + zero};
  for (T x : ordinary) {
    CHECK_FALSE(is_nan(x));
    CHECK_FALSE(is_special(x));
    CHECK_FALSE(is_positive_infinity(x));
  }
  const T infinity = dispar::positive_infinity<T>(), negative = dispar::negative_infinity<T>(), nan = dispar::quiet_nan<T>();
  CHECK(is_positive_infinity(infinity));
  CHECK_FALSE(is_positive_infinity(negative));
  CHECK_FALSE(is_positive_infinity(nan));
  CHECK(is_special(infinity));
  CHECK(is_special(negative));
  CHECK(is_special(nan));
  CHECK_FALSE(is_nan(infinity));
  CHECK_FALSE(is_nan(negative));
  CHECK(is_nan(nan));
  CHECK(negative < T(0));
  CHECK(infinity > T(0));
}
