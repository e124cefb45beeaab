// Scores of single rows against a reference: mmd-mp/single_instance.

#include "backend_under_test.hpp"
#include "dispar/kernels/deep.hpp"
#include "dispar/metrics/roc.hpp"
#include "dispar/mmd/single_instance.hpp"

namespace golden {
namespace {

struct single_instance {
  static constexpr const char* name = "mmd-mp/single_instance";
  // Averages of kernel values, see mmd_mp_deep_kernel.cpp. The rates are counts: equal as long as float keeps the order of
  // scores.
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> ref_phi(c, "ref_phi"), human_phi(c, "human_phi"), machine_phi(c, "machine_phi");
    const auto score_with = [&](const auto& score, const auto& human, const auto& machine) {
      const std::vector<double> h = score(human), m = score(machine);
      out.put("score_human", h);
      out.put("score_machine", m);
      out.put("auroc", dispar::metrics::auroc(h, m));
      out.put("tpr_at_fpr", dispar::metrics::true_positive_rate_at(h, m, c.numbers("fpr_limits", {0.01, 0.05, 0.1})));
    };
    const double sigma0 = c.number("sigma0");
    if (c.number("smooth", 1) != 0) {
      const matrix<T> ref_raw(c, "ref_raw"), human_raw(c, "human_raw"), machine_raw(c, "machine_raw");
      score_with(dispar::mmd::reference_scores(b, dispar::channels(ref_phi.view(), ref_raw.view()),
                                               dispar::deep_kernel<>::from(c.number("sigma"), sigma0, c.number("epsilon"))),
                 dispar::channels(human_phi.view(), human_raw.view()), dispar::channels(machine_phi.view(), machine_raw.view()));
    } else {
      score_with(dispar::mmd::reference_scores(b, ref_phi.view(), dispar::feature_kernel{sigma0}), human_phi.view(),
                 machine_phi.view());
    }
  }
};

const registration<single_instance> registered;

}  // namespace
}  // namespace golden
