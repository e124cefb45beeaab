// CreamFL's probabilistic embeddings: creamfl/soft_contrastive, match_prob.

#include "backend_under_test.hpp"
#include "dispar/contrastive/soft_contrastive.hpp"

namespace golden {
namespace {

template<class T>
[[nodiscard]] auto embeddings_in_rows(tensor<T>& x) {
  const auto d = x.shape().back();
  return x.matrix(static_cast<dispar::index>(x.data().size()) / d, d);
}
[[nodiscard]] inline dispar::contrastive::distance_logit distance_logit_of(const fixture& c) {
  return {c.number("negative_scale", 15), c.number("shift", 15), c.number("eps", 1e-6)};
}

struct soft_contrastive {
  static constexpr const char* name = "creamfl/soft_contrastive";
  static constexpr double float_tolerance = 1e-4;  // logits are 15 times float distances

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> x(c, "image"), y(c, "text"), by_x(x.shape()), by_y(y.shape());
    const auto loss = dispar::contrastive::soft_contrastive(
        b, embeddings_in_rows(x), embeddings_in_rows(y), dispar::contrastive::inner_product{}, distance_logit_of(c),
        {.x = embeddings_in_rows(by_x), .y = embeddings_in_rows(by_y)}, {.samples = x.shape().size() == 3 ? x.extent(1) : 1});
    out.put("loss", loss.value);
    for (const char* part : {"i2t_pos", "t2i_pos"}) out.put(part, loss.matched / 2);
    for (const char* part : {"i2t_neg", "t2i_neg"}) out.put(part, loss.unmatched / 2);
    out.put("grad_image", by_x.data());
    out.put("grad_text", by_y.data());
    out.put("grad_scale", loss.by_scale);
    out.put("grad_shift", loss.by_shift);
  }
};

struct match_prob {
  static constexpr const char* name = "creamfl/match_prob";
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> x(c, "query"), y(c, "gallery");
    const dispar::index samples = x.shape().size() == 3 ? x.extent(1) : 1;
    matrix<double> p(x.extent(0), y.extent(0));
    dispar::contrastive::match_probability(b, embeddings_in_rows(x), embeddings_in_rows(y), dispar::contrastive::inner_product{},
                                           distance_logit_of(c), p.view(), samples);
    b.wait();
    out.put("prob", p.data());
  }
};

const registration<soft_contrastive> registered_soft_contrastive;
const registration<match_prob> registered_match_prob;

}  // namespace
}  // namespace golden
