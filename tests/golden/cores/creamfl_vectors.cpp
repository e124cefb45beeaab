// CreamFL: creamfl/intra_contrast, distill, gca, mm_regulariser.

#include <numeric>

#include "backend_under_test.hpp"
#if defined(DISPAR_GOLDEN_GPU)
#include "dispar/backend/gpu/sort.hpp"
#endif
#include "dispar/contrastive/distillation.hpp"
#include "dispar/contrastive/global_local.hpp"
#include "dispar/contrastive/model_contrast.hpp"
#include "dispar/contrastive/supcon.hpp"

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

/// Both modalities of a client: within, one mean over all rows; between, every vector against all of the other modality.
struct mm_regulariser {
  static constexpr const char* name = "creamfl/mm_regulariser";
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    namespace contrastive = dispar::contrastive;
    const matrix<T> own[2] = {{c, "image"}, {c, "text"}}, previous[2] = {{c, "prev_image"}, {c, "prev_text"}},
                    global[2] = {{c, "global_image"}, {c, "global_text"}};
    tensor<std::int64_t> row(c, "index"), all_rows({global[0].rows()});
    std::iota(all_rows.data().begin(), all_rows.data().end(), 0);
    const double tau = c.number("temperature"), weight = c.number("interintra_weight");
    const dispar::index n = own[0].rows(), d = own[0].view().cols();
    double intra = 0, inter[2] = {};
    matrix<T> gradient[2] = {{n, d}, {n, d}};
    for (int side = 0; side < 2; ++side) {
      matrix<T> same(n, d);
      for (dispar::index i = 0; i < n; ++i)
        for (dispar::index k = 0; k < d; ++k) same.view()(i, k) = global[side].view()(row.data()[static_cast<std::size_t>(i)], k);
      intra += contrastive::model_contrast(b, own[side].view(), same.view(), previous[side].view(), contrastive::inner_product{},
                                           {.x = gradient[side].view(), .factor = weight / 2}, {.temperature = tau}) /
               2;
    }
    const auto between = [&](int side, double factor) {
      return contrastive::supcon(b, own[side].view(), row.vector(), global[1 - side].view(), all_rows.vector(),
                                 contrastive::inner_product{}, contrastive::temperature{tau},
                                 {.x = gradient[side].view(), .factor = factor, .accumulate = true})
          .value;
    };
    const bool scaled = c.flag("loss_scale", false);
    double by_inter = weight;
    if (scaled) {  // the size of one term relative to the other is a constant
      double sum = 0;
      for (int side = 0; side < 2; ++side) sum += between(side, 0);
      by_inter = weight * intra / sum;
    }
    for (int side = 0; side < 2; ++side) inter[side] = between(side, by_inter);
    out.put("intra", intra);
    out.put("inter", inter[0] + inter[1]);
    out.put("total", weight * intra + by_inter * (inter[0] + inter[1]));
    out.put("grad_image", gradient[0].data());
    out.put("grad_text", gradient[1].data());
  }
};

const registration<mm_regulariser> registered_mm_regulariser;
const registration<intra_contrast> registered_intra_contrast;
const registration<distill> registered_distill;
const registration<gca> registered_gca;

}  // namespace
}  // namespace golden
