#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/kernels/identity.hpp"
#include "dispar/mmd/normal_test.hpp"
#include "dispar/mmd/pair_terms.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

namespace detail {

struct consecutive_rows {
  static constexpr bool on_device = true;
  DISPAR_FN term_rows operator()(index t) const { return {2 * t, 2 * t + 1, 2 * t, 2 * t + 1}; }
};

template<backend B, class Samples, pair_function K>
void linear_time(const B& b, const Samples& samples, const K& k, normal_test_result* out) {
  const index rows = samples.n() < samples.m() ? samples.n() : samples.m();
  require(!samples.weighted(), "linear_time: samples", "must have no weights");
  require(rows >= 4, "linear_time: rows of the smaller sample", "must be at least 4", static_cast<double>(rows));
  array<double, 1, B> terms(b, {rows / 2});
  pair_terms(b, samples, k, consecutive_rows{}, terms);
  normal_test(b, terms, out);
}

}  // namespace detail

/// The linear-time estimate of MMD^2: the mean of k(x_2i, x_2i+1) + k(y_2i, y_2i+1) - k(x_2i, y_2i+1) - k(x_2i+1, y_2i) over
/// disjoint pairs of consecutive rows, with its standard error and the p-value of its normal limit.
///
///     auto t = mmd::linear_time(cpu{}, x, y, gaussian{sigma});
///     if (t.p_value < 0.05) ...
///
/// For streams of more rows than a quadratic test can take; the terms are independent, so the normal limit holds under both
/// hypotheses. Rows in their order, the first min(n, m) of each sample, an odd last one left out: shuffle sorted data first.
/// With n rows it is as sharp as the quadratic test with a number of rows of the order of sqrt(n).
/// Time O(n d), memory one copy of the data and 8 bytes a term. Throws as `estimate`, and for fewer than 4 rows and for weights.
/// Gretton et al., JMLR 13 (2012), section 6.
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] normal_test_result linear_time(const B& b, const X& x, const Y& y, const K& k) {
  result<normal_test_result, B> test(b);
  linear_time(b, x, y, k, test.view());
  return test.get();
}
/// The same, written to `out`; asynchronous as `estimate` with an output.
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void linear_time(const B& b, const X& x, const Y& y, const K& k, const scalar_view<normal_test_result, S>& out) {
  detail::require_output<B>(out, "linear_time: out");
  detail::linear_time(b, detail::make_two_samples<typename K::metric>(b, x, y), k, out.data());
}

/// The same from a kernel matrix.
///@{
template<backend B, class T, class S>
[[nodiscard]] normal_test_result linear_time(const B& b, const given_gram<T, S>& gram) {
  result<normal_test_result, B> test(b);
  linear_time(b, gram, test.view());
  return test.get();
}
template<backend B, class T, class S, class R>
void linear_time(const B& b, const given_gram<T, S>& gram, const scalar_view<normal_test_result, R>& out) {
  detail::require_output<B>(out, "linear_time: out");
  detail::linear_time(b, detail::make_two_samples(b, gram), identity<>{}, out.data());
}
///@}

/// The same on the default backend.
template<backend B = default_backend, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] normal_test_result linear_time(const X& x, const Y& y, const K& k) {
  return linear_time(B{}, x, y, k);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
