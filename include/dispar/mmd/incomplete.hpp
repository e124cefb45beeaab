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
struct drawn_rows {
  static constexpr bool on_device = true;
  vec<random_key, 4> keys;  ///< of the rows in a term
  index n, m;

  drawn_rows(std::uint64_t seed, index n_, index m_) : n(n_), m(m_) {
    for (int part = 0; part < 4; ++part) keys[part] = random_key{seed, 0}.fork(static_cast<std::uint64_t>(part));
  }
  DISPAR_FN term_rows operator()(index t) const {
    term_rows r{draw(0, t, n), draw(1, t, n - 1), draw(2, t, m), draw(3, t, m - 1)};
    r.other_x += r.other_x >= r.x;
    r.other_y += r.other_y >= r.y;
    return r;
  }

private:
  DISPAR_FN index draw(int part, index t, index bound) const {
    return static_cast<index>(bounded(keys[part], t, static_cast<std::uint64_t>(bound)));
  }
};

/// The caller's, in memory of the host.
struct given_rows {
  static constexpr bool on_device = false;
  dispar::detail::strided<const std::int64_t> rows;
  bool four;  ///< columns

  DISPAR_FN term_rows operator()(index t) const {
    const int y = four ? 2 : 0;
    return {rows(t, 0), rows(t, 1), rows(t, y), rows(t, y + 1)};
  }
};

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
void incomplete(const B& b, const Samples& samples, const K& k, const incomplete_options& o, normal_test_result* out) {
  const index n = samples.n(), m = samples.m();
  require(!samples.weighted(), "incomplete: samples", "must have no weights");
  require(n >= 2, "incomplete: rows of x", "must be at least 2", static_cast<double>(n));
  require(m >= 2, "incomplete: rows of y", "must be at least 2", static_cast<double>(m));
  require(o.terms >= 0, "incomplete: terms", "must not be negative", static_cast<double>(o.terms));
  const index count = o.given ? o.given.rows() : (o.terms > 0 ? o.terms : 2 * std::min(n, m));
  require(count >= 2, "incomplete: terms", "must be at least 2", static_cast<double>(count));
  if (o.given) check_given(o.given, n, m);
  array<double, 1, B> terms(b, {count});
  if (o.given)
    pair_terms(b, samples, k, given_rows{dispar::detail::strided_of(o.given), o.given.cols() == 4}, terms);
  else
    pair_terms(b, samples, k, drawn_rows(o.seed, n, m), terms);
  normal_test(b, terms, out);
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
  result<normal_test_result, B> test(b);
  incomplete(b, x, y, k, test.view(), o);
  return test.get();
}
/// The same, written to `out`; asynchronous as `estimate` with an output. Random terms are drawn where the data is. Given ones
/// lie in memory of the host: a GPU gets a copy of their pairs (160 bytes a term), and no CUDA graph captures them.
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void incomplete(const B& b, const X& x, const Y& y, const K& k, const scalar_view<normal_test_result, S>& out,
                const incomplete_options& o = {}) {
  detail::require_output<B>(out, "incomplete: out");
  detail::incomplete(b, detail::make_two_samples<typename K::metric>(b, x, y), k, o, out.data());
}

/// The same from a kernel matrix.
///@{
template<backend B, class T, class S>
[[nodiscard]] normal_test_result incomplete(const B& b, const given_gram<T, S>& gram, const incomplete_options& o = {}) {
  result<normal_test_result, B> test(b);
  incomplete(b, gram, test.view(), o);
  return test.get();
}
template<backend B, class T, class S, class R>
void incomplete(const B& b, const given_gram<T, S>& gram, const scalar_view<normal_test_result, R>& out,
                const incomplete_options& o = {}) {
  detail::require_output<B>(out, "incomplete: out");
  detail::incomplete(b, detail::make_two_samples(b, gram), identity<>{}, o, out.data());
}
///@}

/// The same on the default backend.
template<backend B = default_backend, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] normal_test_result incomplete(const X& x, const Y& y, const K& k, const incomplete_options& o = {}) {
  return incomplete(B{}, x, y, k, o);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
