#pragma once
/// \file
/// The vocabulary of scans (prefix sums), shared by every backend that `has_sort`:
///
///     inclusive_scan(backend, x, out);                // out(i) = x(0) + ... + x(i)
///     exclusive_scan(backend, x, out, initial = 0);   // out(i) = initial + x(0) + ... + x(i - 1)
///
/// x and out are vector views of one length that the backend can reach; out may be x. Integers are summed in the type of out, so
/// that flags of 8 bits may become positions of 64, and wrap around. Floating-point numbers are summed in double.
///
/// **Determinism.** Integers are exact everywhere. Floating-point sums follow a tree that depends on the length only: the same
/// bits for any number of threads and on every host backend; run-to-run equal on a GPU, where they differ from the host's by
/// rounding. On the host inclusive_scan(x)(i) == exclusive_scan(x)(i + 1), and sums of terms that are not negative do not
/// decrease; on a GPU both hold up to rounding.
///
/// Time O(n): x is read twice where threads share the work. Memory: one number per 2048 elements or fewer numbers. Nothing waits
/// on a GPU. NaN and infinity spread to all later sums. Throws `invalid_argument` for lengths that differ.

#include <type_traits>

#include "dispar/backend/backend.hpp"
#include "dispar/backend/strided_vector.hpp"

DISPAR_NAMESPACE_BEGIN

/// A backend without the capability says so.
///@{
template<backend B, class... Arguments>
requires(!has_sort<B>) void inclusive_scan(const B&, const Arguments&...) {
  static_assert(has_sort<B>, "dispar: this backend cannot scan: it has no member has_sort = true");
}
template<backend B, class... Arguments>
requires(!has_sort<B>) void exclusive_scan(const B&, const Arguments&...) {
  static_assert(has_sort<B>, "dispar: this backend cannot scan: it has no member has_sort = true");
}
///@}

namespace detail {

/// What sums are held in: unsigned, since signed overflow is undefined.
template<class Out, bool Integral = std::is_integral_v<Out>>
struct scan_sum {
  using type = std::make_unsigned_t<Out>;
};
template<class Out>
struct scan_sum<Out, false> {
  using type = double;
};

/// Reads element i as a sum's type.
template<class A, class T>
struct scan_load {
  strided_vector<T> x;
  DISPAR_FN A operator()(index i) const { return static_cast<A>(x(i)); }
};

/// Writes the sum up to and with element i, or up to it.
template<bool Inclusive, class A, class Out>
struct scan_store {
  strided_vector<Out> out;
  A initial;
  DISPAR_FN void operator()(index i, A before, A after) const {
    out(i) = static_cast<Out>(initial + (Inclusive ? after : before));
  }
};

template<class X, class Out>
void check_scan(index x, index out) {
  static_assert(std::is_arithmetic_v<X> && std::is_arithmetic_v<Out> && std::is_integral_v<X> == std::is_integral_v<Out>,
                "dispar: a scan goes from integers to integers or from floating-point numbers to floating-point numbers");
  require(x == out, "scan: out", "must have the length of x", static_cast<double>(out));
}

}  // namespace detail

DISPAR_NAMESPACE_END
