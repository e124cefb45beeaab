#pragma once
/// \file
/// `view_of(x)`: anything with a `view_traits` specialization as a strided view, without a copy.
/// Specializations for Eigen, xtensor, mdspan, DLPack and others are in `dispar/interop/`.

#include <concepts>
#include <span>
#include <type_traits>
#include <vector>

#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

/// Specialize with `static auto view(X&)` returning a `tensor_view` to make a container of yours an argument of dispar.
/// `X` may be `const`-qualified.
template<class X>
struct view_traits;

template<class T, int Rank, class Space>
struct view_traits<tensor_view<T, Rank, Space>> {
  static constexpr auto view(const tensor_view<T, Rank, Space>& x) noexcept { return x; }
};
template<class T, int Rank, class Space>
struct view_traits<const tensor_view<T, Rank, Space>> : view_traits<tensor_view<T, Rank, Space>> {};

template<class T, class A>
struct view_traits<std::vector<T, A>> {
  static auto view(std::vector<T, A>& x) noexcept { return vector_view<T>(x.data(), static_cast<index>(x.size())); }
};
template<class T, class A>
struct view_traits<const std::vector<T, A>> {
  static auto view(const std::vector<T, A>& x) noexcept {
    return vector_view<const T>(x.data(), static_cast<index>(x.size()));
  }
};

template<class T, std::size_t N>
struct view_traits<std::span<T, N>> {
  static constexpr auto view(std::span<T, N> x) noexcept { return vector_view<T>(x.data(), static_cast<index>(x.size())); }
};
template<class T, std::size_t N>
struct view_traits<const std::span<T, N>> : view_traits<std::span<T, N>> {};

template<class X>
concept viewable = requires(X& x) { view_traits<X>::view(x); };

/// The view of `x`; no element is copied.
template<class X>
  requires viewable<std::remove_reference_t<X>>
[[nodiscard]] constexpr auto view_of(X&& x) {
  return view_traits<std::remove_reference_t<X>>::view(x);
}

/// The type of the view of an `X`, elements constant.
template<class X>
using view_type = decltype(view_traits<const std::remove_cvref_t<X>>::view(std::declval<const std::remove_cvref_t<X>&>()));

template<class X>
using value_type_of = typename view_type<X>::value_type;
template<class X>
using space_of = typename view_type<X>::space;

template<class T>
concept real = std::same_as<T, float> || std::same_as<T, double>;

/// Anything that `view_of` turns into a matrix of `float` or `double`.
template<class X>
concept matrix_like = viewable<const std::remove_cvref_t<X>> && view_type<X>::rank == 2 && real<value_type_of<X>>;

/// Anything that `view_of` turns into a vector of `float` or `double`.
template<class X>
concept vector_like = viewable<const std::remove_cvref_t<X>> && view_type<X>::rank == 1 && real<value_type_of<X>>;

/// `as_matrix(data, rows, cols)`: a contiguous row-major range (span, vector, array) with extents.
template<class R>
[[nodiscard]] constexpr auto as_matrix(R& range, index rows, index cols) {
  using T = std::remove_pointer_t<decltype(std::data(range))>;
  require(rows >= 0 && cols >= 0 && rows * cols == static_cast<index>(std::size(range)), "as_matrix: rows * cols",
          "must equal the number of elements", static_cast<double>(rows * cols));
  return matrix_view<T>(std::data(range), rows, cols);
}

DISPAR_NAMESPACE_END
