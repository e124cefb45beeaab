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

/// Statistics from forms over all pairs but the matched ones, by kernel and labelling, and the size of their terms by kernel.
struct wild_statistic {
  const double *form, *sums;  ///< [member][labelling], [member][block of pairs]
  index labels;
  double per_pair;
  labelled_outputs out;
  DISPAR_FN void operator()(index at) const {
    out.value[at] = form[at] * per_pair;
    if (at % labels > 0) return;
    double scale = 0;
    for (int block = 0; block < 3; ++block) scale += std::fabs(sums[at / labels * 3 + block]) * per_pair;
    out.scale[at / labels] = scale;
  }
};

/// The one-sample U statistic with h_ij weighted by r_i r_j, for every labelling R = [r; -r]: R'K0 R / (n (n - 1)), K0 being
/// the kernel matrix with zeros on the diagonals of all four n x n blocks. By member of `kernel`, in one pass
/// over the tiles.
template<backend B, class Samples, class Kernel, class Labels>
void wild_statistics(const B& b, const Samples& samples, const Kernel& kernel, const Labels& labels,
                     const labelled_outputs& out) {
  using T = typename decltype(samples.data)::value_type;
  using space = typename B::space;
  const std::array<pair_block, 3> blocks{{{0, 0, true}, {1, 1, true}, {0, 1, false}}};
  const index kernels = members_of(kernel);
  array<double, 2, B> sums(b, {kernels * 3, 1}), form(b, {kernels, labels.labels});
  pairwise(b, samples.data, unmatched<Kernel>{kernel}, blocks, std::span<const vector_view<const T, space>>(),
           total<0, 1, space>{sums.view()}, quadratic_forms<0, Labels, space>{labels, form.view()});
  const auto n = static_cast<double>(samples.n());
  const double per_pair = 2 / (n * (n - 1));  // the tiles hold each unordered pair once
  for_each_index(b, kernels * labels.labels, wild_statistic{form.data(), sums.data(), labels.labels, per_pair, out});
}

template<class Samples>
void check_wild_bootstrap(const Samples& samples) {
  require(!samples.weighted(), "wild bootstrap: samples", "must have no weights");
  require(samples.n() == samples.m(), "wild bootstrap: rows of y", "must equal the rows of x", static_cast<double>(samples.m()));
  require(samples.n() >= 2, "wild bootstrap: rows", "must be at least 2", static_cast<double>(samples.n()));
}

/// The verdict to `out` and the simulated statistics to `simulated`, the null view or memory of the backend.
template<backend B, class Samples, pair_function K>
void wild_bootstrap_test(const B& b, const Samples& samples, const K& k, const wild_bootstrap_options& o,
                         const vector_view<double, typename B::space>& simulated, test_result* out) {
  using T = typename decltype(samples.data)::value_type;
  check_wild_bootstrap(samples);
  require(o.alpha > 0 && o.alpha < 1, "wild_bootstrap_test: alpha", "must lie in (0, 1)", o.alpha);
  const index count = o.given ? o.given.rows() : o.simulations;
  require(count >= 1, "wild_bootstrap_test: simulations", "must be at least 1", static_cast<double>(count));
  if (o.given)
    require(o.given.cols() == samples.n(), "wild_bootstrap_test: given", "must have one column per pair of rows",
            static_cast<double>(o.given.cols()));
  const auto wanted = wanted_statistics<B>(o.simulated, simulated, count, "wild_bootstrap_test: simulated");
  const auto labels = sign_labels(b, samples.n(), count, o.seed, o.given);
  array<double, 1, B> value(b, {count + 1}), scale(b, {1});
  wild_statistics(b, samples, kernel_value<K, T>(k), labels.view(), {value.data(), scale.data()});
  if (wanted) for_each_index(b, count, dispar::detail::copy_element<double>{value.data() + 1, wanted.data(), wanted.stride(0)});
  judge(b, std::as_const(value).view(), scale.data(), o.alpha, o.rule, out);
}

template<backend B, class Samples, pair_function K>
[[nodiscard]] test_result wild_bootstrap_test(const B& b, const Samples& samples, const K& k, wild_bootstrap_options o) {
  const auto wanted = std::exchange(o.simulated, {});
  return waited_for(
      b, wanted, [&](const auto& out, const auto& simulated) { wild_bootstrap_test(b, samples, k, o, simulated, out.data()); });
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

/// The same, written to `out` in memory of the backend, and the simulated statistics to `simulated` unless it is the null view:
/// asynchronous as `permutation_test` with an output.
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void wild_bootstrap_test(const B& b, const X& x, const Y& y, const K& k, const scalar_view<test_result, S>& out,
                         const wild_bootstrap_options& o = {}, const vector_view<double, typename B::space>& simulated = {}) {
  detail::require_output<B>(out, "wild_bootstrap_test: out");
  detail::wild_bootstrap_test(b, detail::make_two_samples<typename K::metric>(b, x, y), k, o, simulated, out.data());
}

/// The same from a kernel matrix.
///@{
template<backend B, class T, class S>
[[nodiscard]] test_result wild_bootstrap_test(const B& b, const given_gram<T, S>& gram, const wild_bootstrap_options& o = {}) {
  return detail::wild_bootstrap_test(b, detail::make_two_samples(b, gram), identity<>{}, o);
}
template<backend B, class T, class S, class R>
void wild_bootstrap_test(const B& b, const given_gram<T, S>& gram, const scalar_view<test_result, R>& out,
                         const wild_bootstrap_options& o = {}, const vector_view<double, typename B::space>& simulated = {}) {
  detail::require_output<B>(out, "wild_bootstrap_test: out");
  detail::wild_bootstrap_test(b, detail::make_two_samples(b, gram), identity<>{}, o, simulated, out.data());
}
///@}

}  // namespace mmd

DISPAR_NAMESPACE_END
