#pragma once
/// \file
/// DLPack tensors (PyTorch, JAX, CuPy, NumPy, TVM, ...) as views, without a copy. No header of DLPack is included: any struct
/// with the members of DLTensor will do, `<dlpack/dlpack.h>`'s among them.
///
///     auto x = dispar::from_dlpack<const float, 2>(managed->dl_tensor);                    // memory of the host
///     auto g = dispar::from_dlpack<float, 2, dispar::device>(managed->dl_tensor);          // memory of a GPU
///
/// The caller keeps the tensor alive, and checks `device.device_id` where there are several devices.
/// Specification: https://dmlc.github.io/dlpack/latest/c_api.html

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

/// Anything with the members of DLTensor.
template<class D>
concept dlpack_tensor = requires(const D& t) {
  { t.data } -> std::convertible_to<void*>;
  { static_cast<int>(t.device.device_type) } -> std::same_as<int>;
  { t.ndim } -> std::convertible_to<int>;
  { t.dtype.code } -> std::convertible_to<int>;
  { t.dtype.bits } -> std::convertible_to<int>;
  { t.dtype.lanes } -> std::convertible_to<int>;
  { t.shape } -> std::convertible_to<const std::int64_t*>;
  { t.strides } -> std::convertible_to<const std::int64_t*>;
  { t.byte_offset } -> std::convertible_to<std::uint64_t>;
};

/// Anything with the tensor of DLManagedTensor or DLManagedTensorVersioned.
template<class D>
concept dlpack_managed = requires(const D& t) {
  requires dlpack_tensor<std::remove_cvref_t<decltype(t.dl_tensor)>>;
};

/// The type code of an element: DLPack's `DLDataTypeCode`. Specialize for a number type of yours.
template<class T>
struct dlpack_type;
/// The numbers that DLPack knows: float, double, half, bfloat16, integers, bool.
template<class T>
requires(std::floating_point<T> && sizeof(T) <= 8) || storage_number<T> || std::integral<T> struct dlpack_type<T> {
  /// DLPack's type code, and bits per element.
  ///@{
  static constexpr int code = std::same_as<T, bool>                             ? 6
                              : std::same_as<T, bfloat16>                       ? 4
                              : std::floating_point<T> || std::same_as<T, half> ? 2
                              : std::unsigned_integral<T>                       ? 1
                                                                                : 0;
  static constexpr int bits = 8 * static_cast<int>(sizeof(T));
  ///@}
};

namespace detail {

inline void dlpack_require(bool condition, const char* field, const std::string& rule, double value) {
  if (!condition) require(false, field, rule.c_str(), value);
}

/// Whether memory of a `DLDeviceType` is memory of the space: 1 CPU, 2 CUDA, 3 CUDA pinned, 10 ROCm, 11 ROCm pinned,
/// 13 CUDA managed. The host reads pinned and managed memory like its own, a device reads managed memory.
template<memory_space Space>
constexpr bool dlpack_device_fits(int type) {
  const bool is_pinned = type == 3 || type == 11, is_managed = type == 13;
  if constexpr (std::same_as<Space, host>) return type == 1 || is_pinned || is_managed;
  if constexpr (std::same_as<Space, device>) return type == 2 || type == 10 || is_managed;
  if constexpr (std::same_as<Space, pinned>) return is_pinned;
  return is_managed;
}
template<memory_space Space>
constexpr const char* dlpack_device_rule() {
  if constexpr (std::same_as<Space, host>) return "must be kDLCPU (1), or pinned (3, 11) or managed (13) memory";
  if constexpr (std::same_as<Space, device>) return "must be kDLCUDA (2), kDLROCM (10) or managed memory (13)";
  if constexpr (std::same_as<Space, pinned>) return "must be kDLCUDAHost (3) or kDLROCMHost (11)";
  return "must be kDLCUDAManaged (13)";
}

}  // namespace detail

/// The tensor as a view of `Rank` on `T` in `Space`; strides null means dense, the last index running fastest.
/// Throws `invalid_argument` naming the field and its value when device, type, rank, shape, memory or alignment do not fit.
template<class T, int Rank, memory_space Space = host, dlpack_tensor D>
[[nodiscard]] tensor_view<T, Rank, Space> from_dlpack(const D& t) {
  using V = tensor_view<T, Rank, Space>;
  using type = dlpack_type<std::remove_cv_t<T>>;
  const int device_type = static_cast<int>(t.device.device_type);
  require(detail::dlpack_device_fits<Space>(device_type), "from_dlpack: device.device_type", detail::dlpack_device_rule<Space>(),
          device_type);
  detail::dlpack_require(t.dtype.code == type::code, "from_dlpack: dtype.code", "must be " + std::to_string(type::code),
                         t.dtype.code);
  detail::dlpack_require(t.dtype.bits == type::bits, "from_dlpack: dtype.bits", "must be " + std::to_string(type::bits),
                         t.dtype.bits);
  require(t.dtype.lanes == 1, "from_dlpack: dtype.lanes", "must be 1", t.dtype.lanes);
  detail::dlpack_require(t.ndim == Rank, "from_dlpack: ndim", "must be " + std::to_string(Rank), t.ndim);
  require(Rank == 0 || t.shape != nullptr, "from_dlpack: shape", "must not be null");

  typename V::extents_type extents{}, strides{};
  for (int axis = 0; axis < Rank; ++axis) {
    require(t.shape[axis] >= 0, "from_dlpack: shape", "must not be negative", static_cast<double>(t.shape[axis]));
    extents[static_cast<std::size_t>(axis)] = static_cast<index>(t.shape[axis]);
  }
  if (V(nullptr, extents).size() == 0) return V(nullptr, extents);  // an empty tensor may come without memory
  require(t.data != nullptr, "from_dlpack: data", "must not be null");
  const auto address = reinterpret_cast<std::uintptr_t>(t.data) + static_cast<std::uintptr_t>(t.byte_offset);
  require(address % alignof(T) == 0, "from_dlpack: byte_offset", "must align the elements", static_cast<double>(t.byte_offset));
  T* const data = reinterpret_cast<T*>(address);
  if (t.strides == nullptr) return V(data, extents);
  for (int axis = 0; axis < Rank; ++axis) strides[static_cast<std::size_t>(axis)] = static_cast<index>(t.strides[axis]);
  return V(data, extents, strides);
}

/// The same from the struct that owns the tensor. A mutable view of a tensor flagged read-only is refused.
template<class T, int Rank, memory_space Space = host, dlpack_managed D>
[[nodiscard]] tensor_view<T, Rank, Space> from_dlpack(const D& managed_tensor) {
  if constexpr (requires { managed_tensor.flags; } && !std::is_const_v<T>)
    require((managed_tensor.flags & 1u) == 0, "from_dlpack: flags", "must not be read-only (1) for a view of mutable elements",
            static_cast<double>(managed_tensor.flags));
  return from_dlpack<T, Rank, Space>(managed_tensor.dl_tensor);
}

DISPAR_NAMESPACE_END
