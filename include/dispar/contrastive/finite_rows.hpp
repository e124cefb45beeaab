#pragma once
/// \file
/// What losses of embeddings require of their arguments.

#include <string>

#include "dispar/contrastive/gradient_views.hpp"
#include "dispar/contrastive/pair_bands.hpp"
#include "dispar/core/special_values.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive::detail {

/// On the host, rows with NaN or infinity are known by their lengths before any work.
template<class E, backend B>
void require_finite(const embeddings<E, B>& x, const char* name) {
  if constexpr (std::same_as<typename B::space, host>)
    for (index i = 0; i < x.count(); ++i)
      if (is_special(x.norm.data()[i]))
        throw invalid_argument("dispar: contrastive: " + std::string(name) + ": row " + std::to_string(i) +
                               " holds NaN or infinity");
}

/// A gradient, where wanted, has the shape of what it is by.
template<class T, class E, memory_space S>
void require_like(const matrix_view<T, S>& by, const matrix_view<const E, S>& of, const char* name) {
  if (by)
    require(by.rows() == of.rows() && by.cols() == of.cols(), name, "must have the shape of what it is a gradient by",
            static_cast<double>(by.rows()));
}

/// The views of two matrices whose rows are pairs; `loss` is named where they do not fit together.
template<sample_matrix X, sample_matrix Y>
[[nodiscard]] auto matched_views(const char* loss, const X& rows_of_x, const Y& rows_of_y) {
  using E = value_type_of<X>;
  using S = space_of<X>;
  static_assert(std::same_as<E, value_type_of<Y>> && std::same_as<S, space_of<Y>>,
                "dispar: both matrices must have the same element type and memory space");
  const matrix_view<const E, S> x = view_of(rows_of_x), y = view_of(rows_of_y);
  const auto must = [loss](bool holds, const char* argument, const char* rule, index value) {
    require(holds, (std::string(loss) + ": " + argument).c_str(), rule, static_cast<double>(value));
  };
  must(x.rows() > 0, "rows of x", "must be at least 1", x.rows());
  must(x.cols() > 0, "columns of x", "must be at least 1", x.cols());
  must(y.rows() == x.rows(), "rows of y", "must be those of x", y.rows());
  must(y.cols() == x.cols(), "columns of y", "must be those of x", y.cols());
  return std::array<matrix_view<const E, S>, 2>{x, y};
}
/// The same for a loss with a place for it and for its gradients.
template<backend B, sample_matrix X, sample_matrix Y, class Loss, memory_space R>
[[nodiscard]] auto matched_views(const char* loss, const X& rows_of_x, const Y& rows_of_y, const scalar_view<Loss, R>& out,
                                 const paired_gradients_of<X>& g) {
  static_assert(reachable<R, typename B::space>, "dispar: this backend cannot write to that memory");
  require(static_cast<bool>(out), (std::string(loss) + ": out").c_str(), "must not be the null view");
  const auto both = matched_views(loss, rows_of_x, rows_of_y);
  require_like(g.x, both[0], (std::string(loss) + ": gradient by x").c_str());
  require_like(g.y, both[1], (std::string(loss) + ": gradient by y").c_str());
  return both;
}

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
