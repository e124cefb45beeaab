#include "dispar/core/logistic.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

#include "dispar/core/special_values.hpp"

TEST_CASE_TEMPLATE("sigmoid and softplus of packs: no argument overflows or loses digits", T, float, double) {
  using V = dispar::native_pack<T>;
  const double relative = sizeof(T) == 4 ? 1e-6 : 1e-14;
  for (const double x : {-80.0, -20.0, -10.0, -3.0, -1e-4, 0.0, 1e-4, 0.5, 7.0, 30.0, 1e4}) {
    CAPTURE(x);
    const double at = static_cast<double>(static_cast<T>(x));
    CHECK(static_cast<double>(softplus(V(at))[0]) == doctest::Approx(dispar::softplus(at)).epsilon(relative));
    CHECK(static_cast<double>(sigmoid(V(at))[0]) == doctest::Approx(dispar::sigmoid(at)).epsilon(relative));
    CHECK(static_cast<double>(softplus(dispar::lane<T>(static_cast<T>(x))).value) ==
          doctest::Approx(dispar::softplus(at)).epsilon(relative));
  }
  CHECK(dispar::is_nan(softplus(V(dispar::quiet_nan<T>()))[0]));
  CHECK(dispar::is_nan(sigmoid(V(dispar::quiet_nan<T>()))[0]));
}
