// Alignment of pairs and uniformity of rows: contrastive-losses/align_uniform.

#include "backend_under_test.hpp"
#include "dispar/contrastive/alignment.hpp"
#include "dispar/contrastive/uniformity.hpp"

namespace golden {
namespace {

namespace contrastive = dispar::contrastive;

struct align_uniform {
  static constexpr const char* name = "contrastive-losses/align_uniform";
  static constexpr double float_tolerance = 2e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "x"), y(c, "y");
    matrix<T> by_x(x.rows(), x.view().cols()), by_y(y.rows(), y.view().cols()), uniform_by_x(x.rows(), x.view().cols());
    out.put("alignment", contrastive::alignment(b, x.view(), y.view(), contrastive::cosine{},
                                                {.x = by_x.view(), .y = by_y.view()}, {.alpha = c.number("alpha")}));
    const auto uniform =
        contrastive::uniformity(b, x.view(), contrastive::cosine{}, {.x = uniform_by_x.view()}, {.t = c.number("t")});
    out.put("uniformity", uniform.value);
    out.put("grad_align_x", by_x.data());
    out.put("grad_align_y", by_y.data());
    out.put("grad_uniform_x", uniform_by_x.data());
  }
};

const registration<align_uniform> registered_align_uniform;

}  // namespace
}  // namespace golden
