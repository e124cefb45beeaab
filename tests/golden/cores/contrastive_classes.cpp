// Softmax losses by labels: contrastive-losses/supcon, contrastive-losses/circle, csdn/supcon, creamfl/inter_contrast.

#include "backend_under_test.hpp"
#if defined(DISPAR_GOLDEN_GPU)
#include "dispar/backend/gpu/sort.hpp"
#endif
#include "dispar/contrastive/circle.hpp"
#include "dispar/contrastive/supcon.hpp"

namespace golden {
namespace {

/// Logits in float are off by 1e-7 times their size, up to 200, and gradients are differences of their exponentials.
constexpr double tolerance_of_class_logits = 2e-4;

struct supcon_within {
  static constexpr const char* name = "contrastive-losses/supcon";
  static constexpr double float_tolerance = tolerance_of_class_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    using dispar::contrastive::positives_mean;
    const matrix<T> x(c, "x");
    matrix<T> by_x(x.rows(), x.view().cols());
    tensor<std::int64_t> labels(c, "label");
    const positives_mean positives = c.text("variant", {"out", "in"}) == "in" ? positives_mean::in : positives_mean::out;
    const auto loss = dispar::contrastive::supcon(b, x.view(), labels.vector(), dispar::contrastive::cosine{},
                                                  dispar::contrastive::temperature{c.number("temperature")}, {.x = by_x.view()},
                                                  {.positives = positives, .base_temperature = c.number("base_temperature", 0)});
    std::vector<double> valid;
    for (const std::int64_t label : labels.data()) {
      double rows = 0;
      for (const std::int64_t other : labels.data()) rows += other == label ? 1 : 0;
      valid.push_back(rows > 1 ? 1 : 0);
    }
    out.put("loss", loss.value);
    out.put("grad_x", by_x.data());
    out.put("grad_temperature", loss.by_temperature);
    out.put("valid_anchors", valid);
  }
};

struct supcon_across {
  static constexpr const char* name = "csdn/supcon";
  static constexpr double float_tolerance = tolerance_of_class_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "a"), y(c, "b");
    matrix<T> by_x(x.rows(), x.view().cols()), by_y(y.rows(), y.view().cols());
    tensor<std::int64_t> of_x(c, "label_a"), of_y(c, "label_b");
    const auto loss = [&](const auto& how) {
      return dispar::contrastive::supcon(b, x.view(), of_x.vector(), y.view(), of_y.vector(), how,
                                         dispar::contrastive::temperature{c.number("temperature", 1)},
                                         {.x = by_x.view(), .y = by_y.view()});
    };
    const bool unit = c.number("normalise", 0) != 0;
    out.put("loss", unit ? loss(dispar::contrastive::cosine{}).value : loss(dispar::contrastive::inner_product{}).value);
    out.put("grad_a", by_x.data());
    out.put("grad_b", by_y.data());
  }
};

struct inter_contrast {
  static constexpr const char* name = "creamfl/inter_contrast";
  static constexpr double float_tolerance = tolerance_of_class_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "local"), memory(c, "global_other");
    matrix<T> by_x(x.rows(), x.view().cols());
    tensor<std::int64_t> item(c, "index"), numbers({memory.rows()});
    for (std::size_t j = 0; j < numbers.data().size(); ++j) numbers.data()[j] = static_cast<std::int64_t>(j);
    const auto loss = dispar::contrastive::supcon(b, x.view(), item.vector(), memory.view(), numbers.vector(),
                                                  dispar::contrastive::inner_product{},
                                                  dispar::contrastive::temperature{c.number("temperature")}, {.x = by_x.view()});
    out.put("loss", loss.value);
    out.put("grad_local", by_x.data());
  }
};

struct circle_by_label {
  static constexpr const char* name = "contrastive-losses/circle";
  static constexpr double float_tolerance = tolerance_of_class_logits;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    using dispar::contrastive::pairing;
    const matrix<T> x(c, "x");
    matrix<T> by_x(x.rows(), x.view().cols());
    tensor<std::int64_t> labels(c, "label");
    const pairing pairs = c.text("pairing", {"global", "anchor"}) == "anchor" ? pairing::anchor : pairing::global;
    const auto loss =
        dispar::contrastive::circle(b, x.view(), labels.vector(), dispar::contrastive::cosine{}, {.x = by_x.view()},
                                    {.margin = c.number("m", 0.25), .gamma = c.number("gamma", 256), .pairs = pairs});
    out.put("loss", loss.value);
    out.put("grad_x", by_x.data());
  }
};

const registration<circle_by_label> registered_circle_by_label;
const registration<supcon_within> registered_supcon_within;
const registration<supcon_across> registered_supcon_across;
const registration<inter_contrast> registered_inter_contrast;

}  // namespace
}  // namespace golden
