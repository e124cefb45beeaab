#pragma once
/// \file
/// MMDAgg: one test from many kernels, without splitting the data and without giving up the level.

#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/laplacian.hpp"
#include "dispar/mmd/bandwidth_grid.hpp"
#include "dispar/mmd/wild_bootstrap.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// Where a single test's kernel comes from.
enum class kernel_family {
  laplacian_l1,  ///< exp(-|x - y|_1 / b) in MMDAgg, exp(-sqrt(2) |x - y|_1 / b) in MMD-FUSE
  gaussian,      ///< exp(-|x - y|^2 / b^2) in MMDAgg, exp(-|x - y|^2 / (2 b^2)) in MMD-FUSE
  given,         ///< the caller's list of kernels or kernel matrices
};

/// How statistics under the hypothesis are simulated.
enum class resampling {
  automatic,       ///< the wild bootstrap for equal sizes, permutations otherwise
  wild_bootstrap,  ///< the one-sample U statistic under random signs of the pairs (x_i, y_i); equal sizes
  permutations,    ///< the unbiased MMD^2 under random splits of the pooled rows
};

/// Defaults of the authors' code.
struct aggregated_options {
  double alpha = 0.05;                               ///< level of the aggregated test, in (0, 1)
  index number_bandwidths = 10;                      ///< per kernel family
  bool laplacian_l1 = true;                          ///< try this family
  bool gaussian = true;                              ///< and this one
  vector_view<const double> laplacian_bandwidths{};  ///< in place of `aggregated_bandwidths<l1>`
  vector_view<const double> gaussian_bandwidths{};   ///< in place of `aggregated_bandwidths<sq_euclidean>`
  vector_view<const double> weights{};               ///< of the single tests, positive, adding up to at most 1; equal by default
  index quantile_simulations = 2000;                 ///< B1: give every single test's quantiles
  index level_simulations = 2000;                    ///< B2: estimate the level of the aggregated test
  index bisections = 50;                             ///< B3: steps towards the correction u
  resampling how = resampling::automatic;            ///< wild bootstrap or permutations
  std::uint64_t seed = 0;                            ///< of the simulations
  matrix_view<const std::int64_t> signs{};           ///< (B1 + B2) x n in place of drawn ones; asks for the wild bootstrap
  matrix_view<const std::int64_t> permutations{};    ///< (B1 + B2) x (n + m); the first n entries of a row are the new X
};

/// One kernel's part in an aggregated test.
struct aggregated_member {
  kernel_family kernel;      ///< its family
  double bandwidth;          ///< b of the family's formula; NaN for given kernels
  double statistic;          ///< MMD^2: unbiased, or the one-sample U statistic under the wild bootstrap
  double quantile;           ///< the simulated statistic it has to exceed
  double p_value;            ///< of this test alone: share of the B1 simulations and the observed one that reach it
  double p_value_threshold;  ///< u times its weight: the level at which it is tested
  bool reject;               ///< statistic > quantile
};

/// What an aggregated test says.
struct aggregated_result {
  bool reject;                            ///< some member rejects
  double u;                               ///< the largest correction found with which the level is kept
  std::vector<aggregated_member> member;  ///< families in the order of `kernel_family`, then bandwidths
};

