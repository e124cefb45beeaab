// CSDN's identity loss: csdn/label_smooth_ce.

#include "backend_under_test.hpp"
#include "dispar/divergence/label_cross_entropy.hpp"

namespace golden {
namespace {

struct label_smooth_ce {
  static constexpr const char* name = "csdn/label_smooth_ce";
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> logits(c, "logits");
    tensor<std::int64_t> labels(c, "label");
    matrix<T> gradient(logits.rows(), logits.view().cols());
    out.put("loss", dispar::divergence::mean_label_cross_entropy(
                        b, logits.view(), labels.vector(), {.label_smoothing = c.number("epsilon")}, {.a = gradient.view()}));
    out.put("grad_logits", gradient.data());
  }
};

const registration<label_smooth_ce> registered_label_smooth_ce;

}  // namespace
}  // namespace golden
