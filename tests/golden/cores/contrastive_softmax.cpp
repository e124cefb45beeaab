// Losses of matched rows: contrastive-losses/infonce, clip_symmetric, ntxent, moco_queue, siglip, and ubp/clip_softplus.

#include "backend_under_test.hpp"
#include "dispar/contrastive/infonce.hpp"
#include "dispar/contrastive/key_queue.hpp"
#include "dispar/contrastive/logit_matrix.hpp"
#include "dispar/contrastive/ntxent.hpp"
#include "dispar/contrastive/siglip.hpp"

namespace golden {
namespace {

namespace contrastive = dispar::contrastive;
using space = memory_under_test::space;

/// Float similarities are off by 1e-7, logits by the scale (up to 100) times that, and gradients are the scale times
/// differences of probabilities.
constexpr double tolerance_of_float_logits = 2e-4;

template<class T>
matrix<T> like(const matrix<T>& x) {
  return matrix<T>(x.rows(), x.view().cols());
}

struct infonce {
  static constexpr const char* name = "contrastive-losses/infonce";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "query"), y(c, "key");
    matrix<T> by_x = like(x), by_y = like(y);
    const contrastive::cosine how{.floor = c.number("norm_floor", 1e-12)};
    const auto loss = contrastive::infonce(b, x.view(), y.view(), how, contrastive::temperature{c.number("temperature")},
                                           {.x = by_x.view(), .y = by_y.view()});
    out.put("loss", loss.value);
    out.put("grad_query", by_x.data());
    out.put("grad_key", by_y.data());
    out.put("grad_temperature", loss.by_temperature);
  }
};

struct clip_symmetric {
  static constexpr const char* name = "contrastive-losses/clip_symmetric";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "image"), y(c, "text");
    matrix<T> by_x = like(x), by_y = like(y);
    const auto loss = contrastive::infonce(b, x.view(), y.view(), contrastive::cosine{},
                                           contrastive::exponential_scale{c.number("log_scale"), c.number("max_scale", 100)},
                                           {.x = by_x.view(), .y = by_y.view()}, {.anchors = contrastive::direction::both});
    out.put("loss", loss.value);
    out.put("loss_image", loss.rows);
    out.put("loss_text", loss.cols);
    out.put("grad_image", by_x.data());
    out.put("grad_text", by_y.data());
    out.put("grad_log_scale", loss.by_temperature);
  }
};

struct ntxent {
  static constexpr const char* name = "contrastive-losses/ntxent";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "view1"), y(c, "view2");
    matrix<T> by_x = like(x), by_y = like(y);
    const auto loss =
        contrastive::ntxent(b, x.view(), y.view(), contrastive::cosine{}, contrastive::temperature{c.number("temperature")},
                            {.x = by_x.view(), .y = by_y.view()});
    out.put("loss", loss.value);
    out.put("grad_view1", by_x.data());
    out.put("grad_view2", by_y.data());
    out.put("grad_temperature", loss.by_temperature);
  }
};

struct moco_queue {
  static constexpr const char* name = "contrastive-losses/moco_queue";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "query"), y(c, "key"), rows(c, "queue");
    matrix<T> by_x = like(x);
    const std::vector<T> keys(rows.data().begin(), rows.data().end());
    contrastive::key_queue<T, B> queue(b, dispar::matrix_view<const T>(keys.data(), rows.rows(), rows.view().cols()),
                                       c.integer("pointer"));
    const dispar::matrix_view<const T, space> negatives(queue.rows().data(), queue.rows().extents());
    const auto loss =
        contrastive::infonce(b, x.view(), y.view(), contrastive::cosine{}, contrastive::temperature{c.number("temperature")},
                             {.x = by_x.view()}, {.negatives = negatives, .in_batch = false});
    queue.push(y.view());
    out.put("loss", loss.value);
    out.put("grad_query", by_x.data());
    out.put("grad_temperature", loss.by_temperature);
    const auto after = to_host(b, queue.rows());
    out.put("queue_after", std::vector<T>(after.data(), after.data() + after.view().size()));
    out.put("pointer_after", static_cast<double>(queue.position()));
    auto value = to(b, vector<T>(c, "theta_k"));
    const auto towards = to(b, vector<T>(c, "theta_q"));
    contrastive::momentum_update(b, value.view(), towards.view(), c.number("momentum"));
    const auto moved = to_host(b, value);
    out.put("theta_k_after", std::vector<T>(moved.data(), moved.data() + moved.view().size()));
  }
};

struct clip_softplus {
  static constexpr const char* name = "ubp/clip_softplus";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "brain"), y(c, "image");
    matrix<T> by_x = like(x);
    const contrastive::softplus_scale scale{c.number("tau")};
    const auto loss = contrastive::infonce(b, x.view(), y.view(), contrastive::inner_product{}, scale, {.x = by_x.view()},
                                           {.anchors = contrastive::direction::both});
    // A direction alone, anchor by anchor.
    const auto by_anchor = [&](const matrix<T>& anchors, const matrix<T>& others) {
      dispar::array<double, 1, B> losses(b, {anchors.rows()});
      (void)contrastive::infonce(b, anchors.view(), others.view(), contrastive::inner_product{}, scale, {},
                                 {.losses = dispar::vector_view<double, space>(losses.data(), anchors.rows())});
      const auto there = to_host(b, losses);
      return std::vector<double>(there.data(), there.data() + anchors.rows());
    };
    matrix<T> logits(x.rows(), y.rows());
    contrastive::logit_matrix(b, x.view(), y.view(), contrastive::inner_product{}, scale, logits.view());
    b.wait();
    out.put("logits", logits.data());
    out.put("logit_scale", scale.scale());
    out.put("loss", loss.value);
    out.put("loss_brain_rows", by_anchor(x, y));
    out.put("loss_image_rows", by_anchor(y, x));
    out.put("grad_brain", by_x.data());
    out.put("grad_tau", loss.by_temperature);
  }
};

struct siglip {
  static constexpr const char* name = "contrastive-losses/siglip";
  static constexpr double float_tolerance = tolerance_of_float_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "image"), y(c, "text");
    matrix<T> by_x = like(x), by_y = like(y);
    const auto loss = contrastive::siglip(b, x.view(), y.view(), contrastive::cosine{},
                                          contrastive::exponential_scale{c.number("log_scale"), 1e300},
                                          {.x = by_x.view(), .y = by_y.view()}, {.bias = c.number("bias")});
    out.put("loss", loss.value);
    out.put("grad_image", by_x.data());
    out.put("grad_text", by_y.data());
    out.put("grad_log_scale", loss.by_temperature);
    out.put("grad_bias", loss.by_bias);
  }
};

const registration<infonce> registered_infonce;
const registration<clip_symmetric> registered_clip_symmetric;
const registration<ntxent> registered_ntxent;
const registration<moco_queue> registered_moco_queue;
const registration<siglip> registered_siglip;
const registration<clip_softplus> registered_clip_softplus;

}  // namespace
}  // namespace golden
