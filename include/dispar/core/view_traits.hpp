#pragma once
/// \file
/// `view_of(x)`: anything with a `view_traits` specialization as a strided view, without a copy.
/// Specializations for Eigen, xtensor, mdspan, DLPack and others are in `dispar/interop/`.

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "dispar/core/half.hpp"
#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

/// Specialize with `static auto view(X&)` returning a `tensor_view` to make a container of yours an argument of dispar.
/// `X` may be `const`-qualified.
template<class X>
struct view_traits;

/// A view is itself.
template<class T, int Rank, class Space>
struct view_traits<tensor_view<T, Rank, Space>> {
  /// The view; no copy.
  static constexpr auto view(const tensor_view<T, Rank, Space>& x) noexcept { return x; }
};
template<class T, int Rank, class Space>
struct view_traits<const tensor_view<T, Rank, Space>> : view_traits<tensor_view<T, Rank, Space>> {};

/// A std::vector is a vector of its elements.
template<class T, class A>
requires(!std::same_as<T, bool>)  // has no array of bool
    struct view_traits<std::vector<T, A>> {
  /// The view; no copy.
  static auto view(std::vector<T, A>& x) noexcept { return vector_view<T>(x.data(), static_cast<index>(x.size())); }
};
/// A constant std::vector is a vector of constant elements.
template<class T, class A>
requires(!std::same_as<T, bool>) struct view_traits<const std::vector<T, A>> {
  /// The view; no copy.
  static auto view(const std::vector<T, A>& x) noexcept { return vector_view<const T>(x.data(), static_cast<index>(x.size())); }
};

/// A std::span is a vector of its elements.
template<class T, std::size_t N>
struct view_traits<std::span<T, N>> {
  /// The view; no copy.
  static constexpr auto view(std::span<T, N> x) noexcept { return vector_view<T>(x.data(), static_cast<index>(x.size())); }
};
template<class T, std::size_t N>
struct view_traits<const std::span<T, N>> : view_traits<std::span<T, N>> {};

/// A std::array is a vector of its elements.
template<class T, std::size_t N>
struct view_traits<std::array<T, N>> {
  /// The view; no copy.
  static constexpr auto view(std::array<T, N>& x) noexcept { return vector_view<T>(x.data(), static_cast<index>(N)); }
};
/// A constant std::array is a vector of constant elements.
template<class T, std::size_t N>
struct view_traits<const std::array<T, N>> {
  /// The view; no copy.
  static constexpr auto view(const std::array<T, N>& x) noexcept { return vector_view<const T>(x.data(), static_cast<index>(N)); }
};

/// A built-in array is a vector of its elements.
template<class T, std::size_t N>
struct view_traits<T[N]> {
  /// The view; no copy.
  static constexpr auto view(T (&x)[N]) noexcept { return vector_view<T>(x, static_cast<index>(N)); }
};

/// Anything with a `view_traits` specialization.
template<class X>
concept viewable = requires(X& x) {
  view_traits<X>::view(x);
};

/// The view of `x`; no element is copied.
template<class X>
requires viewable<std::remove_reference_t<X>>
[[nodiscard]] constexpr auto view_of(X&& x) { return view_traits<std::remove_reference_t<X>>::view(x); }

/// The type of the view of an `X`, elements constant.
template<class X>
using view_type = decltype(view_traits<const std::remove_cvref_t<X>>::view(std::declval<const std::remove_cvref_t<X>&>()));

/// The type of the elements of the view of an `X`.
template<class X>
using value_type_of = typename view_type<X>::value_type;
/// The memory space of the view of an `X`.
template<class X>
using space_of = typename view_type<X>::space;

/// The number types that are computed with.
template<class T>
concept real = std::same_as<T, float> || std::same_as<T, double>;

/// Number types of samples that are stored only: products and sums are float. For the `gpu` backend.
template<class T>
concept storage_number = std::same_as<T, half> || std::same_as<T, bfloat16>;

