#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/laplacian.hpp"
#include "dispar/mmd/aggregated_test.hpp"
#include "dispar/mmd/estimate_each.hpp"
#include "dispar/mmd/fused_test.hpp"
#include "dispar/mmd/permutation_test.hpp"
#include "dispar/mmd/wild_bootstrap.hpp"
#include "mmd/gpu/host_results.hpp"

namespace host_results {
namespace {

using namespace dispar;

template<class T>
[[nodiscard]] matrix_view<const T> view(const rows<T>& x) {
  return {x.data, x.count, x.features};
}
[[nodiscard]] std::vector<gaussian> gaussians(const std::vector<double>& sigmas) {
  std::vector<gaussian> all;
  for (const double sigma : sigmas) all.push_back({sigma});
  return all;
}
[[nodiscard]] verdict verdict_of(const mmd::test_result& t, std::vector<double> permuted = {}) {
  return {t.reject, t.statistic, t.p_value, t.threshold, t.null_mean, t.null_deviation, {}, std::move(permuted)};
}
[[nodiscard]] verdict verdict_of(const mmd::fused_result& t) {
  verdict v{.reject = t.reject, .statistic = t.statistic, .p_value = t.p_value, .threshold = t.threshold};
  for (const auto& one : t.member)
    v.members.push_back({.bandwidth = one.bandwidth, .statistic = 0, .quantile = 0, .normalized = one.normalized});
  return v;
}

template<class T, class K>
[[nodiscard]] verdict permuted(const rows<T>& x, const rows<T>& y, const K& k, const splits& s) {
  std::vector<double> values(static_cast<std::size_t>(s.given.data ? s.given.count : s.permutations));
  const mmd::permutation_options o{.permutations = s.permutations,
                                   .seed = s.seed,
                                   .form = static_cast<mmd::estimator>(s.form),
                                   .pairs = static_cast<mmd::pairing>(s.pairs),
                                   .given = view(s.given),
                                   .permuted = view_of(values)};
  const auto t = mmd::permutation_test(cpu{}, view(x), view(y), k, o);
  return verdict_of(t, values);
}

}  // namespace

verdict aggregated_test(rows<float> x, rows<float> y, int bandwidths, int quantile_simulations, int level_simulations,
                        std::uint64_t seed) {
  const auto t = mmd::aggregated_test(cpu{}, view(x), view(y),
                                      {.number_bandwidths = bandwidths,
                                       .quantile_simulations = quantile_simulations,
                                       .level_simulations = level_simulations,
                                       .seed = seed});
  verdict v{.reject = t.reject};
  for (const auto& one : t.member)
    v.members.push_back({.bandwidth = one.bandwidth, .statistic = one.statistic, .quantile = one.quantile, .normalized = 0});
  return v;
}
verdict fused_test(rows<float> x, rows<float> y, int bandwidths, int permutations, std::uint64_t seed) {
  return verdict_of(
      mmd::fused_test(cpu{}, view(x), view(y), {.number_bandwidths = bandwidths, .permutations = permutations, .seed = seed}));
}
verdict fused_test(rows<float> x, rows<float> y, const std::vector<double>& sigmas, int permutations) {
  const auto kernels = gaussians(sigmas);
  return verdict_of(mmd::fused_test(cpu{}, view(x), view(y), std::span<const gaussian>(kernels), {.permutations = permutations}));
}
std::vector<double> estimate_each(rows<float> x, rows<float> y, const std::vector<double>& sigmas) {
  const auto kernels = gaussians(sigmas);
  return mmd::estimate_each(cpu{}, view(x), view(y), std::span<const gaussian>(kernels));
}

verdict permutation_test(rows<float> x, rows<float> y, double scale, const splits& s) {
  return permuted(x, y, gaussian{scale}, s);
}
verdict permutation_test(rows<double> x, rows<double> y, double scale, const splits& s) {
  return permuted(x, y, laplacian_l1{scale}, s);
}
verdict permutation_test(rows<double> gram, std::ptrdiff_t n, std::ptrdiff_t permutations) {
  return verdict_of(mmd::permutation_test(cpu{}, mmd::given(view(gram), n), {.permutations = permutations}));
}
verdict wild_bootstrap_test(rows<float> x, rows<float> y, double sigma, std::ptrdiff_t simulations) {
  std::vector<double> values(static_cast<std::size_t>(simulations));
  const auto t = mmd::wild_bootstrap_test(cpu{}, view(x), view(y), gaussian{sigma},
                                          {.simulations = simulations, .simulated = view_of(values)});
  return verdict_of(t, values);
}
verdict wild_bootstrap_test(rows<double> gram, std::ptrdiff_t n, std::ptrdiff_t simulations) {
  return verdict_of(mmd::wild_bootstrap_test(cpu{}, mmd::given(view(gram), n), {.simulations = simulations}));
}

}  // namespace host_results
