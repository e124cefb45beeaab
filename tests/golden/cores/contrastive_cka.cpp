// Dependence of representations: contrastive-losses/cka.

#include "backend_under_test.hpp"
#include "dispar/contrastive/cka.hpp"
#include "dispar/contrastive/hsic.hpp"
#include "dispar/contrastive/median_bandwidth.hpp"
#include "dispar/kernels/gaussian.hpp"

namespace golden {
namespace {

struct centred_alignment {
  static constexpr const char* name = "contrastive-losses/cka";
  static constexpr double float_tolerance = 2e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    using dispar::contrastive::hsic_estimator;
    const dispar::identity<dispar::dot> linear{};
    const matrix<T> x(c, "x"), y(c, "y");
    matrix<T> by_x(x.rows(), x.view().cols()), by_y(y.rows(), y.view().cols());
    const auto biased = dispar::contrastive::cka(b, x.view(), y.view(), linear, linear, {.x = by_x.view(), .y = by_y.view()});
    const auto debiased = dispar::contrastive::cka(b, x.view(), y.view(), linear, linear, {}, {.form = hsic_estimator::unbiased});
    const double median_x = dispar::contrastive::median_bandwidth(b, x.view());
    const double median_y = dispar::contrastive::median_bandwidth(b, y.view());
    const double fraction = c.number("rbf_fraction");
    const dispar::gaussian kernel_x{fraction * median_x}, kernel_y{fraction * median_y};
    b.wait();
    out.put("cka_linear", biased.value);
    out.put("cka_linear_debiased", debiased.value);
    out.put("cka_rbf", dispar::contrastive::cka(b, x.view(), y.view(), kernel_x, kernel_y).value);
    out.put("median_x", median_x);
    out.put("median_y", median_y);
    out.put("hsic_linear_biased", biased.hsic_xy);
    out.put("hsic_linear_unbiased",
            dispar::contrastive::hsic(b, x.view(), y.view(), linear, linear, {}, {.form = hsic_estimator::unbiased}));
    out.put("grad_x", by_x.data());
    out.put("grad_y", by_y.data());
  }
};

const registration<centred_alignment> registered_centred_alignment;

}  // namespace
}  // namespace golden
