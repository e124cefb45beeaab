#pragma once
/// \file
/// Torch tensors as views, without a copy.
///
///     auto x = dispar::from_torch<const float, 2>(tensor);                    // a CPU tensor
///     auto g = dispar::from_torch<float, 2, dispar::device>(cuda_tensor);     // a CUDA tensor
///
/// Strides may be anything: transposed, sliced and expanded tensors are views as they are. The caller keeps the tensor alive.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <string>
#include <type_traits>

#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

/// The scalar type that torch has for an element.
template<class T>
inline constexpr at::ScalarType torch_type = at::ScalarType::Undefined;
/// Of the types that samples may have.
///@{
template<>
inline constexpr at::ScalarType torch_type<float> = at::kFloat;
template<>
inline constexpr at::ScalarType torch_type<double> = at::kDouble;
template<>
inline constexpr at::ScalarType torch_type<half> = at::kHalf;
template<>
inline constexpr at::ScalarType torch_type<bfloat16> = at::kBFloat16;
///@}

namespace detail {

/// `require` for values that are words: "x must be float or double, got Long".
inline void torch_require(bool condition, const std::string& argument, const char* rule, const std::string& got) {
  if (!condition) throw invalid_argument("dispar: " + argument + " " + rule + ", got " + got);
}
/// A tensor with memory that strides lead through.
inline void require_strided(const at::Tensor& t, const std::string& argument) {
  torch_require(t.defined(), argument, "must be defined", "an undefined tensor");
  torch_require(t.layout() == at::kStrided, argument, "must be dense (strided)", c10::str(t.layout()));
}

}  // namespace detail

/// The tensor as a view of `Rank` on `T` in `Space`; nothing is copied. A mutable view of an expanded tensor, in which elements
/// share memory, is refused. So is a tensor whose sign is still to be changed (a view of an imaginary part): `resolve_neg()` it.
/// Throws `invalid_argument` naming what does not fit: device, layout, type or rank.
template<class T, int Rank, memory_space Space = host>
[[nodiscard]] tensor_view<T, Rank, Space> from_torch(const at::Tensor& t) {
  using V = tensor_view<T, Rank, Space>;
  constexpr at::ScalarType type = torch_type<std::remove_cv_t<T>>;
  static_assert(type != at::ScalarType::Undefined, "dispar: from_torch views float, double, half and bfloat16");
  static_assert(std::same_as<Space, host> || std::same_as<Space, device>, "dispar: tensors are views of host or device memory");
  detail::require_strided(t, "from_torch: tensor");
  const bool fits = std::same_as<Space, host> ? t.device().is_cpu() : t.device().is_cuda();
  detail::torch_require(fits, "from_torch: device", "must be that of the view's memory space", t.device().str());
  detail::torch_require(t.scalar_type() == type, "from_torch: type", "must be that of the view", c10::toString(t.scalar_type()));
  require(t.dim() == Rank, "from_torch: dim()", ("must be " + std::to_string(Rank)).c_str(), static_cast<double>(t.dim()));
  require(!t.is_neg(), "from_torch: tensor", "must hold its elements as they are: call resolve_neg()");

  typename V::extents_type extents{}, strides{};
  for (int axis = 0; axis < Rank; ++axis) {
    extents[static_cast<std::size_t>(axis)] = static_cast<index>(t.size(axis));
    strides[static_cast<std::size_t>(axis)] = static_cast<index>(t.stride(axis));
    if constexpr (!std::is_const_v<T>)
      require(t.stride(axis) != 0 || t.size(axis) < 2, "from_torch: tensor",
              "must not be expanded for a view of mutable elements");
  }
  return V(static_cast<T*>(t.data_ptr()), extents, strides);
}

DISPAR_NAMESPACE_END