/// What is computed with where elements are `T`.
template<class T>
requires real<T> || storage_number<T>
using computed_type = std::conditional_t<storage_number<T>, float, T>;

/// Anything that `view_of` turns into a matrix of `float` or `double`.
template<class X>
concept matrix_like = viewable<const std::remove_cvref_t<X>> && view_type<X>::rank == 2 && real<value_type_of<X>>;

/// A matrix of the elements that samples may have: `float` or `double`, and `half` or `bfloat16` on a GPU.
template<class X>
concept sample_matrix = viewable<const std::remove_cvref_t<X>> && view_type<X>::rank == 2 &&
                        (real<value_type_of<X>> || storage_number<value_type_of<X>>);

/// Anything that `view_of` turns into a vector of `float` or `double`.
template<class X>
concept vector_like = viewable<const std::remove_cvref_t<X>> && view_type<X>::rank == 1 && real<value_type_of<X>>;

/// `as_matrix(data, rows, cols)`: a vector (span, std::vector, Eigen or Thrust vector, ...) as `rows` rows of `cols` elements,
/// one row after the other. The space and the stride of the vector are kept; no element is copied.
/// Throws `invalid_argument` unless `rows * cols` is the number of elements.
template<class X>
requires viewable<std::remove_reference_t<X>> &&(decltype(view_of(std::declval<X&>()))::rank == 1)
    [[nodiscard]] constexpr auto as_matrix(X&& data, index rows, index cols) {
  const auto vector = view_of(data);
  using V = decltype(vector);
  require(rows >= 0, "as_matrix: rows", "must not be negative", static_cast<double>(rows));
  require(cols >= 0, "as_matrix: cols", "must not be negative", static_cast<double>(cols));
  // Divided, since the product of two absurd extents overflows.
  const bool fits = cols == 0 ? vector.size() == 0 : vector.size() % cols == 0 && vector.size() / cols == rows;
  require(fits, "as_matrix: rows * cols", "must equal the number of elements",
          static_cast<double>(rows) * static_cast<double>(cols));
  return matrix_view<typename V::element_type, typename V::space>(vector.data(), {rows, cols},
                                                                  {cols * vector.stride(0), vector.stride(0)});
}

/// `as_matrix<device>(data, rows, cols)`: the memory behind a pointer, dense, one row after the other. The pointer does not know
/// where it points: the caller names the space, host unless told otherwise.
///
///     float* x;
///     cudaMalloc(&x, n * d * sizeof(float));
///     double v = dispar::mmd::estimate(gpu, dispar::as_matrix<dispar::device>(x, n, d), y, kernel);
///
/// Rows that are further apart: `matrix_view<const float, device>(x, {n, d}, {row_stride, 1})`.
/// Throws `invalid_argument` for negative extents, and for a null pointer where there are elements.
template<memory_space Space = host, class P>
requires std::is_pointer_v<std::remove_reference_t<P>>  // an array is none: it knows its size
[[nodiscard]] constexpr auto as_matrix(P&& data, index rows, index cols) {
  require(rows >= 0, "as_matrix: rows", "must not be negative", static_cast<double>(rows));
  require(cols >= 0, "as_matrix: cols", "must not be negative", static_cast<double>(cols));
  require(data != nullptr || rows == 0 || cols == 0, "as_matrix: data", "must not be null");
  return matrix_view<std::remove_pointer_t<std::remove_cvref_t<P>>, Space>(data, rows, cols);
}

/// Any other contiguous range as `rows` rows of `cols` elements in host memory.
template<class R>
requires(!viewable<std::remove_reference_t<R>>) && requires(R& r) { std::span(r); }
[[nodiscard]] constexpr auto as_matrix(R&& range, index rows, index cols) { return as_matrix(std::span(range), rows, cols); }

DISPAR_NAMESPACE_END
