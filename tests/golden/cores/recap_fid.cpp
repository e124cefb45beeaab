// The Frechet distance of fitted normal distributions: recap/fid.

#include "backend_under_test.hpp"
#include "dispar/metrics/frechet_distance.hpp"
#if defined(DISPAR_GOLDEN_GPU)
#include "dispar/backend/gpu/linalg.hpp"
#else
#include "dispar/backend/host/linalg.hpp"
#endif

namespace golden {
namespace {

struct fid {
  static constexpr const char* name = "recap/fid";
  // Features rounded to float, 6e-8, move every covariance by as much, relative to its largest entry; distances are differences
  // of traces about ten times as large.
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    if (c.integer("ddof", 1) != 1) throw std::runtime_error("covariances are divided by n - 1 only");
    const matrix<T> x(c, "x"), y(c, "y");
    const auto r = dispar::metrics::frechet_distance(b, x.view(), y.view());
    out.put("fid", r.distance);
    out.put("fid_pytorch_fid", r.distance);
    out.put("mean_term", r.mean_term);
    out.put("trace_sqrt", r.cross_trace);
    put_fit(b, x, "x", out);
    put_fit(b, y, "y", out);
  }

  template<class B, class X>
  static void put_fit(const B& b, const X& x, const char* of, outputs& out) {
    const auto fit = dispar::metrics::fit_normal(b, x.view());
    const auto mean = to_host(b, fit.mean);
    const auto covariance = to_host(b, fit.covariance);
    const auto numbers = [](const auto& a) { return std::vector<double>(a.data(), a.data() + a.view().size()); };
    out.put(std::string("mean_") + of, numbers(mean));
    out.put(std::string("cov_") + of, numbers(covariance));
  }
};

const registration<fid> registered;

}  // namespace
}  // namespace golden
