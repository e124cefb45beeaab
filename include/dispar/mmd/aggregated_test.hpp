#pragma once
/// \file
/// MMDAgg: one test from many kernels, without splitting the data and without giving up the level.

#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/laplacian.hpp"
#include "dispar/mmd/aggregated_verdict.hpp"
#include "dispar/mmd/bandwidth_grid.hpp"
#include "dispar/mmd/wild_bootstrap.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

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

/// What an aggregated test says.
struct aggregated_result {
  bool reject;                            ///< some member rejects
  double u;                               ///< the largest correction found with which the level is kept
  std::vector<aggregated_member> member;  ///< families in the order of `kernel_family`, then bandwidths
};

namespace detail {

/// Rounding in a sum of kernel values of type T, as a share of the sum of their magnitudes. Tight, since with a small bandwidth
/// a few pairs outweigh all others and the statistics differ by the others only.
template<class T>
inline constexpr double rounding_share = sizeof(T) == 4 ? 0x1p-23 : 0x1p-44;

/// The labellings that all single tests share: the observed one, B1 for the quantiles, B2 for the level.
template<class Labels>
struct aggregated_plan {
  bool wild;
  factors unbiased;
  Labels labels;
};

template<class B, class Samples>
[[nodiscard]] auto plan_aggregated(const B& b, const Samples& samples, const aggregated_options& o) {
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
  using labels = decltype(sign_labels(b, n, count, o.seed, given));
  if (wild) return aggregated_plan<labels>{true, {}, sign_labels(b, n, count, o.seed, given)};
  return aggregated_plan<labels>{false, statistic_factors({}, n, m, samples.weight, samples.square_weight),
                                 split_labels(b, n + m, n, count, o.seed, given)};
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

/// The single tests of the members of `kernel`, in one pass over the tiles, whose bandwidths go into the results.
template<backend B, class Samples, class Kernel, class Labels>
void add_members(const B& b, const Samples& samples, const Kernel& kernel, const aggregated_plan<Labels>& plan,
                 aggregation<B>& all, kernel_family family, std::span<const double> bandwidths) {
  const labelled_outputs out = all.next(family, bandwidths);
  if (plan.wild)
    wild_statistics(b, samples, kernel, plan.labels.view(), out);
  else
    statistics_by_label<false>(b, samples, kernel, plan.labels.view(), plan.unbiased, nullptr, out);
}

/// The same of kernels of one type.
template<backend B, class Samples, pair_function K, class Labels>
void add_kernels(const B& b, const Samples& samples, std::span<const K> kernels, const aggregated_plan<Labels>& plan,
                 aggregation<B>& all, kernel_family family, std::span<const double> bandwidths) {
  using T = typename decltype(samples.data)::value_type;
  for_each_pass<T>(kernels, [&](std::span<const K> together) {
    add_members(b, samples, kernel_values<K, T>(together), plan, all, family, bandwidths.first(together.size()));
    bandwidths = bandwidths.subspan(together.size());
  });
}

/// How many of them, and how much of the sizes of their terms is rounding in data of type T.
template<class T, backend B>
[[nodiscard]] aggregation<B> start_aggregation(const B& b, std::span<const double> weights, const aggregated_options& o) {
  return {b, weights, 1 + o.quantile_simulations, 1 + o.quantile_simulations + o.level_simulations, rounding_share<T>};
}

/// An output of `tests` members.
template<class S>
void check_members(const vector_view<aggregated_member, S>& member, index tests) {
  require(!member || member.size() == tests, "aggregated_test: member", "must have one entry per single test",
          static_cast<double>(member.size()));
}

/// The result of the form `write(verdict, member)` of `tests` single tests that writes it. Waits.
template<backend B, class Write>
[[nodiscard]] aggregated_result aggregated_when_done(const B& b, index tests, const Write& write) {
  result<aggregated_verdict, B> verdict(b);
  array<aggregated_member, 1, B> member(b, {tests});
  write(verdict.view(), member.view());
  const aggregated_verdict v = verdict.get();
  aggregated_result r{v.reject, v.u, std::vector<aggregated_member>(static_cast<std::size_t>(tests))};
  read_back(b, member.data(), r.member.data(), tests);
  return r;
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

/// How many single tests the families make.
[[nodiscard]] inline index tests_of_families(const aggregated_options& o) {
  require(o.laplacian_l1 || o.gaussian, "aggregated_test: kernels", "must be at least one family");
  const auto count = [&](const vector_view<const double>& given) { return given ? given.size() : o.number_bandwidths; };
  const index tests = (o.laplacian_l1 ? count(o.laplacian_bandwidths) : 0) + (o.gaussian ? count(o.gaussian_bandwidths) : 0);
  require(tests >= 1, "aggregated_test: number_bandwidths", "must be at least 1", static_cast<double>(tests));
  return tests;
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
  return detail::aggregated_when_done(b, detail::tests_of_families(o), [&](const auto& verdict, const auto& member) {
    aggregated_test(b, x, y, verdict, member, o);
  });
}

/// The same, written to `verdict` and, unless it is the null view, to `member` (one entry per single test), in memory of the
/// backend. On a GPU it waits for bandwidths that are chosen from the data, since kernels take their parameters on the host;
/// where the options give the bandwidths it returns at once, and a CUDA graph can capture it after one call of the same shapes,
/// unless signs or permutations are given. Bad elements are thrown by the next wait.
template<backend B, sample_like X, sample_like Y, class S>
void aggregated_test(const B& b, const X& x, const Y& y, const scalar_view<aggregated_verdict, S>& verdict,
                     const vector_view<aggregated_member, typename B::space>& member, const aggregated_options& o = {}) {
  using T = typename sample_type<X>::value_type;
  detail::require_output<B>(verdict, "aggregated_test: verdict");
  detail::check_aggregated(o);
  const index tests = detail::tests_of_families(o);
  detail::check_members(member, tests);
  const std::vector<double> weights = detail::aggregated_weights(o, tests);
  const auto squared = detail::make_two_samples<sq_euclidean>(b, x, y);
  const auto plan = detail::plan_aggregated(b, squared, o);
  auto all = detail::start_aggregation<T>(b, weights, o);
  if (o.laplacian_l1) {
    const auto grid =
        detail::bandwidths_or(o.laplacian_bandwidths, [&] { return aggregated_bandwidths<l1>(b, x, y, o.number_bandwidths); });
    std::vector<laplacian_l1> kernels;
    for (double width : grid) kernels.push_back({width});
    detail::add_kernels(b, detail::make_two_samples<l1>(b, x, y), std::span<const laplacian_l1>(kernels), plan, all,
                        kernel_family::laplacian_l1, grid);
  }
  if (o.gaussian) {
    const auto grid = detail::bandwidths_or(o.gaussian_bandwidths,
                                            [&] { return aggregated_bandwidths<sq_euclidean>(b, x, y, o.number_bandwidths); });
    std::vector<gaussian> kernels;
    for (double width : grid) kernels.push_back({width * std::sqrt(0.5)});
    detail::add_kernels(b, squared, std::span<const gaussian>(kernels), plan, all, kernel_family::gaussian, grid);
  }
  all.decide(o.alpha, o.bisections, member, verdict.data());
}

/// The same with the caller's kernels (one type, any parameters); the options of families and bandwidths do not matter, and
/// nothing waits for bandwidths.
///
///     const std::array kernels{rational_quadratic{1, 1}, rational_quadratic{1, 4}};
///     auto t = mmd::aggregated_test(cpu{}, x, y, std::span<const rational_quadratic>(kernels));
///@{
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] aggregated_result aggregated_test(const B& b, const X& x, const Y& y, std::span<const K> kernels,
                                                const aggregated_options& o = {}) {
  return detail::aggregated_when_done(b, static_cast<index>(kernels.size()), [&](const auto& verdict, const auto& member) {
    aggregated_test(b, x, y, kernels, verdict, member, o);
  });
}
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void aggregated_test(const B& b, const X& x, const Y& y, std::span<const K> kernels,
                     const scalar_view<aggregated_verdict, S>& verdict,
                     const vector_view<aggregated_member, typename B::space>& member, const aggregated_options& o = {}) {
  using T = typename sample_type<X>::value_type;
  detail::require_output<B>(verdict, "aggregated_test: verdict");
  detail::check_aggregated(o);
  const std::vector<double> weights = detail::aggregated_weights(o, static_cast<index>(kernels.size()));
  detail::check_members(member, static_cast<index>(kernels.size()));
  const auto samples = detail::make_two_samples<typename K::metric>(b, x, y);
  const auto plan = detail::plan_aggregated(b, samples, o);
  auto all = detail::start_aggregation<T>(b, weights, o);
  const std::vector<double> none(kernels.size(), quiet_nan<double>());
  detail::add_kernels(b, samples, kernels, plan, all, kernel_family::given, none);
  all.decide(o.alpha, o.bisections, member, verdict.data());
}
///@}

/// The same from kernel matrices over the same rows.
///@{
template<backend B, class T, class S>
[[nodiscard]] aggregated_result aggregated_test(const B& b, std::span<const given_gram<T, S>> grams,
                                                const aggregated_options& o = {}) {
  return detail::aggregated_when_done(b, static_cast<index>(grams.size()), [&](const auto& verdict, const auto& member) {
    aggregated_test(b, grams, verdict, member, o);
  });
}
template<backend B, class T, class S, class R>
void aggregated_test(const B& b, std::span<const given_gram<T, S>> grams, const scalar_view<aggregated_verdict, R>& verdict,
                     const vector_view<aggregated_member, typename B::space>& member, const aggregated_options& o = {}) {
  detail::require_output<B>(verdict, "aggregated_test: verdict");
  detail::check_aggregated(o);
  const std::vector<double> weights = detail::aggregated_weights(o, static_cast<index>(grams.size()));
  detail::check_members(member, static_cast<index>(grams.size()));
  for (const auto& gram : grams)
    require(gram.n == grams[0].n && gram.matrix.rows() == grams[0].matrix.rows(), "aggregated_test: grams",
            "must be over the same rows", static_cast<double>(gram.matrix.rows()));
  const auto plan = detail::plan_aggregated(b, detail::make_two_samples(b, grams[0]), o);
  auto all = detail::start_aggregation<T>(b, weights, o);
  const std::array none{quiet_nan<double>()};
  for (const auto& gram : grams)
    detail::add_members(b, detail::make_two_samples(b, gram), kernel_value<identity<>, T>(identity<>{}), plan, all,
                        kernel_family::given, none);
  all.decide(o.alpha, o.bisections, member, verdict.data());
}
///@}

}  // namespace mmd

DISPAR_NAMESPACE_END
