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
  o.alpha = c.number("alpha", 0.05);
  o.number_bandwidths = c.integer("number_bandwidths");
  o.laplacian_l1 = c.text("kernel") == "laplace_gaussian";
  o.quantile_simulations = c.integer("B1");
  o.level_simulations = c.integer("B2");
  o.bisections = c.integer("B3");
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
  // Unnormalised sums of a few hundred kernel values of 1e-6 each. Levels and decisions are counts of comparisons.
  static constexpr double float_tolerance = 1e-4;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const resampling_rows signs(c, "signs", c.integer("B1"));
    const auto n = static_cast<double>(signs.view().cols());
    run_aggregated<T>(b, c, {.how = mmd::resampling::wild_bootstrap, .signs = signs.view()}, n * (n - 1), out);
  }
};

struct mmdagg_permutation {
  static constexpr const char* name = "mmd-mp/mmdagg_permutation";
  static constexpr double float_tolerance = 1e-5;  // averages of kernel values

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    resampling_rows permutations(c, "permutations", c.integer("B1"));
    permutations.invert();
    run_aggregated<T>(b, c, {.how = mmd::resampling::permutations, .permutations = permutations.view()}, 1, out);
  }
};

struct mmdfuse {
  static constexpr const char* name = "mmd-mp/mmdfuse";
  static constexpr double float_tolerance = 1e-4;  // averages of kernel values, multiplied by the number of rows

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "x"), y(c, "y");
    const integer_matrix all(c, "permutations");
    resampling_rows permutations(c, "permutations", all.rows() - 1);
    permutations.invert();
    std::vector<double> fused(static_cast<std::size_t>(all.rows() - 1)), bandwidths;
    const auto result = mmd::fused_test(b, x.view(), y.view(),
                                        {.alpha = c.number("alpha", 0.05),
                                         .number_bandwidths = c.integer("number_bandwidths"),
                                         .lambda = c.number("lambda_multiplier", 1),
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
