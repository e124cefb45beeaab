#pragma once
/// \file
/// What a loss of embeddings reads and writes when tensors call it. No torch in here: a .cu file includes it too.

#include <array>
#include <cstdint>

#include "dispar/core/vec.hpp"
#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// Arguments of a loss of embeddings; null views are not there, not wanted.
///
/// A loss is a trivially copyable struct with `results`, how many numbers it gives, and a function `run(backend, arguments)` that
/// fills the gradients and returns these numbers, `vec<double, results>`: the value, then its derivatives by the numbers that may
/// be trained, in the order in which the function on tensors hands them in.
template<class E, memory_space S>
struct embedding_arguments {
  std::array<matrix_view<const E, S>, 4> rows{};               ///< matrices of embeddings
  std::array<matrix_view<computed_type<E>, S>, 4> by{};        ///< gradients by them
  std::array<vector_view<const std::int64_t, S>, 3> labels{};  ///< of the rows of the first three matrices
  vector_view<const E, S> numbers{};                           ///< one number per row of the first matrix
  bool scalars = false;                                        ///< whether derivatives by trained numbers are wanted
};

}  // namespace autograd

DISPAR_NAMESPACE_END
