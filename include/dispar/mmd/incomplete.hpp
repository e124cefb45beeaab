#pragma once

#include <algorithm>
#include <cstdint>

#include "dispar/backend/default.hpp"
#include "dispar/core/random/bounded.hpp"
#include "dispar/kernels/identity.hpp"
#include "dispar/mmd/normal_test.hpp"
#include "dispar/mmd/pair_terms.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// Which terms an incomplete estimate takes.
struct incomplete_options {
  index terms = 0;         ///< how many are drawn; 0: twice the rows of the smaller sample
  std::uint64_t seed = 0;  ///< of the draws; the same terms on every backend
  /// The terms, in place of drawn ones. Two columns (i, j): the rows i and j of X and of Y; four columns: rows i, i' of X, then
  /// j, j' of Y.
  matrix_view<const std::int64_t> given{};
};

namespace detail {

/// Term t of the random design: rows drawn with replacement among terms, different within one.
[[nodiscard]] inline term_rows drawn_rows(random_key key, index t, index n, index m) {
  const auto draw = [&](std::uint64_t part, index bound) {
    return static_cast<index>(bounded(key.fork(part), t, static_cast<std::uint64_t>(bound)));
  };
  term_rows r{draw(0, n), draw(1, n - 1), draw(2, m), draw(3, m - 1)};
  r.other_x += r.other_x >= r.x;
  r.other_y += r.other_y >= r.y;
  return r;
}

[[nodiscard]] inline term_rows given_rows(const matrix_view<const std::int64_t>& given, index t) {
  const auto at = [&](index column) { return static_cast<index>(given(t, column)); };
  return given.cols() == 4 ? term_rows{at(0), at(1), at(2), at(3)} : term_rows{at(0), at(1), at(0), at(1)};
}

inline void check_given(const matrix_view<const std::int64_t>& given, index n, index m) {
  require(given.cols() == 2 || given.cols() == 4, "incomplete: given", "must have 2 or 4 columns",
          static_cast<double>(given.cols()));
  for (index t = 0; t < given.rows(); ++t) {
    for (index c = 0; c < given.cols(); ++c) {
      const index rows = given.cols() == 2 ? std::min(n, m) : (c < 2 ? n : m);
      require(given(t, c) >= 0 && given(t, c) < rows, "incomplete: given", "must hold numbers of rows",
              static_cast<double>(given(t, c)));
    }
    for (index c = 0; c < given.cols(); c += 2)
      require(given(t, c) != given(t, c + 1), "incomplete: given", "must name two different rows in a term",
              static_cast<double>(given(t, c)));
  }
}

template<backend B, class Samples, pair_function K>
[[nodiscard]] normal_test_result incomplete(const B& b, const Samples& samples, const K& k, const incomplete_options& o) {
  const index n = samples.n(), m = samples.m();
  require(!samples.weighted(), "incomplete: samples", "must have no weights");
  require(n >= 2, "incomplete: rows of x", "must be at least 2", static_cast<double>(n));
  require(m >= 2, "incomplete: rows of y", "must be at least 2", static_cast<double>(m));
  require(o.terms >= 0, "incomplete: terms", "must not be negative", static_cast<double>(o.terms));
  const index count = o.given ? o.given.rows() : (o.terms > 0 ? o.terms : 2 * std::min(n, m));
  require(count >= 2, "incomplete: terms", "must be at least 2", static_cast<double>(count));
  if (o.given) {
    check_given(o.given, n, m);
    return normal_test(pair_terms(b, samples, k, count, [&o](index t) { return given_rows(o.given, t); }));
  }
  return normal_test(
      pair_terms(b, samples, k, count, [key = random_key{o.seed, 0}, n, m](index t) { return drawn_rows(key, t, n, m); }));
}

}  // namespace detail

/// The incomplete estimate of MMD^2: the mean of k(x, x') + k(y, y') - k(x, y') - k(x', y) over chosen or random terms instead
/// of all of them, with the p-value of its normal limit.
///
///     auto t = mmd::incomplete(cpu{}, x, y, gaussian{sigma}, {.terms = 10 * n, .seed = 1});
///
/// Between the linear-time and the quadratic estimate in cost and power. Random terms use all rows of samples of any sizes.
/// The standard error is that of independent terms, right under P = Q while the terms are few against n^2: then the part of
/// the variance that comes from reusing rows, about 2 E h^2 / n^2, is small against E h^2 / terms. Under P != Q the
/// statistic varies more than it says. Time O(terms d), memory one copy of the data and 8 bytes a term.
/// Throws as `estimate`, for weights, fewer than 2 rows or terms, and given rows that do not exist or are equal.
/// Yamada et al., ICLR 2019 (random terms, normal limit); Schrab et al., NeurIPS 2022 (given designs: the pairs i, i + r for
/// r = 1 .. R).
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] normal_test_result incomplete(const B& b, const X& x, const Y& y, const K& k, const incomplete_options& o = {}) {
  return detail::incomplete(b, detail::make_two_samples<typename K::metric>(b, x, y), k, o);
}

/// The same from a kernel matrix.
template<backend B, class T, class S>
[[nodiscard]] normal_test_result incomplete(const B& b, const given_gram<T, S>& gram, const incomplete_options& o = {}) {
  return detail::incomplete(b, detail::make_two_samples(b, gram), identity<>{}, o);
}

/// The same on the default backend.
template<backend B = default_backend, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] normal_test_result incomplete(const X& x, const Y& y, const K& k, const incomplete_options& o = {}) {
  return incomplete(B{}, x, y, k, o);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
