// Losses of matched rows with labels or scores: contrastive-losses/pairwise_margin, cosent.

#include "backend_under_test.hpp"
#include "dispar/contrastive/cosent.hpp"
#include "dispar/contrastive/pairwise_margin.hpp"
#if defined(DISPAR_GOLDEN_GPU)
#include "dispar/backend/gpu/sort.hpp"
#endif

namespace golden {
namespace {

struct pairwise_margin {
  static constexpr const char* name = "contrastive-losses/pairwise_margin";
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "x1"), y(c, "x2");
    tensor<std::int64_t> match(c, "match");
    tensor<double> distances({x.rows()});
    matrix<T> by_x(x.rows(), x.view().cols()), by_y(y.rows(), y.view().cols());
    out.put("loss", dispar::contrastive::pairwise_margin(
                        b, x.view(), y.view(), match.vector(), dispar::contrastive::inner_product{},
                        {.x = by_x.view(), .y = by_y.view()}, {.margin = c.number("margin"), .distances = distances.vector()}));
    out.put("distance", distances.data());
    out.put("grad_x1", by_x.data());
    out.put("grad_x2", by_y.data());
  }
};

struct cosent {
  static constexpr const char* name = "contrastive-losses/cosent";
  static constexpr double float_tolerance = 2e-5;  // cosines of float rows times 20

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "emb1"), y(c, "emb2");
    tensor<T> scores(c, "score");
    tensor<double> cosines({x.rows()});
    matrix<T> by_x(x.rows(), x.view().cols()), by_y(y.rows(), y.view().cols());
    out.put("loss", dispar::contrastive::cosent(b, x.view(), y.view(), scores.vector(), dispar::contrastive::cosine{},
                                                {.x = by_x.view(), .y = by_y.view()},
                                                {.lambda = c.number("lambda"), .similarities = cosines.vector()}));
    out.put("cos", cosines.data());
    out.put("grad_emb1", by_x.data());
    out.put("grad_emb2", by_y.data());
  }
};

const registration<pairwise_margin> registered_pairwise_margin;
const registration<cosent> registered_cosent;

}  // namespace
}  // namespace golden
