#pragma once

#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// Where the gradient by one matrix of embeddings goes; the null view is not computed. It has the shape of the embeddings, and is
/// float for half and bfloat16; it may not be the embeddings themselves.
template<class T, memory_space S = host>
struct row_gradient {
  matrix_view<T, S> x{};                    ///< by the embeddings
  double factor = 1;                        ///< the upstream derivative: the gradient is multiplied with it
  bool accumulate = false;                  ///< add to what the view holds
  scalar_view<const double, S> upstream{};  ///< one more factor, read where the embeddings are; the null view: 1
};

/// The same for two matrices whose rows are pairs.
template<class T, memory_space S = host>
struct paired_gradients {
  matrix_view<T, S> x{};                    ///< by the first matrix
  matrix_view<T, S> y{};                    ///< by the second
  double factor = 1;                        ///< the upstream derivative: both gradients are multiplied with it
  bool accumulate = false;                  ///< add to what the views hold
  scalar_view<const double, S> upstream{};  ///< one more factor, read where the embeddings are; the null view: 1
};

/// Both for embeddings like X, so that braces are enough: `{.x = gx, .y = gy}`.
///@{
template<sample_matrix X>
using row_gradient_of = row_gradient<computed_type<value_type_of<X>>, space_of<X>>;
template<sample_matrix X>
using paired_gradients_of = paired_gradients<computed_type<value_type_of<X>>, space_of<X>>;
///@}

}  // namespace contrastive

DISPAR_NAMESPACE_END
