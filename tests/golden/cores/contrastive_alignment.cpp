// Alignment of pairs, uniformity of rows, series and texts: contrastive-losses/align_uniform, balm-tsf/infonce_roll,
// scale_std.

#include "backend_under_test.hpp"
#include "dispar/contrastive/alignment.hpp"
#include "dispar/contrastive/rolled_infonce.hpp"
#include "dispar/contrastive/token_means.hpp"
#include "dispar/contrastive/token_spread.hpp"
#include "dispar/contrastive/uniformity.hpp"

namespace golden {
namespace {

namespace contrastive = dispar::contrastive;
using space = memory_under_test::space;

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

struct infonce_roll {
  static constexpr const char* name = "balm-tsf/infonce_roll";
  static constexpr double float_tolerance = 2e-4;  // logits are 1 / 0.07 times float similarities

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> series(c, "query"), texts(c, "positive"), by_series(series.shape()), by_texts(texts.shape());
    const dispar::index n = series.extent(0), d = series.extent(2);
    matrix<T> x(n, d), y(n, d), by_x(n, d), by_y(n, d);
    contrastive::token_means(b, series.tensor(), x.view());
    contrastive::token_means(b, texts.tensor(), y.view());
    const contrastive::temperature scale{c.number("initial_temperature")};
    const auto loss =
        contrastive::rolled_infonce(b, x.view(), y.view(), contrastive::cosine{}, scale, {.x = by_x.view(), .y = by_y.view()});
    contrastive::token_means_gradient(b, by_x.view(), by_series.tensor());
    contrastive::token_means_gradient(b, by_y.view(), by_texts.tensor());
    b.wait();
    out.put("loss", loss.value);
    out.put("grad_query", by_series.data());
    out.put("grad_positive", by_texts.data());
    out.put("grad_log_temperature", scale.tau * loss.by_temperature);
  }
};

struct scale_std {
  static constexpr const char* name = "balm-tsf/scale_std";
  static constexpr double float_tolerance = 1e-4;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> x(c, "text"), like(c, "ts"), by_out(c, "cotangent"), scaled(x.shape()), by_x(x.shape()), by_like(like.shape());
    matrix<T> factor(x.extent(0), x.extent(2));
    using read = dispar::tensor_view<const T, 3, space>;
    contrastive::match_token_spread(b, read(x.tensor()), read(like.tensor()), scaled.tensor(), factor.view());
    contrastive::match_token_spread_gradient(b, read(x.tensor()), read(like.tensor()), read(by_out.tensor()), by_x.tensor(),
                                             by_like.tensor());
    b.wait();
    out.put("factor", factor.data());
    out.put("scaled", scaled.data());
    out.put("grad_text", by_x.data());
    out.put("grad_ts", by_like.data());
  }
};

const registration<scale_std> registered_scale_std;
const registration<infonce_roll> registered_infonce_roll;
const registration<align_uniform> registered_align_uniform;

}  // namespace
}  // namespace golden
