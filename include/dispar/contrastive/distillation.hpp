#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/gradient_views.hpp"
#include "dispar/contrastive/sums.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

namespace detail {

template<class E>
struct squared_gaps {
  strided<const E> x, target;
  index features;
  double* sum;  ///< by row
  DISPAR_FN void operator()(index i) const {
    sum[i] = feature_sum(features, [&](index k) {
      const double gap = in_double(x(i, k)) - in_double(target(i, k));
      return gap * gap;
    });
  }
};
template<class E, class T>
struct gap_gradient {
  strided<const E> x, target;
  index features;
  double factor;
  const double* upstream;
  bool accumulate;
  strided<T> out;
  DISPAR_FN void operator()(index i) const {
    const double f = upstream ? factor * *upstream : factor;
    for (index k = 0; k < features; ++k) {
      const double by = f * (in_double(x(i, k)) - in_double(target(i, k)));
      out(i, k) = static_cast<T>(accumulate ? static_cast<double>(out(i, k)) + by : by);
    }
  }
};

}  // namespace detail

/// Distillation of vectors: the mean squared distance of features to those of a teacher, which is a constant,
///
///     L = 1/(n d) sum_ik (x_ik - target_ik)^2:
///
/// how CreamFL's server learns from the aggregated vectors of its clients, weighted by `factor` (0.3 there, times the groups of
/// clients that own the modality).
///
///     double loss = contrastive::distillation(cpu{}, x, target, {.x = gx, .factor = 0.3});   // the gradient of 0.3 L
///
/// x, target: n x d of one type, any strides. Computed in double. Time O(n d); memory: one number per row. The bits do not depend
/// on the number of threads; NaN in gives NaN out. Throws `invalid_argument` for matrices without rows or columns and shapes that
/// differ. Yu et al., ICLR 2023 (arXiv 2302.08888), released code: the mean square, where the paper speaks of an l2 distance.
template<backend B, sample_matrix X, sample_matrix Y>
[[nodiscard]] double distillation(const B& b, const X& x, const Y& target, const row_gradient_of<X>& g = {}) {
  result<double, B> loss(b);
  distillation(b, x, target, loss.view(), g);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, class R>
void distillation(const B& b, const X& rows_of_x, const Y& rows_of_target, const scalar_view<double, R>& out,
                  const row_gradient_of<X>& g = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  using S = space_of<X>;
  static_assert(std::same_as<E, value_type_of<Y>> && std::same_as<S, space_of<Y>>,
                "dispar: both matrices must have the same element type and memory space");
  static_assert(reachable<R, typename B::space>, "dispar: this backend cannot write to that memory");
  const matrix_view<const E, S> x = view_of(rows_of_x), target = view_of(rows_of_target);
  const auto number = [](index n) { return static_cast<double>(n); };
  require(static_cast<bool>(out), "distillation: out", "must not be the null view");
  require(x.rows() > 0 && x.cols() > 0, "distillation: x", "must have rows and columns", number(x.rows()));
  require(target.rows() == x.rows() && target.cols() == x.cols(), "distillation: target", "must have the shape of x",
          number(target.rows()));
  detail::require_like(g.x, x, "distillation: gradient by x");
  const auto rows = dispar::detail::strided_of(detail::reached<B>(x)),
             others = dispar::detail::strided_of(detail::reached<B>(target));
  array<double, 2, B> by_row(b, {x.rows(), 1});
  array<double, 1, B> sum(b, {1});
  const double size = number(x.size());
  for_each_index(b, x.rows(), size, detail::squared_gaps<E>{rows, others, x.cols(), by_row.data()});
  column_sums(b, std::as_const(by_row).view(), sum.view());
  in_order(b, detail::mean_of_pairs{sum.data(), size, out.data()});
  if (g.x)
    for_each_index(b, x.rows(), size,
                   detail::gap_gradient<E, T>{rows, others, x.cols(), 2 * g.factor / size, g.upstream.data(), g.accumulate,
                                              dispar::detail::strided_of(detail::reached<B>(g.x))});
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix Y>
[[nodiscard]] double distillation(const X& x, const Y& target, const row_gradient_of<X>& g = {}) {
  return distillation(B{}, x, target, g);
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
