#pragma once

#include <algorithm>
#include <cmath>

#include "dispar/mmd/labelled_sums.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// How a p-value counts the permuted statistics.
enum class p_value_rule {
  at_least,          ///< (1 + #{permuted >= observed}) / (P + 1): the level holds for every P (Phipson & Smyth 2010)
  strictly_greater,  ///< #{permuted > observed} / P: the released MMD-MP code; can be exactly 0
};

/// How the one-sample form pairs the rows of a permuted split.
enum class pairing {
  sorted,   ///< both index sets ascending (MMD-MP `mmd2_permutations`)
  ordered,  ///< in the order of the permutation (the older `TST_MMD_u_old`); needs given permutations
};

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

/// What a test says.
struct test_result {
  double statistic;       ///< the observed value
  double p_value;         ///< how often chance does at least as much, by `p_value_rule`
  double threshold;       ///< reject exactly where the statistic exceeds it
  bool reject;            ///< p_value <= alpha
  double null_mean;       ///< mean of the permuted statistics
  double null_deviation;  ///< their standard deviation
  /// Standard deviations between the statistic and the permuted ones: an effect size that does not saturate as a p-value does.
  [[nodiscard]] double standard_score() const { return null_deviation > 0 ? (statistic - null_mean) / null_deviation : 0; }
};

/// The verdict on an observed statistic, given those of other labellings. Values within 1e-10 of the observed one, relative to
/// `scale`, count as ties: rounding must not turn the observed split, met again, into an exceedance.
[[nodiscard, gnu::noinline]] inline test_result judge(double observed, std::vector<double> others, double alpha,
                                                      p_value_rule rule, double scale) {
  require(alpha > 0 && alpha < 1, "test: alpha", "must lie in (0, 1)", alpha);
  require(!others.empty(), "test: permutations", "must be at least 1");
  const double tie = 1e-10 * scale;
  const auto count = static_cast<double>(others.size());
  double exceeding = 0, mean = 0, square = 0;
  for (double s : others) {
    exceeding += rule == p_value_rule::at_least ? s >= observed - tie : s > observed + tie;
    mean += s / count;
  }
  for (double s : others) square += (s - mean) * (s - mean) / count;
  std::sort(others.begin(), others.end());
  test_result r{};
  r.statistic = observed;
  r.null_mean = mean;
  r.null_deviation = std::sqrt(square);
  // The most exceedances with which p <= alpha still holds.
  double allowed;
  if (rule == p_value_rule::at_least) {
    r.p_value = (1 + exceeding) / (count + 1);
    allowed = std::floor(alpha * (count + 1) * (1 + 1e-12)) - 1;
  } else {
    r.p_value = exceeding / count;
    allowed = std::floor(alpha * count * (1 + 1e-12));
  }
  r.reject = r.p_value <= alpha * (1 + 1e-12);
  // Too few permutations to reach alpha: no statistic is enough.
  r.threshold = allowed < 0        ? __builtin_huge_val()
                : allowed >= count ? others.front()
                                   : others[others.size() - 1 - static_cast<std::size_t>(allowed)];
  return r;
}

