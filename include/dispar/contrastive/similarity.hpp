#pragma once

#include <concepts>
#include <type_traits>

#include "dispar/core/config.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// Similarity: the inner product of unit rows, <x, y> / (|x| |y|). A row shorter than `floor` is divided by `floor`, as in
/// `torch.nn.functional.normalize`; a row of zeros is similar to nothing and gets the gradient 0.
struct cosine {
  double floor = 1e-12;  ///< shortest length that is divided by
  /// What a row of length `norm` is multiplied with; `side` is 0 for the first matrix, 1 for the second, 2 for further negatives.
  [[nodiscard]] DISPAR_FN double row_factor(double norm, int /*side*/) const {
    return norm > 0 ? 1 / (norm > floor ? norm : floor) : norm;
  }
  /// Whether the factor of a row of that length depends on it: the gradient then is projected onto the sphere.
  [[nodiscard]] DISPAR_FN bool on_sphere(double norm, int /*side*/) const { return norm > floor; }
};

/// Similarity: the inner product with unit rows of the second matrix and of further negatives, rows of the first as they are:
/// <x, y> / |y|. The released code of UBP, where the first matrix embeds brain signals.
struct projection {
  double floor = 1e-12;  ///< shortest length that is divided by
  /// See `cosine`.
  ///@{
  [[nodiscard]] DISPAR_FN double row_factor(double norm, int side) const {
    return side == 0 ? 1 : cosine{floor}.row_factor(norm, side);
  }
  [[nodiscard]] DISPAR_FN bool on_sphere(double norm, int side) const { return side != 0 && norm > floor; }
  ///@}
};

/// Similarity: the inner product of the rows as they are, for rows that are unit already, or not meant to be.
struct inner_product {
  /// See `cosine`.
  ///@{
  [[nodiscard]] DISPAR_FN double row_factor(double /*norm*/, int /*side*/) const { return 1; }
  [[nodiscard]] DISPAR_FN bool on_sphere(double /*norm*/, int /*side*/) const { return false; }
  ///@}
};

/// How rows are scaled before their inner products are taken: a user's own looks like `cosine`.
template<class S>
concept similarity = std::is_trivially_copyable_v<S> && requires(const S s, double norm) {
  { s.row_factor(norm, 0) } -> std::convertible_to<double>;
  { s.on_sphere(norm, 0) } -> std::convertible_to<bool>;
};

}  // namespace contrastive

DISPAR_NAMESPACE_END
