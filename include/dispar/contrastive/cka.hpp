#pragma once

#include <limits>

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/centred_columns.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// Centred kernel alignment, and the three estimates of HSIC it is made of.
struct cka_similarity {
  double value;    ///< hsic_xy / sqrt(hsic_xx hsic_yy); 0 where the root is 0
  double hsic_xy;  ///< of both representations
  double hsic_xx;  ///< of the first with itself
  double hsic_yy;  ///< of the second with itself
};

/// How CKA is estimated.
struct cka_options {
  hsic_estimator form = hsic_estimator::biased;  ///< of the three; `unbiased` gives what is called debiased CKA
};

namespace detail {

/// From the sums over pairs. Centred values below what rounding leaves of values of that size are none:
/// constant rows.
struct finish_cka {
  const double* sum;
  const double* all_x;  ///< sums of the kernels' values; null: 0
  const double* all_y;
  double rows, terms, epsilon;
  centred_slopes* slopes;
  cka_similarity* out;
  [[nodiscard]] DISPAR_FN double root(double square, const double* all) const {
    const double least = all ? 8 * epsilon * std::fabs(*all) / rows : 0;
    return square > least * least ? std::sqrt(square) : 0;
  }
  DISPAR_FN void operator()() const {
    const double x = root(sum[1], all_x), y = root(sum[2], all_y);
    const bool defined = x > 0 && y > 0;
    const double value = defined ? sum[0] / x / y : 0;
    *out = {value, sum[0] / terms, sum[1] / terms, sum[2] / terms};
    *slopes = defined ? centred_slopes{1 / x, 1 / y, value, 1 / x, 1 / y} : centred_slopes{0, 0, 0, 0, 0};
  }
};

}  // namespace detail

/// Centred kernel alignment: how alike two representations of the same things are, whatever their rotation and scale,
///
///     CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)),    K_ij = k(x_i, x_j),  L_ij = l(y_i, y_j).
///
/// Biased: in [0, 1], 1 for y = c x Q with linear kernels (c not 0, Q orthogonal). Unbiased (debiased): may be negative, does not
/// grow with the number of features. Gradients are by the rows; a loss is 1 - CKA, so `.factor = -1`.
///
///     auto s = contrastive::cka(cpu{}, x, y, identity<dot>{}, identity<dot>{}, {.x = gx, .factor = -1});   // s.value
///     auto r = contrastive::cka(cpu{}, x, y, gaussian{median_bandwidth(cpu{}, x)}, gaussian{median_bandwidth(cpu{}, y)});
///
/// Arguments, cost, memory, bits and errors as `hsic`; by columns n (d^2 + d e + e^2) multiply-adds. Rows that are all the same
/// have no centred values: CKA 0, gradients 0.
///
/// Kornblith, Norouzi, Lee & Hinton, ICML 2019, section 3; debiased: Nguyen, Raghu & Kornblith, ICLR 2021, section 3.
template<backend B, sample_matrix X, sample_matrix Y, pair_function KX, pair_function KY>
[[nodiscard]] cka_similarity cka(const B& b, const X& x, const Y& y, const KX& kx, const KY& ky,
                                 const paired_gradients_of<X>& g = {}, const cka_options& o = {}) {
  result<cka_similarity, B> value(b);
  cka(b, x, y, kx, ky, value.view(), g, o);
  return value.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, pair_function KX, pair_function KY, class R>
void cka(const B& b, const X& first, const Y& second, const KX& kx, const KY& ky, const scalar_view<cka_similarity, R>& out,
         const paired_gradients_of<X>& g = {}, const cka_options& o = {}) {
  using space = typename B::space;
  static_assert(reachable<R, space>, "dispar: this backend cannot write to that memory");
  require(static_cast<bool>(out), "cka: out", "must not be the null view");
  const auto epsilon = static_cast<double>(std::numeric_limits<computed_type<value_type_of<X>>>::epsilon());
  detail::with_centred(b, first, second, kx, ky, g, o.form, [&](const auto& centred) {
    array<double, 1, B> sums(b, {3});
    result<detail::centred_slopes, B> slopes(b);
    centred.products(b, sums.view(), false);
    in_order(b, detail::finish_cka{sums.data(), centred.all(0), centred.all(1), static_cast<double>(centred.rows()),
                                   detail::hsic_terms(o.form, centred.rows()), epsilon, slopes.view().data(), out.data()});
    if (g.x || g.y) centred.gradient(b, slopes.data(), g, false);
  });
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix Y, pair_function KX, pair_function KY>
[[nodiscard]] cka_similarity cka(const X& x, const Y& y, const KX& kx, const KY& ky, const paired_gradients_of<X>& g = {},
                                 const cka_options& o = {}) {
  return cka(B{}, x, y, kx, ky, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