namespace detail {

/// The labellings that all single tests share: the observed one, B1 for the quantiles, B2 for the level.
struct aggregated_plan {
  bool wild;
  label_bits labels;
  factors unbiased;
};

template<class B, class Samples>
[[nodiscard]] aggregated_plan plan_aggregated(const B& b, const Samples& samples, const aggregated_options& o) {
  const index n = samples.n(), m = samples.m(), count = o.quantile_simulations + o.level_simulations;
  require(!samples.weighted(), "aggregated_test: samples", "must have no weights");
  require(n >= 2, "aggregated_test: rows of x", "must be at least 2", static_cast<double>(n));
  require(m >= 2, "aggregated_test: rows of y", "must be at least 2", static_cast<double>(m));
  require(!(o.signs && o.permutations), "aggregated_test: signs", "exclude permutations");
  const bool wild =
      o.signs || o.how == resampling::wild_bootstrap || (o.how == resampling::automatic && !o.permutations && n == m);
  require(!(o.signs && o.how == resampling::permutations), "aggregated_test: signs", "need the wild bootstrap");
  require(!(o.permutations && o.how == resampling::wild_bootstrap), "aggregated_test: permutations",
          "are not signs: the wild bootstrap was asked for");
  if (wild) check_wild_bootstrap(samples);
  const auto& given = wild ? o.signs : o.permutations;
  if (given) {
    require(given.rows() == count, "aggregated_test: rows of given labels", "must be quantile_simulations + level_simulations",
            static_cast<double>(given.rows()));
    require(given.cols() == (wild ? n : n + m), "aggregated_test: columns of given labels",
            wild ? "must be the rows of x" : "must be the rows of x and y", static_cast<double>(given.cols()));
  }
  const random_key key{o.seed, 0};
  if (wild) return {true, given ? paired_signs(given) : paired_signs(n, count, key), {}};
  return {false,
          given ? labels_from_permutations(given, n)
                : label_bits::permuted(host_executor(b, static_cast<double>(n + m) * static_cast<double>(count)), n + m, n, count,
                                       key),
          statistic_factors({}, n, m, samples.weight, samples.square_weight)};
}

/// The unbiased MMD^2 of every labelling, for data of type T.
template<class T>
[[nodiscard]] labelled_statistics permuted_statistics(const labelled_sums& sums, const factors& f) {
  labelled_statistics s;
  s.scale = std::fabs(f.k[0] * sums.xx[0]) + std::fabs(f.k[1] * sums.yy[0]) + std::fabs(f.k[2] * sums.xy[0]);
  s.tie = rounding_share<T> * s.scale;
  for (std::size_t p = 0; p < sums.xx.size(); ++p)
    s.value.push_back(f.k[0] * sums.xx[p] + f.k[1] * sums.yy[p] + f.k[2] * sums.xy[p]);
  return s;
}

inline void check_aggregated(const aggregated_options& o) {
  require(o.alpha > 0 && o.alpha < 1, "aggregated_test: alpha", "must lie in (0, 1)", o.alpha);
  require(o.quantile_simulations >= 1, "aggregated_test: quantile_simulations", "must be at least 1",
          static_cast<double>(o.quantile_simulations));
  require(o.level_simulations >= 1, "aggregated_test: level_simulations", "must be at least 1",
          static_cast<double>(o.level_simulations));
  require(o.bisections >= 1, "aggregated_test: bisections", "must be at least 1", static_cast<double>(o.bisections));
}

/// The weights of `tests` single tests, checked.
[[nodiscard]] inline std::vector<double> aggregated_weights(const aggregated_options& o, index tests) {
  require(tests >= 1, "aggregated_test: kernels", "must be at least one");
  if (!o.weights) return std::vector<double>(static_cast<std::size_t>(tests), 1 / static_cast<double>(tests));
  require(o.weights.size() == tests, "aggregated_test: weights", "must have one entry per single test",
          static_cast<double>(o.weights.size()));
  std::vector<double> weights;
  double total = 0;
  for (index i = 0; i < tests; ++i) {
    require(o.weights(i) > 0, "aggregated_test: weights", "must be positive", o.weights(i));
    weights.push_back(o.weights(i));
    total += o.weights(i);
  }
  require(total <= 1 + 1e-9, "aggregated_test: weights", "must add up to at most 1", total);
  return weights;
}

/// The single tests' simulated statistics, and the decision on them.
class aggregation {
public:
  aggregation(const aggregated_options& o, std::vector<double> weights) : o_(o), weights_(std::move(weights)) {}

  void add(kernel_family kernel, double bandwidth, const labelled_statistics& s) {
    const auto middle = s.value.begin() + 1 + o_.quantile_simulations;
    test t{{}, {middle, s.value.end()}, s.value.front(), s.tie};
    t.sorted.assign(s.value.begin(), middle);
    std::sort(t.sorted.begin(), t.sorted.end());
    tests_.push_back(std::move(t));
    result_.member.push_back({kernel, bandwidth, s.value.front(), 0, 0, 0, false});
  }

  [[nodiscard]] aggregated_result decide() {
    double low = 0, high = 1 / *std::max_element(weights_.begin(), weights_.end());
    for (index step = 0; step < o_.bisections; ++step) {
      const double u = (high + low) / 2;
      (level(u) <= o_.alpha ? low : high) = u;
    }
    result_.u = low;
    for (std::size_t k = 0; k < tests_.size(); ++k) {
      const test& t = tests_[k];
      aggregated_member& member = result_.member[k];
      member.quantile = quantile(k, low);
      member.p_value_threshold = low * weights_[k];
      double reaching = 0;
      for (double s : t.sorted) reaching += s >= t.observed - t.tie;
      member.p_value = reaching / static_cast<double>(t.sorted.size());
      member.reject = t.observed - member.quantile > t.tie;
      result_.reject = result_.reject || member.reject;
    }
    return std::move(result_);
  }

private:
  struct test {
    std::vector<double> sorted;  ///< B1 simulations and the observed statistic
    std::vector<double> level;   ///< B2 simulations
    double observed;
    double tie;  ///< smaller differences are rounding: they decide nothing
  };

