// Kernel matrices: mmd-mp/deep_kernel.

#include "backend_under_test.hpp"
#include "dispar/kernels/deep.hpp"
#include "dispar/mmd/gram.hpp"

namespace golden {
namespace {

struct deep_kernel_matrix {
  static constexpr const char* name = "mmd-mp/deep_kernel";
  // A squared distance by |a|^2 + |b|^2 - 2ab has an absolute error of a few roundings (6e-8) of the squared norms, which are
  // below 10 here and in any data of unit scale and few features; the kernel halves it by its width.
  static constexpr double float_tolerance = 1e-5;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> phi(c, "phi");
    const dispar::index n = c.integer("n");
    matrix<T> result(phi.rows(), phi.rows());
    dispar::mmd::gram(b, phi.x(n), phi.y(n), dispar::identity<dispar::sq_euclidean>{}, result.view());
    b.wait();
    out.put("phi_sqdist", result.data());

    const double sigma0 = c.number("sigma0");
    if (c.number("smooth", 1) != 0) {
      const matrix<T> raw(c, "raw");
      dispar::mmd::gram(b, dispar::channels(phi.x(n), raw.x(n)), dispar::channels(phi.y(n), raw.y(n)),
                        dispar::deep_kernel<>::from(c.number("sigma"), sigma0, c.number("epsilon")), result.view());
    } else {
      dispar::mmd::gram(b, phi.x(n), phi.y(n), dispar::feature_kernel{sigma0}, result.view());
    }
    b.wait();
    out.put("gram", result.data());
  }
};

const registration<deep_kernel_matrix> registered;

}  // namespace
}  // namespace golden
