#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include "dispar/core/error.hpp"
#include "dispar/core/space.hpp"

DISPAR_NAMESPACE_BEGIN

/// Every extent, stride and index in dispar.
using index = std::ptrdiff_t;

/// A non-owning strided view of any rank on elements of `T` in memory of `Space`.
///
/// Strides count elements and may be zero (a broadcast) or negative. Copying a view copies no element; the memory must
/// outlive the view. `T` is `const` for input.
template<class T, int Rank, memory_space Space = host>
requires(Rank >= 0) class tensor_view {
public:
  /// Member type or constant of the view.
  ///@{
  using element_type = T;
  using value_type = std::remove_cv_t<T>;
  using space = Space;
  static constexpr int rank = Rank;
  using extents_type = std::array<index, static_cast<std::size_t>(Rank)>;
  ///@}

  /// The null view: no memory, all extents zero. As an output it means "not wanted".
  constexpr tensor_view() noexcept = default;

  /// Dense, the last index running fastest.
  constexpr tensor_view(T* data, extents_type extents) noexcept : data_(data), extents_(extents) {
    index stride = 1;
    for (int i = Rank; i-- > 0;) {
      strides_[static_cast<std::size_t>(i)] = stride;
      stride *= extents_[static_cast<std::size_t>(i)];
    }
  }
  /// With any strides, counted in elements.
  constexpr tensor_view(T* data, extents_type extents, extents_type strides) noexcept
      : data_(data), extents_(extents), strides_(strides) {}

  /// A dense row-major matrix of `rows` x `cols`.
  constexpr tensor_view(T* data, index rows, index cols) noexcept requires(Rank == 2)
      : tensor_view(data, extents_type{rows, cols}) {}
  /// A dense vector.
  constexpr tensor_view(T* data, index count) noexcept requires(Rank == 1) : tensor_view(data, extents_type{count}) {}
  /// One element.
  constexpr explicit tensor_view(T* data) noexcept requires(Rank == 0) : data_(data) {}

  /// A view of mutable elements is a view of constant ones.
  template<class U>
  requires(std::is_same_v<T, const U>) constexpr tensor_view(const tensor_view<U, Rank, Space>& other) noexcept
      : data_(other.data()), extents_(other.extents()), strides_(other.strides()) {}

  /// What the view was made of.
  ///@{
  [[nodiscard]] constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] constexpr const extents_type& extents() const noexcept { return extents_; }
  [[nodiscard]] constexpr const extents_type& strides() const noexcept { return strides_; }
  [[nodiscard]] constexpr index extent(int i) const noexcept { return extents_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] constexpr index stride(int i) const noexcept { return strides_[static_cast<std::size_t>(i)]; }
  ///@}
  /// False for the null view.
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return data_ != nullptr; }

  /// The number of elements; 1 for rank 0.
  [[nodiscard]] constexpr index size() const noexcept {
    index product = 1;
    for (index e : extents_) product *= e;
    return product;
  }

  /// The extents of a matrix.
  ///@{
  [[nodiscard]] constexpr index rows() const noexcept requires(Rank == 2) { return extents_[0]; }
  [[nodiscard]] constexpr index cols() const noexcept requires(Rank == 2) { return extents_[1]; }
  ///@}

  /// The element at the given indices; unchecked. Only where the host can reach the memory.
  template<class... I>
  requires(sizeof...(I) == static_cast<std::size_t>(Rank)) [[nodiscard]] constexpr T& operator()(I... i) const noexcept {
    index offset = 0;
    int axis = 0;
    ((offset += static_cast<index>(i) * strides_[static_cast<std::size_t>(axis++)]), ...);
    (void)axis;
    return data_[offset];
  }

  /// `count` entries along the first axis, starting at `first`: rows of a matrix, part of a vector.
  [[nodiscard]] constexpr tensor_view slice(index first, index count) const requires(Rank >= 1) {
    require(first >= 0 && first <= extents_[0], "slice: first", "must lie within the view", static_cast<double>(first));
    require(count >= 0 && count <= extents_[0] - first, "slice: count", "must not exceed the entries from first on",
            static_cast<double>(count));
    tensor_view part = *this;
    part.data_ += first * strides_[0];
    part.extents_[0] = count;
    return part;
  }

  /// The matrix with rows and columns exchanged; no element moves.
  [[nodiscard]] constexpr tensor_view transposed() const noexcept requires(Rank == 2) {
    return {data_, {extents_[1], extents_[0]}, {strides_[1], strides_[0]}};
  }

private:
  T* data_ = nullptr;
  extents_type extents_{};
  extents_type strides_{};
};

/// Rows are samples or tokens, columns are features or vocabulary.
template<class T, memory_space Space = host>
using matrix_view = tensor_view<T, 2, Space>;
/// A sequence of numbers.
template<class T, memory_space Space = host>
using vector_view = tensor_view<T, 1, Space>;
/// One number: where an asynchronous result arrives.
template<class T, memory_space Space = host>
using scalar_view = tensor_view<T, 0, Space>;

/// The same elements as a view of host memory: for code that runs on the host and takes whatever the host reaches.
template<class T, int Rank, memory_space Space>
requires reachable<Space, host>
[[nodiscard]] constexpr tensor_view<T, Rank> as_host(const tensor_view<T, Rank, Space>& view) noexcept {
  return {view.data(), view.extents(), view.strides()};
}

DISPAR_NAMESPACE_END