  /// The (1 - u w)-quantile of single test k. Fenced: a contracted product would take another rank where u w is a whole rank.
  [[nodiscard]] double quantile(std::size_t k, double u) const {
    const auto& sorted = tests_[k].sorted;
    const double share = rounding_fence(1 - rounding_fence(u * weights_[k]));
    const double rank = std::ceil(rounding_fence(static_cast<double>(sorted.size()) * share)) - 1;
    return sorted[rank > 0 ? static_cast<std::size_t>(rank) : 0];
  }

  /// How many of the level simulations the aggregated test with correction u rejects, as a share.
  [[nodiscard]] double level(double u) const {
    std::vector<double> bound;
    for (std::size_t k = 0; k < tests_.size(); ++k) bound.push_back(quantile(k, u) + tests_[k].tie);
    double rejected = 0;
    for (std::size_t p = 0; p < tests_[0].level.size(); ++p)
      for (std::size_t k = 0; k < tests_.size(); ++k)
        if (tests_[k].level[p] > bound[k]) {
          ++rejected;
          break;
        }
    return rejected / static_cast<double>(tests_[0].level.size());
  }

  aggregated_options o_;
  std::vector<double> weights_;
  std::vector<test> tests_;
  aggregated_result result_{};
};

/// By member of `kernel`, in one pass over the tiles.
template<backend B, class Samples, class Kernel>
[[nodiscard]] std::vector<labelled_statistics> aggregated_statistics(const B& b, const Samples& samples, const Kernel& kernel,
                                                                     const aggregated_plan& plan) {
  using T = typename decltype(samples.data)::value_type;
  if (plan.wild) return wild_statistics(b, samples, kernel, plan.labels.view());
  std::vector<labelled_statistics> by_kernel;
  for (const labelled_sums& sums : sums_by_label(b, samples, kernel, plan.labels.view()))
    by_kernel.push_back(permuted_statistics<T>(sums, plan.unbiased));
  return by_kernel;
}

/// The single tests of kernels of one type, whose bandwidths go into the results.
template<backend B, class Samples, pair_function K>
void add_kernels(const B& b, const Samples& samples, std::span<const K> kernels, const aggregated_plan& plan, aggregation& all,
                 kernel_family family, std::span<const double> bandwidths) {
  using T = typename decltype(samples.data)::value_type;
  std::size_t next = 0;
  for_each_pass<T>(kernels, [&](std::span<const K> together) {
    for (const labelled_statistics& s : aggregated_statistics(b, samples, kernel_values<K, T>(together), plan))
      all.add(family, bandwidths[next++], s);
  });
}

/// The given bandwidths, or those of `rule()`.
template<class Rule>
[[nodiscard]] std::vector<double> bandwidths_or(const vector_view<const double>& given, const Rule& rule) {
  if (!given) return rule();
  std::vector<double> list;
  for (index i = 0; i < given.size(); ++i) {
    require(given(i) > 0 && !is_special(given(i)), "bandwidths", "must be positive and finite", given(i));
    list.push_back(given(i));
  }
  return list;
}

}  // namespace detail

