// Series of BALM-TSF: balm-tsf/revin, revin_affine, metrics.

#include "backend_under_test.hpp"
#include "dispar/contrastive/revin.hpp"
#include "dispar/metrics/forecast_errors.hpp"

namespace golden {
namespace {

template<class T, class B>
void normalize_and_back(const B& b, const fixture& c, const dispar::contrastive::revin_affine<T, memory_under_test::space>& map,
                        outputs& out) {
  using space = memory_under_test::space;
  using read = dispar::tensor_view<const T, 3, space>;
  tensor<T> x(c, "x"), forecast(c, "pred"), normed(x.shape()), denormed(forecast.shape());
  matrix<double> level(x.extent(0), x.extent(2)), scale(x.extent(0), x.extent(2));
  const dispar::contrastive::revin_statistics<space> kept{level.view(), scale.view()};
  const dispar::contrastive::revin_options o{.eps = c.number("eps")};
  dispar::contrastive::revin_normalize(b, read(x.tensor()), normed.tensor(), kept, map, o);
  dispar::contrastive::revin_denormalize(b, read(forecast.tensor()), denormed.tensor(), kept, map, o);
  b.wait();
  out.put("mean", level.data());
  out.put("stdev", scale.data());
  out.put("normed", normed.data());
  out.put("denormed", denormed.data());
}

struct revin {
  static constexpr const char* name = "balm-tsf/revin";
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    normalize_and_back<T>(b, c, {}, out);
  }
};

struct revin_with_map {
  static constexpr const char* name = "balm-tsf/revin_affine";
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    tensor<T> weight(c, "weight"), bias(c, "bias");
    normalize_and_back<T>(b, c, {.weight = weight.vector(), .bias = bias.vector()}, out);
  }
};

struct series_errors {
  static constexpr const char* name = "balm-tsf/metrics";
  static constexpr double float_tolerance = 1e-4;  // relative errors where the truth is small

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    using space = memory_under_test::space;
    tensor<T> forecast(c, "pred"), truth(c, "true");
    const auto rows = [](tensor<T>& x) {
      return dispar::matrix_view<const T, space>(
          x.matrix(x.extent(0), static_cast<dispar::index>(x.data().size()) / x.extent(0)));
    };
    const auto e = dispar::metrics::forecast_errors(b, rows(forecast), rows(truth));
    std::vector<double> in_order;
    for (const std::string& each : c.texts("order"))
      in_order.push_back(each == "mae"    ? e.mae
                         : each == "mse"  ? e.mse
                         : each == "rmse" ? e.rmse
                         : each == "mape" ? e.mape
                                          : e.mspe);
    out.put("metrics", in_order);
  }
};

const registration<revin> registered_revin;
const registration<revin_with_map> registered_revin_with_map;
const registration<series_errors> registered_series_errors;

}  // namespace
}  // namespace golden
