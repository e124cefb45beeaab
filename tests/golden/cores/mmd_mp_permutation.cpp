// Permutation tests on a given kernel matrix: mmd-mp/permutation.

#include <algorithm>
#include <cmath>

#include "backend_under_test.hpp"
#include "dispar/mmd/permutation_test.hpp"

namespace golden {
namespace {

namespace mmd = dispar::mmd;

struct permutation {
  static constexpr const char* name = "mmd-mp/permutation";
  // Averages of kernel values in [0, 1] that were rounded to float (3e-8 each), with signs, of coefficients 1, 1 and 2: their
  // errors add up to 4 roundings at most. The sums themselves are kept in double.
  static constexpr double float_tolerance = 5e-7;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> gram(c, "gram");
    const integer_matrix permutations(c, "permutations");
    const auto given = mmd::given(gram.view(), c.integer("n"));
    std::vector<double> permuted(static_cast<std::size_t>(permutations.rows()));
    mmd::permutation_options o{
        .alpha = c.number("alpha", 0.05), .given = permutations.view(), .permuted = dispar::view_of(permuted)};

    o.form = mmd::estimator::biased;
    const auto biased = mmd::permutation_test(b, given, o);
    out.put("stat_observed_biased", biased.statistic);
    out.put("stat_permuted_biased", permuted);
    out.put("p_value_biased_plus_one", biased.p_value);
    if (c.integer("n") < 2) return;  // no one-sample form

    (void)c.text("reject_rule", {"p <= alpha"});
    o.form = mmd::estimator::one_sample;
    o.rule = mmd::p_value_rule::strictly_greater;
    const auto set = mmd::permutation_test(b, given, o);
    out.put("stat_observed", set.statistic);
    out.put("stat_permuted_set", permuted);
    out.put("p_value_set", set.p_value);
    out.put("reject_set", set.reject);

    o.pairs = mmd::pairing::ordered;
    const auto ordered = mmd::permutation_test(b, given, o);
    out.put("stat_permuted_ordered", permuted);
    out.put("p_value_ordered", ordered.p_value);
    // The older code's threshold is a quantile of the statistics, one rank above the one at which p <= alpha begins.
    std::sort(permuted.begin(), permuted.end());
    const double rank = std::ceil(static_cast<double>(permuted.size()) * (1 - o.alpha));
    if (rank < static_cast<double>(permuted.size())) out.put("threshold_ordered", permuted[static_cast<std::size_t>(rank)]);
  }
};

const registration<permutation> registered;

}  // namespace
}  // namespace golden
