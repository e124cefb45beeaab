// Statistics, variances and the criterion with its gradients: mmd-mp/gram_stats, statistic_and_gradient, unbiased_variance.

#include "backend_under_test.hpp"
#include "dispar/kernels/deep.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/criterion.hpp"

namespace golden {
namespace {

namespace mmd = dispar::mmd;
using mmd::estimator;

struct gram_stats {
  static constexpr const char* name = "mmd-mp/gram_stats";
  // Averages of kernel values that were rounded to float, see mmd_mp_permutation.cpp.
  static constexpr double float_tolerance = 5e-7;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> gram(c, "gram");
    const dispar::index n = c.integer("n");
    const auto given = mmd::given(gram.view(), n);
    out.put("biased", mmd::estimate(b, given, {.form = estimator::biased}));
    // What is undefined for one row or for unequal sizes is not among a case's outputs.
    if (c.expects("unbiased_full")) out.put("unbiased_full", mmd::estimate(b, given));
    if (c.expects("mpp_unbiased_full")) out.put("mpp_unbiased_full", mmd::estimate(b, given, {.yy = 0}));
    if (c.expects("unbiased_onesample")) out.put("unbiased_onesample", mmd::estimate(b, given, {.form = estimator::one_sample}));
    if (c.expects("variance_h1")) out.put("variance_h1", mmd::variance_h1(b, given));
  }
};

struct statistic_and_gradient {
  static constexpr const char* name = "mmd-mp/statistic_and_gradient";
  // Kernel values carry 1e-6 in float (see mmd_mp_deep_kernel.cpp); J divides their differences by a standard deviation of about
  // a tenth, and its gradient does so three times.
  static constexpr double float_tolerance = 1e-3;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> phi(c, "phi"), raw(c, "raw");
    const dispar::index n = c.integer("n");
    const auto x = dispar::channels(phi.x(n), raw.x(n)), y = dispar::channels(phi.y(n), raw.y(n));
    const dispar::deep_kernel<> kernel{c.number("s"), c.number("s0"), c.number("e")};
    const std::string statistic = c.text("statistic", {"MMD^2", "MPP (intra-Y term dropped)", "intra-X term dropped"});
    mmd::options o{.xx = c.number("coeff_xx", statistic == "intra-X term dropped" ? 0 : 1),
                   .yy = c.number("coeff_yy", statistic == "MPP (intra-Y term dropped)" ? 0 : 1),
                   .xy = c.number("coeff_xy", 2)};
    o.form = estimator::biased;
    out.put("stat_biased", mmd::estimate(b, x, y, kernel, o));
    if (n < 2) return;  // nothing else is defined
    o.form = estimator::unbiased;
    out.put("stat_u_full", mmd::estimate(b, x, y, kernel, o));

    matrix<T> by_phi(phi.rows(), phi.view().cols()), by_raw(raw.rows(), raw.view().cols());
    std::vector<double> by_parameter(3);
    mmd::gradients<T, 2, memory_under_test::space> gradients{.x = {by_phi.x(n), by_raw.x(n)},
                                                             .y = {by_phi.y(n), by_raw.y(n)},
                                                             .parameters = dispar::view_of(by_parameter),
                                                             .factor = -1};
    const auto put = [&](const std::string& of) {
      out.put("grad_" + of + "_phi", by_phi.data());
      out.put("grad_" + of + "_raw", by_raw.data());
      out.put("grad_" + of + "_params", by_parameter);
    };
    const auto j = mmd::criterion_and_gradient(b, x, y, kernel, gradients,
                                               {.xx = o.xx, .yy = o.yy, .xy = o.xy, .lambda = c.number("lambda", 1e-8)});
    out.put("stat_u_onesample", j.statistic);
    out.put("variance_h1", j.variance);
    out.put("loss_neg_j", -j.value);
    put("loss");

    gradients.factor = 1;
    mmd::variance_and_gradient(b, x, y, kernel, gradients, o);
    put("var");
    o.form = estimator::one_sample;
    mmd::value_and_gradient(b, x, y, kernel, gradients, o);
    put("stat");
  }
};

struct unbiased_variance {
  static constexpr const char* name = "mmd-mp/unbiased_variance";
  // Differences of sums of squares: the kernel's 1e-6, a hundred times.
  static constexpr double float_tolerance = 1e-4;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "x"), y(c, "y");
    const dispar::gaussian kernel{c.number("bandwidth_s")};
    out.put("mmd2_biased", mmd::estimate(b, x.view(), y.view(), kernel, {.form = estimator::biased}));
    if (x.rows() < 2) return;  // nothing else is defined
    out.put("mmd2_unbiased", mmd::estimate(b, x.view(), y.view(), kernel));
    out.put("variance_unbiased", mmd::variance_unbiased(b, x.view(), y.view(), kernel));
    out.put("ratio", mmd::variance_ratio(b, x.view(), y.view(), kernel, c.number("min_var", 1e-8)));
  }
};

const registration<gram_stats> registered_gram_stats;
const registration<statistic_and_gradient> registered_statistic_and_gradient;
const registration<unbiased_variance> registered_unbiased_variance;

}  // namespace
}  // namespace golden
