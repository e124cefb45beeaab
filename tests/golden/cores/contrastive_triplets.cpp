// Losses of triplets by labels: contrastive-losses/triplet.

#include "backend_under_test.hpp"
#if defined(DISPAR_GOLDEN_GPU)
#include "dispar/backend/gpu/sort.hpp"
#endif
#include "dispar/contrastive/triplet.hpp"

namespace golden {
namespace {

struct batch_hard_triplet {
  static constexpr const char* name = "contrastive-losses/triplet";
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    using dispar::contrastive::hardest_rows;
    using mined_view = dispar::vector_view<hardest_rows, memory_under_test::space>;
    const matrix<T> x(c, "x");
    matrix<T> by_x(x.rows(), x.view().cols());
    tensor<std::int64_t> labels(c, "label");
    std::vector<hardest_rows, memory_under_test::allocator<hardest_rows>> mined(static_cast<std::size_t>(x.rows()));
    const auto loss = [&](const auto& margin) {
      return dispar::contrastive::triplet(b, x.view(), labels.vector(), dispar::contrastive::inner_product{}, margin,
                                          {.x = by_x.view()}, {.mined = mined_view(mined.data(), x.rows())});
    };
    if (c.is_text("margin")) {
      (void)c.text("margin", {"soft (softplus)", "soft", "softplus"});
      out.put("loss", loss(dispar::contrastive::soft_margin{}).value);
    } else {
      out.put("loss", loss(dispar::contrastive::hinge_margin{c.number("margin", 0.3)}).value);
    }
    std::vector<double> positive, negative, valid;
    for (const hardest_rows& met : mined) {
      positive.push_back(met.to_positive);
      negative.push_back(met.to_negative);
      valid.push_back(met.positive >= 0 ? 1 : 0);
    }
    out.put("hardest_positive", positive);
    out.put("hardest_negative", negative);
    out.put("valid_anchors", valid);
    out.put("grad_x", by_x.data());
  }
};

const registration<batch_hard_triplet> registered_batch_hard_triplet;

}  // namespace
}  // namespace golden