namespace detail {

/// sum_i k(X_i, Y_i) for every labelling after the observed one, by `pairing`.
template<backend B, class Samples, pair_function K>
[[nodiscard]] std::vector<double> matched_sums(const B& b, const Samples& samples, const K& k, const label_view& labels,
                                               const permutation_options& o) {
  using T = typename decltype(samples.data)::value_type;
  const index n = samples.n(), count = labels.labels;
  std::vector<double> sums, values(static_cast<std::size_t>(n));
  std::vector<index> first(static_cast<std::size_t>(n)), second(first.size());
  for (index p = 0; p < count; ++p) {
    if (o.pairs == pairing::ordered && p > 0) {
      for (index i = 0; i < n; ++i) {
        first[static_cast<std::size_t>(i)] = static_cast<index>(o.given(p - 1, i));
        second[static_cast<std::size_t>(i)] = static_cast<index>(o.given(p - 1, n + i));
      }
    } else {
      index next_x = 0, next_y = 0;
      for (index i = 0; i < 2 * n; ++i)
        (labels.at<int>(i, p) > 0 ? first[static_cast<std::size_t>(next_x++)] : second[static_cast<std::size_t>(next_y++)]) = i;
    }
    // A pair is taken from above the diagonal: only that half of a given matrix is read.
    const index* const x = first.data();
    const index* const y = second.data();
    pair_list(
        b, samples.data, kernel_value<K, T>(k), n,
        [x, y](index i) {
          return x[i] < y[i] ? row_pair{x[i], y[i], 2} : row_pair{y[i], x[i], 2};
        },
        std::span<const vector_view<const T>>(), matrix_view<double>(values.data(), n, 1));
    double sum = 0;
    for (double v : values) sum += v;
    sums.push_back(sum);
  }
  return sums;
}

/// The statistic of every labelling. Not inlined, for the same bits on all backends.
[[nodiscard, gnu::noinline]] inline std::vector<double> statistics_by_label(const labelled_sums& s, const factors& f,
                                                                            const std::vector<double>& matched) {
  std::vector<double> values(s.xx.size());
  for (std::size_t p = 0; p < values.size(); ++p) {
    values[p] = f.k[0] * s.xx[p] + f.k[1] * s.yy[p] + f.k[2] * s.xy[p] + f.diagonal[0] * s.diagonal_x[p] +
                f.diagonal[1] * s.diagonal_y[p];
    if (!matched.empty()) values[p] += f.diagonal[2] * matched[p];
  }
  return values;
}

template<backend B, class Samples, pair_function K>
[[nodiscard]] test_result permutation_test(const B& b, const Samples& samples, const K& k, const permutation_options& o) {
  const index n = samples.n(), m = samples.m();
  require(!samples.weighted(), "permutation_test: samples", "must have no weights");
  require(o.alpha > 0 && o.alpha < 1, "permutation_test: alpha", "must lie in (0, 1)", o.alpha);
  const index count = o.given ? o.given.rows() : o.permutations;
  require(count >= 1, "permutation_test: permutations", "must be at least 1", static_cast<double>(count));
  if (o.given)
    require(o.given.cols() == n + m, "permutation_test: given", "must have n + m columns", static_cast<double>(o.given.cols()));
  require(o.pairs == pairing::sorted || o.given, "permutation_test: pairs", "can be ordered only with given permutations");
  if (o.permuted)
    require(o.permuted.size() == count, "permutation_test: permuted", "must have one entry per permutation",
            static_cast<double>(o.permuted.size()));
  const factors f = statistic_factors({o.xx, o.yy, o.xy, o.form}, n, m, samples.weight, samples.square_weight);
  const label_bits labels = o.given
                                ? labels_from_permutations(o.given, n)
                                : label_bits::permuted(host_executor(b, static_cast<double>(n + m) * static_cast<double>(count)),
                                                       n + m, n, count, random_key{o.seed, 0});

  const labelled_sums s = sum_by_label(b, samples, k, labels.view());
  std::vector<double> matched;
  if (f.diagonal[2] != 0) matched = matched_sums(b, samples, k, labels.view(), o);
  std::vector<double> values = statistics_by_label(s, f, matched);
  // The size of the terms that cancel in a statistic: what rounding is relative to.
  const double scale = std::fabs(f.k[2] * s.xy[0]) + std::fabs(f.k[0] * s.xx[0]) + std::fabs(f.k[1] * s.yy[0]);
  const double observed = values.front();
  values.erase(values.begin());
  if (o.permuted)
    for (index p = 0; p < count; ++p) o.permuted(p) = values[static_cast<std::size_t>(p)];
  return judge(observed, std::move(values), o.alpha, o.rule, scale);
}

}  // namespace detail

/// Tests P = Q: the MMD^2 of the samples against those of random splits of the pooled rows.
///
///     auto t = mmd::permutation_test(cpu{}, x, y, gaussian{sigma}, {.permutations = 1000, .alpha = 0.01, .seed = 1});
///     if (t.reject) ...  // t.p_value, t.threshold, t.standard_score()
///
/// All permutations share one pass over the tiles: time (d + P) (n + m)^2 / 2 products, memory one copy of the data and a bit
/// per row and permutation. The same seed gives the same splits on every backend. With the default rule the level is at most
/// alpha for every sample size. The one-sample form also evaluates k at P n matched pairs. Throws as `estimate`.
/// Gretton et al., JMLR 13 (2012), section 5; MMD-MP: Zhang et al., ICLR 2024.
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] test_result permutation_test(const B& b, const X& x, const Y& y, const K& k, const permutation_options& o = {}) {
  return detail::permutation_test(b, detail::make_two_samples<typename K::metric>(b, x, y), k, o);
}

/// The same from a kernel matrix.
template<backend B, class T, class S>
[[nodiscard]] test_result permutation_test(const B& b, const given_gram<T, S>& gram, const permutation_options& o = {}) {
  return detail::permutation_test(b, detail::make_two_samples(b, gram), identity<>{}, o);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
