#pragma once
/// \file
/// The wild bootstrap: random signs of matched pairs (x_i, y_i) in place of permutations.

#include "dispar/mmd/permutation_test.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// How a wild bootstrap is made.
struct wild_bootstrap_options {
  index simulations = 500;                     ///< how many draws of signs
  double alpha = 0.05;                         ///< level of the test, in (0, 1)
  std::uint64_t seed = 0;                      ///< of the signs
  p_value_rule rule = p_value_rule::at_least;  ///< how the p-value counts
  matrix_view<const std::int64_t> given{};     ///< simulations x n signs, +1 or -1, in place of drawn ones
  vector_view<double> simulated{};             ///< where to write the simulated statistics; not wanted by default
};

namespace detail {

/// Statistics by label, the observed one first.
struct labelled_statistics {
  std::vector<double> value;
  double scale = 0;  ///< the size of the terms that cancel in them
  double tie = 0;    ///< smaller differences are rounding
};

/// Rounding in a sum of kernel values of type T, as a share of the sum of their magnitudes. Tight, since with a small bandwidth
/// a few pairs outweigh all others and the statistics differ by the others only.
template<class T>
inline constexpr double rounding_share = sizeof(T) == 4 ? 0x1p-23 : 0x1p-44;

/// Labels [r; -r] of 2n rows for signs r of the n pairs: labelling 0 all +1, the observed one, then the bits of
/// `key.fork(p - 1)`, as `rademacher` reads them.
[[nodiscard]] inline label_bits paired_signs(index n, index count, random_key key) {
  label_bits labels(2 * n, count + 1);
  for (index p = 0; p <= count; ++p) {
    const random_key own = p == 0 ? key : key.fork(static_cast<std::uint64_t>(p - 1));
    for (index first = 0; first < n; first += 128) {
      const auto words = own.block(static_cast<std::uint64_t>(first / 128));
      for (index i = first; i < n && i < first + 128; ++i) {
        const bool positive = p == 0 || (words[static_cast<int>((i - first) / 32)] >> (i % 32) & 1) != 0;
        labels.set(positive ? i : n + i, p);
      }
    }
  }
  return labels;
}

/// The same from the caller's signs, one labelling a row.
[[nodiscard]] inline label_bits paired_signs(matrix_view<const std::int64_t> given) {
  const index n = given.cols(), count = given.rows();
  label_bits labels(2 * n, count + 1);
  for (index i = 0; i < n; ++i) labels.set(i, 0);
  for (index p = 0; p < count; ++p)
    for (index i = 0; i < n; ++i) {
      const std::int64_t sign = given(p, i);
      require(sign == 1 || sign == -1, "wild bootstrap: signs", "must be +1 or -1", static_cast<double>(sign));
      labels.set(sign > 0 ? i : n + i, p + 1);
    }
  return labels;
}

/// The one-sample U statistic with h_ij weighted by r_i r_j, for every labelling R = [r; -r]: R'K0 R / (n (n - 1)), K0 being
/// the kernel matrix with zeros on the diagonals of all four n x n blocks. By member of `kernel`, in one pass
/// over the tiles.
template<backend B, class Samples, class Kernel>
[[nodiscard]] std::vector<labelled_statistics> wild_statistics(const B& b, const Samples& samples, const Kernel& kernel,
                                                               const label_view& labels) {
  using T = typename decltype(samples.data)::value_type;
  const std::array<pair_block, 3> blocks{{{0, 0, true}, {1, 1, true}, {0, 1, false}}};
  const index kernels = members_of(kernel);
  std::vector<double> sums(static_cast<std::size_t>(kernels * 3)), form(static_cast<std::size_t>(kernels * labels.labels));
  const matrix_view<double> form_of(form.data(), kernels, labels.labels);
  pairwise(b, samples.data, unmatched<Kernel>{kernel}, blocks, std::span<const vector_view<const T>>(),
           total<0, 1>{matrix_view<double>(sums.data(), kernels * 3, 1)}, quadratic_forms<0, label_view>{labels, form_of});
  const auto n = static_cast<double>(samples.n());
  const double per_pair = 2 / (n * (n - 1));  // the tiles hold each unordered pair once
  std::vector<labelled_statistics> by_kernel(static_cast<std::size_t>(kernels));
  for (index k = 0; k < kernels; ++k) {
    labelled_statistics& s = by_kernel[static_cast<std::size_t>(k)];
    for (index p = 0; p < labels.labels; ++p) s.value.push_back(form_of(k, p) * per_pair);
    for (index block = 0; block < 3; ++block) s.scale += std::fabs(sums[static_cast<std::size_t>(k * 3 + block)]) * per_pair;
    s.tie = rounding_share<T> * s.scale;
  }
  return by_kernel;
}

template<class Samples>
void check_wild_bootstrap(const Samples& samples) {
  require(!samples.weighted(), "wild bootstrap: samples", "must have no weights");
  require(samples.n() == samples.m(), "wild bootstrap: rows of y", "must equal the rows of x", static_cast<double>(samples.m()));
  require(samples.n() >= 2, "wild bootstrap: rows", "must be at least 2", static_cast<double>(samples.n()));
}

template<backend B, class Samples, pair_function K>
[[nodiscard]] test_result wild_bootstrap_test(const B& b, const Samples& samples, const K& k, const wild_bootstrap_options& o) {
  check_wild_bootstrap(samples);
  require(o.alpha > 0 && o.alpha < 1, "wild_bootstrap_test: alpha", "must lie in (0, 1)", o.alpha);
  const index count = o.given ? o.given.rows() : o.simulations;
  require(count >= 1, "wild_bootstrap_test: simulations", "must be at least 1", static_cast<double>(count));
  if (o.given)
    require(o.given.cols() == samples.n(), "wild_bootstrap_test: given", "must have one column per pair of rows",
            static_cast<double>(o.given.cols()));
  if (o.simulated)
    require(o.simulated.size() == count, "wild_bootstrap_test: simulated", "must have one entry per simulation",
            static_cast<double>(o.simulated.size()));
  const label_bits labels = o.given ? paired_signs(o.given) : paired_signs(samples.n(), count, random_key{o.seed, 0});
  using T = typename decltype(samples.data)::value_type;
  labelled_statistics s = std::move(wild_statistics(b, samples, kernel_value<K, T>(k), labels.view()).front());
  const double observed = s.value.front();
  s.value.erase(s.value.begin());
  if (o.simulated)
    for (index p = 0; p < count; ++p) o.simulated(p) = s.value[static_cast<std::size_t>(p)];
  return judge(observed, std::move(s.value), o.alpha, o.rule, s.scale);
}

}  // namespace detail

