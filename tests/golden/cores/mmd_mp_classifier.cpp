// The classifier two-sample test: mmd-mp/baseline_c2st.

#include "backend_under_test.hpp"
#include "dispar/mmd/classifier_test.hpp"

namespace golden {
namespace {

struct classifier {
  static constexpr const char* name = "mmd-mp/baseline_c2st";
  static constexpr bool host_only = true;
  // Differences of two means of numbers in [0, 1]: absolutely, they move by no more than the rounding of the inputs, 6e-8.
  static constexpr double float_tolerance = 2e-7;

  template<class T, class B>
  static void run(const B&, const fixture& c, outputs& out) {
    const matrix<T> probabilities(c, "probabilities");
    const integer_matrix permutations(c, "permutations");
    for (const bool labels : {false, true}) {
      const auto t = dispar::mmd::classifier_test(
          probabilities.view(), c.integer("n"),
          {.labels = labels, .alpha = c.number("alpha", 0.05), .given_permutations = permutations.view()});
      const std::string prefix = labels ? "c2st_s" : "c2st_l";
      out.put(prefix, std::vector{t.statistic, t.threshold});
      out.put(prefix + "_permuted", t.permuted);
      out.put(prefix + "_reject", t.reject);
    }
  }
};

const registration<classifier> registered;

}  // namespace
}  // namespace golden
