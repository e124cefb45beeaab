#pragma once

#include <utility>

#include "dispar/mmd/estimate.hpp"
#include "dispar/mmd/labelled_statistics.hpp"
#include "dispar/mmd/matched_sums.hpp"
#include "dispar/mmd/verdict.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// How a permutation test is made; MMD^2, unbiased, at level 0.05 unless told otherwise.
struct permutation_options {
  index permutations = 500;                    ///< P, how many random splits
  double alpha = 0.05;                         ///< level of the test, in (0, 1)
  std::uint64_t seed = 0;                      ///< of the splits
  double xx = 1;                               ///< factor of the mean within X, as in `options`
  double yy = 1;                               ///< factor of the mean within Y
  double xy = 2;                               ///< factor of the mean across, subtracted
  estimator form = estimator::unbiased;        ///< which average estimates MMD^2
  p_value_rule rule = p_value_rule::at_least;  ///< how the p-value counts
  pairing pairs = pairing::sorted;             ///< for the one-sample form
  matrix_view<const std::int64_t>
      given{};                     ///< P x (n + m) permutations in place of drawn ones; the first n entries are the new X
  vector_view<double> permuted{};  ///< where to write the P permuted statistics; not wanted by default
};

namespace detail {

/// The verdict to `out` and the permuted statistics to `permuted`, the null view or memory of the backend.
template<backend B, class Samples, pair_function K>
void permutation_test(const B& b, const Samples& samples, const K& k, const permutation_options& o,
                      const vector_view<double, typename B::space>& permuted, test_result* out) {
  const index n = samples.n(), m = samples.m();
  require(!samples.weighted(), "permutation_test: samples", "must have no weights");
  require(o.alpha > 0 && o.alpha < 1, "permutation_test: alpha", "must lie in (0, 1)", o.alpha);
  const index count = o.given ? o.given.rows() : o.permutations;
  require(count >= 1, "permutation_test: permutations", "must be at least 1", static_cast<double>(count));
  if (o.given)
    require(o.given.cols() == n + m, "permutation_test: given", "must have n + m columns", static_cast<double>(o.given.cols()));
  require(o.pairs == pairing::sorted || o.given, "permutation_test: pairs", "can be ordered only with given permutations");
  const auto wanted = wanted_statistics<B>(o.permuted, permuted, count, "permutation_test: permuted");
  const factors f = statistic_factors({o.xx, o.yy, o.xy, o.form}, n, m, samples.weight, samples.square_weight);
  const auto labels = split_labels(b, n + m, n, count, o.seed, o.given);

  using T = typename decltype(samples.data)::value_type;
  array<double, 1, B> matched(b, {f.diagonal[2] != 0 ? count + 1 : 0}), value(b, {count + 1}), scale(b, {1});
  if (f.diagonal[2] != 0) matched_sums(b, samples, k, labels.view(), o.pairs, o.given, matched.data());
  statistics_by_label<false>(b, samples, kernel_value<K, T>(k), labels.view(), f, matched.data(), {value.data(), scale.data()});
  if (wanted) for_each_index(b, count, dispar::detail::copy_element<double>{value.data() + 1, wanted.data(), wanted.stride(0)});
  judge(b, std::as_const(value).view(), scale.data(), o.alpha, o.rule, out);
}

template<backend B, class Samples, pair_function K>
[[nodiscard]] test_result permutation_test(const B& b, const Samples& samples, const K& k, permutation_options o) {
  const auto wanted = std::exchange(o.permuted, {});
  return waited_for(b, wanted,
                    [&](const auto& out, const auto& permuted) { permutation_test(b, samples, k, o, permuted, out.data()); });
}

}  // namespace detail

/// Tests P = Q: the MMD^2 of the samples against those of random splits of the pooled rows.
///
///     auto t = mmd::permutation_test(cpu{}, x, y, gaussian{sigma}, {.permutations = 1000, .alpha = 0.01, .seed = 1});
///     if (t.reject) ...  // t.p_value, t.threshold, t.standard_score()
///
/// All permutations share one pass over the tiles: time (d + P) (n + m)^2 / 2 products, memory one copy of the data and a bit
/// per row and permutation. The same seed gives the same splits on every backend, each drawn where its backend computes; given
/// permutations are read on the host, and their labels uploaded to a GPU. With the default rule the level is at most alpha for
/// every sample size. The one-sample form also evaluates k at P n matched pairs. Throws as `estimate`.
/// Gretton et al., JMLR 13 (2012), section 5; MMD-MP: Zhang et al., ICLR 2024.
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] test_result permutation_test(const B& b, const X& x, const Y& y, const K& k, const permutation_options& o = {}) {
  return detail::permutation_test(b, detail::make_two_samples<typename K::metric>(b, x, y), k, o);
}

/// The same, written to `out` in memory of the backend, and the permuted statistics to `permuted` unless it is the null view. On
/// a GPU it returns at once, and a CUDA graph can capture it after one call of the same shapes, unless permutations are given;
/// `permutation_options::permuted` is memory of the host, so it must be null there. Bad elements are thrown by the next wait.
///
///     dispar::result<mmd::test_result, dispar::gpu> t(gpu);
///     mmd::permutation_test(gpu, x, y, gaussian{sigma}, t.view(), {.permutations = 1000});
///     if (t.get().reject) ...
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void permutation_test(const B& b, const X& x, const Y& y, const K& k, const scalar_view<test_result, S>& out,
                      const permutation_options& o = {}, const vector_view<double, typename B::space>& permuted = {}) {
  detail::require_output<B>(out, "permutation_test: out");
  detail::permutation_test(b, detail::make_two_samples<typename K::metric>(b, x, y), k, o, permuted, out.data());
}

/// The same from a kernel matrix.
///@{
template<backend B, class T, class S>
[[nodiscard]] test_result permutation_test(const B& b, const given_gram<T, S>& gram, const permutation_options& o = {}) {
  return detail::permutation_test(b, detail::make_two_samples(b, gram), identity<>{}, o);
}
template<backend B, class T, class S, class R>
void permutation_test(const B& b, const given_gram<T, S>& gram, const scalar_view<test_result, R>& out,
                      const permutation_options& o = {}, const vector_view<double, typename B::space>& permuted = {}) {
  detail::require_output<B>(out, "permutation_test: out");
  detail::permutation_test(b, detail::make_two_samples(b, gram), identity<>{}, o, permuted, out.data());
}
///@}

}  // namespace mmd

DISPAR_NAMESPACE_END