/// Tests P = Q for samples of equal size, with the one-sample U statistic and its wild bootstrap: x_i and y_i change places
/// together or stay, so row i of x may depend on row i of y (paired data), which a permutation test does not allow.
///
///     auto t = mmd::wild_bootstrap_test(cpu{}, x, y, gaussian{sigma}, {.simulations = 1000, .seed = 1});
///
/// Under exchangeability of each pair the level is at most alpha for every n with the default rule: p = (1 + #{simulated >=
/// observed}) / (simulations + 1). Cost as `permutation_test`. Throws `invalid_argument` for unequal sizes and as `estimate`.
/// Chwialkowski, Sejdinovic & Gretton, NeurIPS 2014; Schrab et al., JMLR 24 (2023), section 3.2.2.
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] test_result wild_bootstrap_test(const B& b, const X& x, const Y& y, const K& k,
                                              const wild_bootstrap_options& o = {}) {
  return detail::wild_bootstrap_test(b, detail::make_two_samples<typename K::metric>(b, x, y), k, o);
}

/// The same from a kernel matrix.
template<backend B, class T, class S>
[[nodiscard]] test_result wild_bootstrap_test(const B& b, const given_gram<T, S>& gram, const wild_bootstrap_options& o = {}) {
  return detail::wild_bootstrap_test(b, detail::make_two_samples(b, gram), identity<>{}, o);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
