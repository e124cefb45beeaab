#pragma once
/// \file
/// mdspans as arguments of dispar, without a copy: std::mdspan, and by their interface the implementations of Kokkos,
/// std::experimental and cuda::std. No header of theirs is included.
///
///     std::mdspan x(data, n, d);
///     double v = dispar::mmd::estimate(cpu, x, y, kernel);
///
/// The memory is taken for the host's. For memory of a device, wrap the view: `as_view<dispar::device>(x)`.

#include <concepts>
#include <cstddef>
#include <type_traits>

#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

/// Anything with the interface of std::mdspan whose layout is strided and whose accessor is plain memory. An accessor that
/// computes (std::linalg::scaled, conjugated) is refused: its pointer leads to other values than its elements.
template<class M>
concept mdspan_like = requires(const M& m, std::size_t axis) {
  typename M::extents_type;
  typename M::element_type;
  requires std::same_as<typename M::data_handle_type, typename M::element_type*>;
  requires std::same_as<typename M::reference, typename M::element_type&>;
  { M::rank() } -> std::convertible_to<std::size_t>;
  requires M::mapping_type::is_always_strided();
  { m.data_handle() } -> std::convertible_to<typename M::data_handle_type>;
  { m.extent(axis) } -> std::convertible_to<std::size_t>;
  { m.stride(axis) } -> std::convertible_to<std::size_t>;
};

/// `as_view<device>(m)`: the mdspan as a view of memory in the given space.
template<memory_space Space, mdspan_like M>
[[nodiscard]] constexpr auto as_view(const M& m) {
  using V = tensor_view<typename M::element_type, static_cast<int>(M::rank()), Space>;
  typename V::extents_type extents{}, strides{};
  for (std::size_t axis = 0; axis < extents.size(); ++axis) {
    extents[axis] = static_cast<index>(m.extent(static_cast<decltype(M::rank())>(axis)));
    strides[axis] = static_cast<index>(m.stride(static_cast<decltype(M::rank())>(axis)));
  }
  return V(m.data_handle(), extents, strides);
}

/// An mdspan is a view of host memory.
template<class M>
requires mdspan_like<std::remove_cv_t<M>>
struct view_traits<M> {
  /// The view; no copy.
  static constexpr auto view(const M& m) { return as_view<host>(m); }
};

DISPAR_NAMESPACE_END
