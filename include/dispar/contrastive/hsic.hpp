#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/centred_columns.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// How HSIC is estimated.
struct hsic_options {
  hsic_estimator form = hsic_estimator::biased;  ///< which estimate
};

namespace detail {

/// The estimate from the sum over pairs, and its derivatives by both kernels' values.
struct finish_hsic {
  const double* sum;
  double terms;
  centred_slopes* slopes;
  double* out;
  DISPAR_FN void operator()() const {
    *out = *sum / terms;
    *slopes = {1, 1, 0, 1 / terms, 1 / terms};
  }
};

}  // namespace detail

/// The Hilbert-Schmidt independence criterion: how much two representations of the same things depend on each other,
///
///     biased:     tr(K H L H) / (n - 1)^2,    H = I - 1 1' / n,
///     unbiased:   (tr(K' L') + 1'K'1 1'L'1 / ((n - 1) (n - 2)) - 2 / (n - 2) 1'K'L'1) / (n (n - 3)),
///
/// K_ij = k(x_i, x_j), L_ij = l(y_i, y_j), K' and L' with zero diagonals. Large: dependent. Gradients are by the rows.
///
///     double h = contrastive::hsic(cpu{}, x, y, identity<dot>{}, identity<dot>{}, {.x = gx, .y = gy});   // linear kernels
///     double g = contrastive::hsic(cpu{}, x, y, gaussian{2.0}, gaussian{0.5}, {}, {hsic_estimator::unbiased});
///
/// x: n x d, y: n x e, of one type, any strides. Two kernels of one channel and of the same metric: both of inner products
/// (`identity<dot>` is the linear kernel, `polynomial`), or both of the same distance. Bandwidths: `median_bandwidth`; gradients
/// do not flow through those. Values are centred pair by pair and summed, so that independent samples do not lose their digits in
/// a difference of traces; linear kernels see centred columns. Accuracy in float: 1e-6 of the mean square of the kernels'
/// values. By columns, see below, gradients of CKA are off by 2e-6 of the largest on the host, with 3000 rows as with 100 000
/// (tests/contrastive/cka.cpp).
///
/// Time: two passes over all pairs, n^2 (d + e) multiply-adds, a third for gradients, which takes three halves as many. Two
/// linear kernels, biased, with d + e <= n: by columns, n d e multiply-adds, three times that with gradients. Memory: linear in
/// n: a packed copy, a few numbers per row, for inner products one more copy; never n x n. The bits depend on shapes only, not on
/// the number of threads.
///
/// Throws `invalid_argument` for fewer than 2 rows (unbiased: 4), no columns, rows that differ in number, gradients of another
/// shape, parameters that a kernel refuses, and NaN or infinity in a row (on a GPU at the next wait). Gretton, Bousquet, Smola
/// & Schoelkopf, ALT 2005, definition 2; Song, Smola, Gretton, Bedo & Borgwardt, JMLR 13 (2012), equation 5.
template<backend B, sample_matrix X, sample_matrix Y, pair_function KX, pair_function KY>
[[nodiscard]] double hsic(const B& b, const X& x, const Y& y, const KX& kx, const KY& ky, const paired_gradients_of<X>& g = {},
                          const hsic_options& o = {}) {
  result<double, B> value(b);
  hsic(b, x, y, kx, ky, value.view(), g, o);
  return value.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, pair_function KX, pair_function KY, class R>
void hsic(const B& b, const X& first, const Y& second, const KX& kx, const KY& ky, const scalar_view<double, R>& out,
          const paired_gradients_of<X>& g = {}, const hsic_options& o = {}) {
  using space = typename B::space;
  static_assert(reachable<R, space>, "dispar: this backend cannot write to that memory");
  require(static_cast<bool>(out), "hsic: out", "must not be the null view");
  detail::with_centred(b, first, second, kx, ky, g, o.form, [&](const auto& centred) {
    array<double, 1, B> sums(b, {3});
    result<detail::centred_slopes, B> slopes(b);
    centred.products(b, sums.view(), true);
    in_order(b, detail::finish_hsic{sums.data(), detail::hsic_terms(o.form, centred.rows()), slopes.view().data(), out.data()});
    if (g.x || g.y) centred.gradient(b, slopes.data(), g, true);
  });
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix Y, pair_function KX, pair_function KY>
[[nodiscard]] double hsic(const X& x, const Y& y, const KX& kx, const KY& ky, const paired_gradients_of<X>& g = {},
                          const hsic_options& o = {}) {
  return hsic(B{}, x, y, kx, ky, g, o);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
