// Distances of rows with labels: contrastive-losses/triplet, csdn/wrt, msel.

#include "backend_under_test.hpp"
#if defined(DISPAR_GOLDEN_GPU)
#include "dispar/backend/gpu/sort.hpp"
#endif
#include "dispar/contrastive/modality_enhancement.hpp"
#include "dispar/contrastive/triplet.hpp"
#include "dispar/contrastive/weighted_triplet.hpp"

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

struct weighted_triplet_of_csdn {
  static constexpr const char* name = "csdn/wrt";
  static constexpr double float_tolerance = 5e-5;  // 1e-6 times distances of 50

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    c.number("normalise_feature", 0) != 0 ? run_with<T>(b, c, out, dispar::contrastive::cosine{})
                                          : run_with<T>(b, c, out, dispar::contrastive::inner_product{});
  }

private:
  template<class T, class B, class Similarity>
  static void run_with(const B& b, const fixture& c, outputs& out, const Similarity& how) {
    const matrix<T> x(c, "x");
    matrix<T> by_x(x.rows(), x.view().cols());
    tensor<std::int64_t> labels(c, "label");
    const dispar::contrastive::weighted_triplet_options<memory_under_test::space> o{
        .released_floor = c.number("weight_denominator_eps", 1e-6) > 0};
    matrix<double> distances(x.rows(), x.rows()), positives(x.rows(), x.rows()), negatives(x.rows(), x.rows());
    dispar::contrastive::weighted_triplet_weights(
        b, x.view(), labels.vector(), how,
        {.distances = distances.view(), .positives = positives.view(), .negatives = negatives.view()}, o);
    out.put("loss", dispar::contrastive::weighted_triplet(b, x.view(), labels.vector(), how, {.x = by_x.view()}, o));
    b.wait();
    out.put("grad_x", by_x.data());
    out.put("dist", distances.data());
    out.put("w_pos", positives.data());
    out.put("w_neg", negatives.data());
  }
};

struct modality_enhancement_of_csdn {
  static constexpr const char* name = "csdn/msel";
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    c.number("normalise", 0) != 0 ? run_with<T>(b, c, out, dispar::contrastive::cosine{})
                                  : run_with<T>(b, c, out, dispar::contrastive::inner_product{});
  }

private:
  template<class T, class B, class Similarity>
  static void run_with(const B& b, const fixture& c, outputs& out, const Similarity& how) {
    const matrix<T> rows(c, "x");
    matrix<T> by_rows(rows.rows(), rows.view().cols());
    tensor<std::int64_t> labels(c, "label");
    const dispar::index n = rows.rows() / 2;
    const auto label = labels.vector();
    out.put("loss", dispar::contrastive::modality_enhancement(b, rows.x(n), rows.y(n), label.slice(0, n), label.slice(n, n), how,
                                                              {.x = by_rows.x(n), .y = by_rows.y(n)},
                                                              {.rows_per_identity = c.integer("num_pos", 4)}));
    out.put("grad_x", by_rows.data());
  }
};

const registration<modality_enhancement_of_csdn> registered_modality_enhancement_of_csdn;
const registration<weighted_triplet_of_csdn> registered_weighted_triplet_of_csdn;
const registration<batch_hard_triplet> registered_batch_hard_triplet;

}  // namespace
}  // namespace golden
