#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/backend/step.hpp"
#include "dispar/backend/strided_matrix.hpp"
#include "dispar/backend/strided_vector.hpp"
#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference {

namespace detail {

struct jeffrey_step {
  dispar::detail::strided<const double> first, second;
  index samples_of_first, samples_of_second;
  dispar::detail::strided_vector<double> out;
  DISPAR_FN void operator()(index i) const { out(i) = mean(first, i, samples_of_first) - mean(second, i, samples_of_second); }
  DISPAR_FN static double mean(const dispar::detail::strided<const double>& x, index i, index n) {
    double sum = 0;
    for (index k = 0; k < n; ++k) sum += x(i, k);
    return sum / static_cast<double>(n);
  }
};

}  // namespace detail

/// The Jeffreys divergence of two models by samples: KL(P || Q) + KL(Q || P) from log-ratios r = log p - log q of answers that
/// P gave and of answers that Q gave, in groups (prompts) x samples:
///
///     values(i) = mean_k ratios_of_p(i, k) - mean_k ratios_of_q(i, k)
///
/// unbiased, and negative now and then. Of distributions over tokens there is the exact one, with its gradient:
/// `divergence::rows(b, p, q, divergence::jeffreys{}, values)`. The regularization that D2O (arXiv 2403.03419) carries
/// implicitly.
///
///     preference::jeffrey_monte_carlo(cpu{}, ratios_of_p, ratios_of_q, values);
///
/// All are doubles in memory that the backend reaches. Returns at once on a GPU. Throws `invalid_argument` for shapes that differ
/// and for no samples.
template<backend B, matrix_like P, matrix_like Q, class Values>
void jeffrey_monte_carlo(const B& b, const P& ratios_of_p, const Q& ratios_of_q, Values&& values) {
  const matrix_view<const double, space_of<P>> p = view_of(ratios_of_p);
  const matrix_view<const double, space_of<Q>> q = view_of(ratios_of_q);
  const auto out = view_of(values);
  static_assert(reachable<space_of<P>, typename B::space> && reachable<space_of<Q>, typename B::space> &&
                    reachable<space_of<Values>, typename B::space>,
                "dispar: this backend cannot read that memory; copy the data with dispar::to(backend, x)");
  require(p.rows() == q.rows(), "jeffrey_monte_carlo: groups", "must be the same of both", static_cast<double>(q.rows()));
  require(out.size() == p.rows(), "jeffrey_monte_carlo: values", "must have one entry per group",
          static_cast<double>(out.size()));
  require(p.cols() > 0 && q.cols() > 0, "jeffrey_monte_carlo: samples", "must be at least 1 per group");
  using dispar::detail::strided_of;
  for_each_index(b, p.rows(), detail::jeffrey_step{strided_of(p), strided_of(q), p.cols(), q.cols(), strided_of(out)});
}

}  // namespace preference

DISPAR_NAMESPACE_END
