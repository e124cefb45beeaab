// The cases of pack.cpp, in a header so that the same cases are compiled with other flags too (-ffast-math, no -march).
// Nothing here may rely on the compiler knowing NaN or infinity: both are made and recognized on bits.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "dispar/core/dual.hpp"
#include "dispar/core/lane.hpp"
#include "dispar/core/pack.hpp"
#include "dispar/core/pack_math.hpp"

namespace pack_cases {

#if defined(__FAST_MATH__)
inline constexpr bool fast_math = true;
#else
inline constexpr bool fast_math = false;
#endif

template<class T>
using bits_type = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
template<class T>
inline constexpr bits_type<T> infinity_field = sizeof(T) == 4 ? bits_type<T>(0x7f800000u) : bits_type<T>(0x7ff0000000000000u);

template<class T>
bits_type<T> bits(T x) {
  bits_type<T> b;
  std::memcpy(&b, &x, sizeof x);
  return b;
}
template<class T>
T from_bits(bits_type<T> b) {
  T x;
  std::memcpy(&x, &b, sizeof x);
  return x;
}
template<class T>
bits_type<T> magnitude(T x) {
  return bits(x) & ~(bits_type<T>(1) << (8 * sizeof(T) - 1));
}
template<class T>
bool is_nan(T x) {
  return magnitude(x) > infinity_field<T>;
}
template<class T>
bool is_infinity(T x, bool negative = false) {
  return magnitude(x) == infinity_field<T> && (bits(x) != magnitude(x)) == negative;
}
template<class T>
bool is_zero(T x) {
  return magnitude(x) == 0;
}
template<class T>
T infinity() {
  return from_bits<T>(infinity_field<T>);
}
template<class T>
T nan() {
  return from_bits<T>(infinity_field<T> | (infinity_field<T> >> 1));
}
template<class T>
T subnormal() {
  return from_bits<T>(12345);
}

// Every value in every place; the results of all places must agree in bits.
template<class V, class F>
typename V::scalar at(F f, typename V::scalar x) {
  using T = typename V::scalar;
  volatile T opaque = x;  // a compiler that folds constants under fast-math takes an infinite result for impossible
  T in[V::width], out[V::width];
  for (T& v : in) v = opaque;
  f(V::load(in)).store(out);
  for (T v : out) REQUIRE(bits(v) == bits(out[0]));
  return out[0];
}

// The worst relative error of f over `count` + 1 points, W different points at a time, against `exact` in long double.
template<class V, class F, class G, class P>
double worst_error(F f, G exact, P point, int count) {
  using T = typename V::scalar;
  double worst = 0;
  for (int i = 0; i <= count; i += V::width) {
    T in[V::width], out[V::width];
    for (int w = 0; w < V::width; ++w) {
      volatile T x = static_cast<T>(point(std::min(i + w, count) / static_cast<double>(count)));
      in[w] = x;  // opaque: fast-math takes log2(exp2(t)) for t
    }
    f(V::load(in)).store(out);
    for (int w = 0; w < V::width; ++w) {
      if (is_nan(out[w]) || is_infinity(out[w]) || is_infinity(out[w], true)) return 1e300;
      const long double want = exact(static_cast<long double>(in[w]));
      const long double error = std::fabs(static_cast<long double>(out[w]) - want);
      worst = std::max(worst, static_cast<double>(want == 0 ? error : error / std::fabs(want)));
    }
  }
  return worst;
}

template<class T>
struct range {
  static constexpr bool single = sizeof(T) == 4;
  static constexpr double eps = single ? 1.1920929e-7 : 2.220446049250313e-16;
  // The exponents between which 2^x is neither flushed nor infinite.
  static constexpr double least = single ? -125.4 : -1021.4, most = single ? 127.99 : 1023.99;
};

inline auto linear(double low, double high) {
  return [=](double t) { return low + (high - low) * t; };
}
inline auto powers_of_two(double low, double high) {
  return [=](double t) { return std::exp2(low + (high - low) * t); };
}

#define DISPAR_PACK_FUNCTION(name) [](auto x) { return name(x); }

#define DISPAR_WIDE_TYPES                                                                                   \
  dispar::native_pack<float>, dispar::native_pack<double>, dispar::pack<float, 4>, dispar::pack<double, 2>, \
      dispar::pack<float, 1>, dispar::pack<double, 1>
#define DISPAR_PACK_TYPES DISPAR_WIDE_TYPES, dispar::lane<float>, dispar::lane<double>

TEST_CASE_TEMPLATE("exp2, exp2_nonpositive and exp are accurate over their whole range", V, DISPAR_PACK_TYPES) {
  using R = range<typename V::scalar>;
  constexpr double ln2 = 0.6931471805599453, bound = 1.3 * R::eps;
  const auto exp2l = [](long double x) { return std::exp2(x); };
  const auto expl = [](long double x) { return std::exp(x); };
  CHECK(worst_error<V>(DISPAR_PACK_FUNCTION(exp2), exp2l, linear(R::least, R::most), 20000) < bound);
  CHECK(worst_error<V>(DISPAR_PACK_FUNCTION(exp2), exp2l, linear(R::most - 1, R::most), 20000) < bound);
  CHECK(worst_error<V>(DISPAR_PACK_FUNCTION(exp2), exp2l, linear(-1, 1), 20000) < bound);
  CHECK(worst_error<V>(DISPAR_PACK_FUNCTION(exp2_nonpositive), exp2l, linear(R::least, 0), 20000) < bound);
  CHECK(worst_error<V>(DISPAR_PACK_FUNCTION(exp2_nonpositive), exp2l, linear(-1, 0), 20000) < bound);
  CHECK(worst_error<V>(DISPAR_PACK_FUNCTION(exp), expl, linear(R::least * ln2, R::most * ln2), 20000) < bound);
  CHECK(worst_error<V>(DISPAR_PACK_FUNCTION(exp), expl, linear((R::most - 1) * ln2, R::most * ln2), 20000) < bound);
  CHECK(worst_error<V>(DISPAR_PACK_FUNCTION(exp), expl, linear(-1, 1), 20000) < bound);
}

TEST_CASE_TEMPLATE("log2 and log are accurate over their whole range and near 1", V, DISPAR_PACK_TYPES) {
  using R = range<typename V::scalar>;
  constexpr double bound = 3 * R::eps;
  const auto log2l = [](long double x) { return std::log2(x); };
  const auto logl = [](long double x) { return std::log(x); };
  CHECK(worst_error<V>(DISPAR_PACK_FUNCTION(log2), log2l, powers_of_two(R::least, R::most), 20000) < bound);
  CHECK(worst_error<V>(DISPAR_PACK_FUNCTION(log2), log2l, linear(0.99, 1.01), 20000) < bound);
  CHECK(worst_error<V>(DISPAR_PACK_FUNCTION(log), logl, powers_of_two(R::least, R::most), 20000) < bound);
  CHECK(worst_error<V>(DISPAR_PACK_FUNCTION(log), logl, linear(0.5, 2), 20000) < bound);
}

TEST_CASE_TEMPLATE("sqrt is accurate from the smallest normal number to the largest", V, DISPAR_PACK_TYPES) {
  using T = typename V::scalar;
  using R = range<T>;
  const auto sqrtl = [](long double x) { return std::sqrt(x); };
  // Under fast-math the last correction of the smallest arguments is flushed.
  constexpr double bound = (fast_math ? 2 : 1) * R::eps;
  const double least = std::numeric_limits<T>::min_exponent - 1, most = std::numeric_limits<T>::max_exponent - 0.001;
  CHECK(worst_error<V>(DISPAR_PACK_FUNCTION(sqrt), sqrtl, powers_of_two(least, most), 20000) < bound);
  CHECK(worst_error<V>(DISPAR_PACK_FUNCTION(sqrt), sqrtl, powers_of_two(least, least + 2), 20000) < bound);
  CHECK(worst_error<V>(DISPAR_PACK_FUNCTION(sqrt), sqrtl, linear(0.25, 4), 20000) < bound);
}

TEST_CASE_TEMPLATE("special values of the exponentials", V, DISPAR_PACK_TYPES) {
  using T = typename V::scalar;
  const T large = std::numeric_limits<T>::max(), inf = infinity<T>();
  // Without fast-math the functions of lane are those of the standard library, which is all there is to say under it.
  const bool ieee = !fast_math || !std::is_same_v<V, dispar::lane<T>>;
  const auto check = [&](auto f) {
    CHECK(at<V>(f, T(0)) == T(1));
    CHECK(at<V>(f, -T(0)) == T(1));
    CHECK(at<V>(f, subnormal<T>()) == T(1));
    CHECK(at<V>(f, -subnormal<T>()) == T(1));
    CHECK(is_zero(at<V>(f, -large)));
    if (!ieee) return;
    CHECK(is_zero(at<V>(f, -inf)));
    CHECK(is_nan(at<V>(f, nan<T>())));
    CHECK(is_nan(at<V>(f, -nan<T>())));
  };
  check(DISPAR_PACK_FUNCTION(exp));
  check(DISPAR_PACK_FUNCTION(exp2));
  check(DISPAR_PACK_FUNCTION(exp2_nonpositive));
  CHECK(is_infinity(at<V>(DISPAR_PACK_FUNCTION(exp), large)));
  CHECK(is_infinity(at<V>(DISPAR_PACK_FUNCTION(exp2), large)));
  if (!ieee) return;
  CHECK(is_infinity(at<V>(DISPAR_PACK_FUNCTION(exp), inf)));
  CHECK(is_infinity(at<V>(DISPAR_PACK_FUNCTION(exp2), inf)));
}

TEST_CASE_TEMPLATE("exponentials of packs are 0 below the documented bound and positive above", V, DISPAR_WIDE_TYPES) {
  using T = typename V::scalar;
  const double bound = sizeof(T) == 4 ? -125.5 : -1021.5;
  CHECK(is_zero(at<V>(DISPAR_PACK_FUNCTION(exp2), static_cast<T>(bound - 0.001))));
  CHECK(at<V>(DISPAR_PACK_FUNCTION(exp2), static_cast<T>(bound + 0.001)) > 0);
  CHECK(is_zero(at<V>(DISPAR_PACK_FUNCTION(exp), static_cast<T>((bound - 0.001) * 0.6931471805599453))));
  CHECK(at<V>(DISPAR_PACK_FUNCTION(exp), static_cast<T>((bound + 0.001) * 0.6931471805599453)) > 0);
  // Below the normal range exp2_nonpositive may be subnormal; below the subnormal range it is 0.
  const T below_normal = static_cast<T>(bound - 1.001);
  CHECK(at<V>(DISPAR_PACK_FUNCTION(exp2_nonpositive), below_normal) <= std::numeric_limits<T>::min());
  CHECK(is_zero(at<V>(DISPAR_PACK_FUNCTION(exp2_nonpositive), static_cast<T>(bound - (sizeof(T) == 4 ? 24.5 : 53.5)))));
  CHECK(is_zero(at<V>(DISPAR_PACK_FUNCTION(exp2_nonpositive), std::numeric_limits<T>::lowest())));
  CHECK(at<V>(DISPAR_PACK_FUNCTION(exp2_nonpositive), static_cast<T>(bound - 0.499)) > 0);
  for (int n = static_cast<int>(bound) + 1; n < -static_cast<int>(bound); ++n)  // powers of two are exact
    CHECK(at<V>(DISPAR_PACK_FUNCTION(exp2), static_cast<T>(n)) == std::ldexp(T(1), n));
}

TEST_CASE_TEMPLATE("special values of log2, log and sqrt", V, DISPAR_PACK_TYPES) {
  using T = typename V::scalar;
  constexpr bool standard = std::is_same_v<V, dispar::lane<T>>;
  const T inf = infinity<T>(), large = std::numeric_limits<T>::max();
  CHECK(is_zero(at<V>(DISPAR_PACK_FUNCTION(log2), T(1))));
  CHECK(is_zero(at<V>(DISPAR_PACK_FUNCTION(log), T(1))));
  CHECK(at<V>(DISPAR_PACK_FUNCTION(sqrt), T(1)) == T(1));
  CHECK(is_zero(at<V>(DISPAR_PACK_FUNCTION(sqrt), T(0))));
  CHECK(at<V>(DISPAR_PACK_FUNCTION(log2), large) == doctest::Approx(std::numeric_limits<T>::max_exponent));
  if (fast_math && standard) return;
  for (T negative : {T(-1), -large, -inf}) {
    CHECK(is_nan(at<V>(DISPAR_PACK_FUNCTION(log2), negative)));
    CHECK(is_nan(at<V>(DISPAR_PACK_FUNCTION(log), negative)));
    CHECK(is_nan(at<V>(DISPAR_PACK_FUNCTION(sqrt), negative)));
  }
  for (T not_a_number : {nan<T>(), -nan<T>()}) {
    CHECK(is_nan(at<V>(DISPAR_PACK_FUNCTION(log2), not_a_number)));
    CHECK(is_nan(at<V>(DISPAR_PACK_FUNCTION(log), not_a_number)));
    CHECK(is_nan(at<V>(DISPAR_PACK_FUNCTION(sqrt), not_a_number)));
  }
  CHECK(is_infinity(at<V>(DISPAR_PACK_FUNCTION(log2), inf)));
  CHECK(is_infinity(at<V>(DISPAR_PACK_FUNCTION(log), inf)));
  CHECK(is_infinity(at<V>(DISPAR_PACK_FUNCTION(sqrt), inf)));
  CHECK(is_infinity(at<V>(DISPAR_PACK_FUNCTION(log2), T(0)), true));
  CHECK(is_infinity(at<V>(DISPAR_PACK_FUNCTION(log), -T(0)), true));
  if constexpr (!standard) {  // subnormal arguments count as 0
    CHECK(is_infinity(at<V>(DISPAR_PACK_FUNCTION(log2), subnormal<T>()), true));
    CHECK(is_zero(at<V>(DISPAR_PACK_FUNCTION(sqrt), subnormal<T>())));
  }
}

TEST_CASE_TEMPLATE("abs, select and comparisons", V, DISPAR_PACK_TYPES) {
  using T = typename V::scalar;
  const T values[] = {T(-2), T(-0.5), -T(0), T(0), T(0.5), T(2), std::numeric_limits<T>::max(), -std::numeric_limits<T>::max()};
  for (T a : values) {
    CHECK(bits(at<V>(DISPAR_PACK_FUNCTION(abs), a)) == magnitude(a));
    for (T b : values) {
      const V y(b), one(1), zero(0);
      const auto holds = [&](auto compare) { return at<V>([&](V x) { return select(compare(x, y), one, zero); }, a) == T(1); };
      CHECK(holds([](V x, V z) { return x < z; }) == (a < b));
      CHECK(holds([](V x, V z) { return x > z; }) == (a > b));
      CHECK(holds([](V x, V z) { return x <= z; }) == (a <= b));
      CHECK(holds([](V x, V z) { return x >= z; }) == (a >= b));
      CHECK(holds([](V x, V z) { return x == z; }) == (a == b));
      CHECK(holds([](V x, V z) { return !(x < z); }) == !(a < b));
      CHECK(holds([](V x, V z) {
              const auto less = x < z, equal = x == z;
              return less | equal;
            }) == (a <= b));
      CHECK(holds([](V x, V z) {
              const auto at_most = x <= z, at_least = x >= z;
              return at_most & at_least;
            }) == (a == b));
    }
  }
  CHECK(is_nan(at<V>(DISPAR_PACK_FUNCTION(abs), nan<T>())));
  CHECK(is_infinity(at<V>(DISPAR_PACK_FUNCTION(abs), -infinity<T>())));
}

TEST_CASE_TEMPLATE("arithmetic is that of the scalar type, place by place", V, DISPAR_PACK_TYPES) {
  using T = typename V::scalar;
  T a[V::width], b[V::width], out[V::width];
  for (int i = 0; i < V::width; ++i) {
    a[i] = T(1) / static_cast<T>(i + 3);
    b[i] = static_cast<T>(i) - T(2.5);
  }
  const V x = V::load(a), y = V::load(b);
  const auto check = [&](V result, auto scalar) {
    result.store(out);
    for (int i = 0; i < V::width; ++i) CHECK(out[i] == doctest::Approx(scalar(a[i], b[i])).epsilon(2 * range<T>::eps));
  };
  check(x + y, [](T p, T q) { return p + q; });
  check(x - y, [](T p, T q) { return p - q; });
  check(x * y, [](T p, T q) { return p * q; });
  check(x / y, [](T p, T q) { return p / q; });
  check(-x, [](T p, T) { return -p; });
  check(fma(x, y, V(7)), [](T p, T q) { return p * q + 7; });
}

TEST_CASE_TEMPLATE("add_to adds the places to doubles without the rounding of float", V, DISPAR_WIDE_TYPES) {
  using T = typename V::scalar;
  T v[V::width];
  double sums[V::width], want[V::width];
  for (int i = 0; i < V::width; ++i) {
    v[i] = static_cast<T>(1e-3) * static_cast<T>(i + 1);
    sums[i] = 1e8;
    want[i] = 1e8 + static_cast<double>(v[i]);
  }
  add_to(sums, V::load(v));
  for (int i = 0; i < V::width; ++i) CHECK(sums[i] == want[i]);
}

// Derivatives of f by both of its arguments against central differences of the same f in lane<double>.
template<class F>
void check_derivatives(F f, double a, double b) {
  using L = dispar::lane<double>;
  using D = dispar::dual<L, 2>;
  INFO("at " << a << ", " << b);
  const D got = f(D::variable(L(a), 0), D::variable(L(b), 1));
  CHECK(got.value.value == doctest::Approx(f(L(a), L(b)).value).epsilon(1e-13));
  const double ha = 1e-6 * std::max(1.0, std::fabs(a)), hb = 1e-6 * std::max(1.0, std::fabs(b));
  const double by_a = (f(L(a + ha), L(b)).value - f(L(a - ha), L(b)).value) / (2 * ha);
  const double by_b = (f(L(a), L(b + hb)).value - f(L(a), L(b - hb)).value) / (2 * hb);
  CHECK(got.d[0].value == doctest::Approx(by_a).epsilon(1e-7).scale(1));
  CHECK(got.d[1].value == doctest::Approx(by_b).epsilon(1e-7).scale(1));
  // The same body on packs.
  using P = dispar::native_pack<double>;
  using DP = dispar::dual<P, 2>;
  const DP packed = f(DP::variable(P(a), 0), DP::variable(P(b), 1));
  double out[P::width];
  for (int i = 0; i < 2; ++i) {
    packed.d[i].store(out);
    for (double v : out) CHECK(v == doctest::Approx(got.d[i].value).epsilon(1e-12).scale(1));
  }
}

TEST_CASE("duals have the derivatives of every function") {
  for (double a : {0.3, 1.0, 1.7, 4.0}) {
    for (double b : {0.6, 1.2, 3.0}) {
      check_derivatives([](auto x, auto y) { return x + y * x - y; }, a, b);
      check_derivatives([](auto x, auto y) { return x / y; }, a, b);
      check_derivatives([](auto x, auto y) { return -x * y; }, -a, b);
      check_derivatives([](auto x, auto y) { return fma(x, y, x); }, a, b);
      check_derivatives([](auto x, auto y) { return exp(x * decltype(x)(-0.5) / (y * y)); }, a, b);
      check_derivatives([](auto x, auto y) { return exp2(x - y); }, a, b);
      check_derivatives([](auto x, auto y) { return exp2_nonpositive(-x * y); }, a, b);
      check_derivatives([](auto x, auto y) { return log(x + y) * log2(x * y); }, a, b);
      check_derivatives([](auto x, auto y) { return sqrt(x * x + y); }, a, b);
      check_derivatives([](auto x, auto y) { return abs(x - y); }, a, -b);
      check_derivatives([](auto x, auto y) { return abs(x - y); }, -a, b);
      check_derivatives([](auto x, auto y) { return select(x < y, x * y, x + y); }, a, 10 * b);
      check_derivatives([](auto x, auto y) { return select(x > y, x * y, x / y); }, a, 10 * b);
    }
  }
}

TEST_CASE_TEMPLATE("dual: the derivative of sqrt and abs at 0 is 0, comparisons look at values", L, dispar::lane<double>,
                   dispar::native_pack<double>, dispar::native_pack<float>) {
  using D = dispar::dual<L, 1>;
  using T = typename L::scalar;
  const auto first = [](L x) {
    T out[L::width];
    x.store(out);
    return out[0];
  };
  const D zero = D::variable(L(0), 0), two = D::variable(L(2), 0), constant(2.0);
  CHECK(is_zero(first(sqrt(zero).d[0])));
  CHECK(is_zero(first(abs(zero).d[0])));
  CHECK(is_zero(first(exp(-sqrt(zero)).d[0])));
  CHECK(is_zero(first(constant.d[0])));
  const L one(1), none(0);
  CHECK(first(select(zero < two, one, none)) == 1);
  CHECK(first(select(zero > two, one, none)) == 0);
  CHECK(first(select(two == constant, one, none)) == 1);
  CHECK(first(select(two <= constant, one, none)) == 1);
  CHECK(first(select(two >= constant, one, none)) == 1);
}

TEST_CASE("duals of duals give second derivatives") {
  using L = dispar::lane<double>;
  using D = dispar::dual<L, 1>;
  using DD = dispar::dual<D, 1>;
  const DD x = DD::variable(D::variable(L(0.7), 0), 0);
  const DD y = exp(x * x);  // (e^{x^2})'' = (2 + 4 x^2) e^{x^2}
  CHECK(y.d[0].d[0].value == doctest::Approx((2 + 4 * 0.49) * std::exp(0.49)));
  CHECK(sqrt(x).d[0].d[0].value == doctest::Approx(-0.25 / std::pow(0.7, 1.5)));
}

}  // namespace pack_cases
