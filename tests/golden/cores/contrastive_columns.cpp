// Losses of features: contrastive-losses/barlow_twins, vicreg, coral.

#include "backend_under_test.hpp"
#include "dispar/contrastive/barlow_twins.hpp"
#include "dispar/contrastive/coral.hpp"
#include "dispar/contrastive/vicreg.hpp"

namespace golden {
namespace {

struct barlow_twins {
  static constexpr const char* name = "contrastive-losses/barlow_twins";
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "z1"), y(c, "z2");
    const dispar::index d = x.view().cols();
    matrix<T> by_x(x.rows(), d), by_y(y.rows(), d), correlations(d, d);
    const double eps = c.number("bn_eps");
    const auto loss = dispar::contrastive::barlow_twins(b, x.view(), y.view(), {.x = by_x.view(), .y = by_y.view()},
                                                        {.lambda = c.number("lambda"), .eps = eps});
    dispar::contrastive::cross_correlation(b, x.view(), y.view(), correlations.view(), eps);
    b.wait();
    out.put("loss", loss.value);
    out.put("on_diag", loss.on_diagonal);
    out.put("off_diag", loss.off_diagonal);
    out.put("cross_corr", correlations.data());
    out.put("grad_z1", by_x.data());
    out.put("grad_z2", by_y.data());
  }
};

struct vicreg {
  static constexpr const char* name = "contrastive-losses/vicreg";
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "z1"), y(c, "z2");
    matrix<T> by_x(x.rows(), x.view().cols()), by_y(y.rows(), y.view().cols());
    const auto loss = dispar::contrastive::vicreg(b, x.view(), y.view(), {.x = by_x.view(), .y = by_y.view()},
                                                  {.invariance = c.number("sim"),
                                                   .variance = c.number("std"),
                                                   .covariance = c.number("cov"),
                                                   .gamma = c.number("gamma"),
                                                   .eps = c.number("eps")});
    b.wait();
    out.put("loss", loss.value);
    out.put("invariance", loss.invariance);
    out.put("variance", loss.variance);
    out.put("covariance", loss.covariance);
    out.put("grad_z1", by_x.data());
    out.put("grad_z2", by_y.data());
  }
};

struct coral {
  static constexpr const char* name = "contrastive-losses/coral";
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> source(c, "source"), target(c, "target");
    matrix<T> by_source(source.rows(), source.view().cols()), by_target(target.rows(), target.view().cols());
    const double loss =
        dispar::contrastive::coral(b, source.view(), target.view(), {.x = by_source.view(), .y = by_target.view()});
    b.wait();
    out.put("loss", loss);
    out.put("grad_source", by_source.data());
    out.put("grad_target", by_target.data());
  }
};

const registration<coral> registered_coral;
const registration<vicreg> registered_vicreg;
const registration<barlow_twins> registered_barlow_twins;

}  // namespace
}  // namespace golden
