// Tests over many kernels: mmd-mp/mmdagg_wild_bootstrap, mmdagg_permutation, mmdfuse.

#include "backend_under_test.hpp"
#include "dispar/mmd/aggregated_test.hpp"
#include "dispar/mmd/fused_test.hpp"

namespace golden {
namespace {

namespace mmd = dispar::mmd;

/// Resampling rows without the observed one, which dispar supplies itself.
class resampling_rows {
public:
  resampling_rows(const fixture& c, const std::string& name, dispar::index observed) {
    const integer_matrix all(c, name);
    if (observed < 0 || observed >= all.rows())
      throw std::runtime_error("input '" + name + "' has no row of the observed statistic");
    cols_ = all.cols();
    for (dispar::index i = 0; i < all.rows(); ++i)
      for (dispar::index j = 0; i != observed && j < cols_; ++j) values_.push_back(all.view()(i, j));
    rows_ = all.rows() - 1;
  }
  /// Entry i of a fixture's permutation says where place i takes its label from; dispar's rows list the new X first.
  void invert() {
    std::vector<std::int64_t> row(static_cast<std::size_t>(cols_));
    for (auto begin = values_.begin(); begin != values_.end(); begin += cols_) {
      for (dispar::index i = 0; i < cols_; ++i) row.at(static_cast<std::size_t>(begin[i])) = i;
      std::copy(row.begin(), row.end(), begin);
    }
  }
  [[nodiscard]] dispar::matrix_view<const std::int64_t> view() const { return {values_.data(), rows_, cols_}; }

private:
  std::vector<std::int64_t> values_;
  dispar::index rows_ = 0, cols_ = 0;
};

template<class T, class B>
void run_aggregated(const B& b, const fixture& c, mmd::aggregated_options o, double scale, outputs& out) {
  const matrix<T> x(c, "x"), y(c, "y");
  o.alpha = c.number("alpha", o.alpha);
  o.number_bandwidths = c.integer("number_bandwidths", o.number_bandwidths);
  o.laplacian_l1 = c.text("kernel", {"laplace_gaussian", "gaussian"}) == "laplace_gaussian";
  (void)c.text("weights", {"uniform"});
  o.quantile_simulations = c.integer("B1", o.quantile_simulations);
  o.level_simulations = c.integer("B2", o.level_simulations);
  o.bisections = c.integer("B3", o.bisections);
  const auto result = mmd::aggregated_test(b, x.view(), y.view(), o);
  std::vector<double> bandwidths, values, quantiles, thresholds, rejects;
  for (const auto& m : result.member) {
    bandwidths.push_back(m.bandwidth);
    values.push_back(m.statistic * scale);
    quantiles.push_back(m.quantile * scale);
    thresholds.push_back(m.p_value_threshold);
    rejects.push_back(m.reject);
  }
  out.put("bandwidths", bandwidths);
  out.put("mmd_values", values);
  out.put("quantiles", quantiles);
  out.put("p_value_thresholds", thresholds);
  out.put("single_rejects", rejects);
  out.put("reject", result.reject);
}

struct mmdagg_wild_bootstrap {
  static constexpr const char* name = "mmd-mp/mmdagg_wild_bootstrap";
  // Unnormalised differences of sums of n^2 kernel values near 1, which are off by 4e-9 on average: measured 5e-3 for n = 600.
  // Levels and decisions are counts of comparisons.
  static constexpr double float_tolerance = 1e-3;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const resampling_rows signs(c, "signs", c.integer("B1", mmd::aggregated_options{}.quantile_simulations));
    const auto n = static_cast<double>(signs.view().cols());
    run_aggregated<T>(b, c, {.how = mmd::resampling::wild_bootstrap, .signs = signs.view()}, n * (n - 1), out);
  }
};

struct mmdagg_permutation {
  static constexpr const char* name = "mmd-mp/mmdagg_permutation";
  static constexpr double float_tolerance = 1e-5;  // averages of kernel values

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    resampling_rows permutations(c, "permutations", c.integer("B1", mmd::aggregated_options{}.quantile_simulations));
    permutations.invert();
    run_aggregated<T>(b, c, {.how = mmd::resampling::permutations, .permutations = permutations.view()}, 1, out);
  }
};

struct mmdfuse {
  static constexpr const char* name = "mmd-mp/mmdfuse";
  // Averages of kernel values, multiplied by the number of rows. The narrowest bandwidth is half the 5 % quantile of the
  // distances: there, the rounding of a squared distance (2e-6) changes the few kernel values that count by 1e-5 each.
  static constexpr double float_tolerance = 1e-3;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    matrix<T> x(c, "x"), y(c, "y");
    // The permutations are of the larger sample's rows followed by the smaller one's.
    if (x.rows() < y.rows()) std::swap(x, y);
    resampling_rows permutations(c, "permutations", integer_matrix(c, "permutations").rows() - 1);
    permutations.invert();
    std::vector<double> fused(static_cast<std::size_t>(permutations.view().rows())), bandwidths;
    const mmd::fused_options defaults;
    const auto result = mmd::fused_test(b, x.view(), y.view(),
                                        {.alpha = c.number("alpha", defaults.alpha),
                                         .number_bandwidths = c.integer("number_bandwidths", defaults.number_bandwidths),
                                         .lambda = c.number("lambda_multiplier", defaults.lambda),
                                         .given = permutations.view(),
                                         .permuted = dispar::view_of(fused)});
    for (const auto& m : result.member) bandwidths.push_back(m.bandwidth);
    fused.push_back(result.statistic);
    out.put("bandwidths", bandwidths);
    out.put("fused_statistics", fused);
    out.put("p_value", result.p_value);
    out.put("reject", result.reject);
  }
};

const registration<mmdagg_wild_bootstrap> registered_wild;
const registration<mmdagg_permutation> registered_permutation;
const registration<mmdfuse> registered_fuse;

}  // namespace
}  // namespace golden