/// Tests P = Q with several kernels at once (MMDAgg): every kernel k is tested at level u w_k, and u is made as large as the
/// level alpha of "some kernel rejects" allows, by bisection on simulated statistics. No bandwidth has to be chosen and no data
/// is set aside; the power is nearly that of the best kernel of the collection.
///
///     auto t = mmd::aggregated_test(cpu{}, x, y, {.alpha = 0.05, .seed = 1});
///     for (const auto& single : t.member) if (single.reject) ...   // single.kernel, single.bandwidth
///
/// By default: Laplace (l1) and Gaussian kernels with ten bandwidths each (`aggregated_bandwidths`), 4000 simulations: the wild
/// bootstrap for equal sizes, permutations otherwise. All simulations of five kernels of a family share
/// a pass over the tiles: time (families 2 d + kernels (B1 + B2)) (n + m)^2 / 2 products, memory one copy of the data, a bit per
/// row and simulation, a number per kernel and simulation, and, while a pass runs, one per tile (at most 256), simulation and
/// kernel of the pass: up to 41 MB. The statistics are MMD^2; the authors' code reports n (n - 1) times that under the wild
/// bootstrap. Its index rows (entry i takes the label of row idx[i]) are the inverses of `permutations` here. Schrab, Kim,
/// Albert, Laurent, Guedj & Gretton, "MMD Aggregated Two-Sample Test", JMLR 24 (2023).
template<backend B, sample_like X, sample_like Y>
[[nodiscard]] aggregated_result aggregated_test(const B& b, const X& x, const Y& y, const aggregated_options& o = {}) {
  detail::check_aggregated(o);
  require(o.laplacian_l1 || o.gaussian, "aggregated_test: kernels", "must be at least one family");
  const auto squared = detail::make_two_samples<sq_euclidean>(b, x, y);
  const auto plan = detail::plan_aggregated(b, squared, o);
  std::vector<double> laplacian_grid, gaussian_grid;
  if (o.laplacian_l1)
    laplacian_grid =
        detail::bandwidths_or(o.laplacian_bandwidths, [&] { return aggregated_bandwidths<l1>(b, x, y, o.number_bandwidths); });
  if (o.gaussian)
    gaussian_grid = detail::bandwidths_or(o.gaussian_bandwidths,
                                          [&] { return aggregated_bandwidths<sq_euclidean>(b, x, y, o.number_bandwidths); });
  detail::aggregation all(o, detail::aggregated_weights(o, static_cast<index>(laplacian_grid.size() + gaussian_grid.size())));
  std::vector<laplacian_l1> laplacians;
  std::vector<gaussian> gaussians;
  laplacians.reserve(laplacian_grid.size());
  gaussians.reserve(gaussian_grid.size());
  for (double width : laplacian_grid) laplacians.push_back({width});
  for (double width : gaussian_grid) gaussians.push_back({width * std::sqrt(0.5)});
  if (!laplacians.empty())
    detail::add_kernels(b, detail::make_two_samples<l1>(b, x, y), std::span<const laplacian_l1>(laplacians), plan, all,
                        kernel_family::laplacian_l1, laplacian_grid);
  detail::add_kernels(b, squared, std::span<const gaussian>(gaussians), plan, all, kernel_family::gaussian, gaussian_grid);
  return all.decide();
}

/// The same with the caller's kernels (one type, any parameters); the options of families and bandwidths do not matter.
///
///     const std::array kernels{rational_quadratic{1, 1}, rational_quadratic{1, 4}};
///     auto t = mmd::aggregated_test(cpu{}, x, y, std::span<const rational_quadratic>(kernels));
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] aggregated_result aggregated_test(const B& b, const X& x, const Y& y, std::span<const K> kernels,
                                                const aggregated_options& o = {}) {
  detail::check_aggregated(o);
  detail::aggregation all(o, detail::aggregated_weights(o, static_cast<index>(kernels.size())));
  const auto samples = detail::make_two_samples<typename K::metric>(b, x, y);
  const auto plan = detail::plan_aggregated(b, samples, o);
  const std::vector<double> none(kernels.size(), quiet_nan<double>());
  detail::add_kernels(b, samples, kernels, plan, all, kernel_family::given, none);
  return all.decide();
}

/// The same from kernel matrices over the same rows.
template<backend B, class T, class S>
[[nodiscard]] aggregated_result aggregated_test(const B& b, std::span<const given_gram<T, S>> grams,
                                                const aggregated_options& o = {}) {
  detail::check_aggregated(o);
  detail::aggregation all(o, detail::aggregated_weights(o, static_cast<index>(grams.size())));
  const auto plan = detail::plan_aggregated(b, detail::make_two_samples(b, grams[0]), o);
  for (const auto& gram : grams) {
    require(gram.n == grams[0].n && gram.matrix.rows() == grams[0].matrix.rows(), "aggregated_test: grams",
            "must be over the same rows", static_cast<double>(gram.matrix.rows()));
    const kernel_value<identity<>, T> value(identity<>{});
    all.add(kernel_family::given, quiet_nan<double>(),
            detail::aggregated_statistics(b, detail::make_two_samples(b, gram), value, plan).front());
  }
  return all.decide();
}

}  // namespace mmd

DISPAR_NAMESPACE_END
