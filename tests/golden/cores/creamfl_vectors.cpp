// CreamFL: creamfl/intra_contrast, distill, gca.

#include "backend_under_test.hpp"
#include "dispar/contrastive/distillation.hpp"
#include "dispar/contrastive/global_local.hpp"
#include "dispar/contrastive/model_contrast.hpp"

namespace golden {
namespace {

struct intra_contrast {
  static constexpr const char* name = "creamfl/intra_contrast";
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> x(c, "local"), same(c, "global_same"), previous(c, "previous");
    matrix<T> by_x(x.rows(), x.view().cols());
    out.put("loss",
            dispar::contrastive::model_contrast(b, x.view(), same.view(), previous.view(), dispar::contrastive::inner_product{},
                                                {.x = by_x.view()}, {.temperature = c.number("temperature")}));
    out.put("grad_local", by_x.data());
  }
};

struct distill {
  static constexpr const char* name = "creamfl/distill";
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    double loss = 0;
    const auto side = [&](const char* own, const char* target, const char* group, const char* gradient) {
      const double groups = (c.number(group) > 0 ? 1 : 0) + (c.number("num_mm_clients") > 0 ? 1 : 0);
      const double weight = c.number("kd_weight") * groups;
      const matrix<T> x(c, own), y(c, target);
      matrix<T> by_x(x.rows(), x.view().cols());
      loss += weight * dispar::contrastive::distillation(b, x.view(), y.view(), {.x = by_x.view(), .factor = weight});
      out.put(gradient, by_x.data());
    };
    side("image", "agg_image", "num_img_clients", "grad_image");
    side("text", "agg_text", "num_txt_clients", "grad_text");
    out.put("loss", loss);
  }
};

struct gca {
  static constexpr const char* name = "creamfl/gca";
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    using space = memory_under_test::space;
    using rows = dispar::matrix_view<const T, space>;
    tensor<T> client(c, "client");
    const matrix<T> other(c, "global_other");
    const dispar::index clients = client.extent(0), n = client.extent(1), d = client.extent(2);
    std::vector<rows> views;
    for (dispar::index k = 0; k < clients; ++k) views.emplace_back(client.data().data() + k * n * d, n, d);
    matrix<T> aggregated(n, d);
    matrix<double> score(clients, n), weight(clients, n);
    dispar::contrastive::global_local(b, std::span<const rows>(views), other.view(), aggregated.view(),
                                      {.temperature = c.number("temperature"), .weights = weight.view(), .scores = score.view()});
    b.wait();
    out.put("score", score.data());
    out.put("weight", weight.data());
    out.put("aggregated", aggregated.data());
  }
};

const registration<intra_contrast> registered_intra_contrast;
const registration<distill> registered_distill;
const registration<gca> registered_gca;

}  // namespace
}  // namespace golden
