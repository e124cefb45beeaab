// Detection rates of scores: mmd-mp/auroc.

#include "backend_under_test.hpp"
#include "dispar/metrics/roc.hpp"

namespace golden {
namespace {

struct auroc {
  static constexpr const char* name = "mmd-mp/auroc";
  static constexpr bool host_only = true;
  // Counts, exact but for one division. Rounding the scores to float (6e-8) makes ties of about that share of the pairs of a
  // large sample, each of which moves the area by half a pair.
  static constexpr double float_tolerance = 1e-6;

  template<class T, class B>
  static void run(const B&, const fixture& c, outputs& out) {
    const auto human = vector<T>(c, "score_human"), machine = vector<T>(c, "score_machine");
    out.put("auroc", dispar::metrics::auroc(human, machine));
    out.put("tpr_at_fpr", dispar::metrics::true_positive_rate_at(human, machine, c.numbers("fpr_limits", {0.01, 0.05, 0.1})));
  }
};

const registration<auroc> registered;

}  // namespace
}  // namespace golden
