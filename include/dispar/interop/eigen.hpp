#pragma once
/// \file
/// Eigen objects as arguments of dispar, without a copy: Matrix and Array of either storage order, Map with inner and outer
/// strides, Ref, Block, transposes, and every other expression whose elements lie in memory.
///
///     Eigen::MatrixXf x(n, d), y(m, d);
///     double v = dispar::mmd::estimate(cpu, x, y.topRows(100), kernel);
///
/// What is a vector at compile time (VectorXd, RowVectorXf, a row or a column of a matrix) is seen with rank 1, everything
/// else with rank 2. Elements are mutable where Eigen lets them be assigned, as an output must.
/// Expressions that compute their elements when read (x + y, 2 * x, x.cwiseAbs()) have no memory to view: evaluate them first.

#include <Eigen/Core>
#include <concepts>
#include <type_traits>

#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {
template<class Derived>
void eigen_base(const Eigen::DenseBase<Derived>&);  // not X itself: a VectorBlock is a Block, a user's class may be a Matrix
}

/// A dense Eigen object or expression.
template<class X>
concept eigen_dense = requires(const X& x) {
  detail::eigen_base(x);
};

/// One whose elements lie in memory with constant strides.
template<class X>
concept eigen_direct = eigen_dense<X> &&(static_cast<unsigned>(std::remove_cv_t<X>::Flags) & Eigen::DirectAccessBit) != 0 &&
                       requires(X& x) {
  { x.data() } -> std::convertible_to<const typename std::remove_cv_t<X>::Scalar*>;
  { x.rowStride() } -> std::convertible_to<index>;
  { x.colStride() } -> std::convertible_to<index>;
};

/// An Eigen vector, matrix, map, reference or block in memory is a view of its elements.
template<eigen_direct X>
struct view_traits<X> {
  /// The view; no copy.
  static auto view(X& x) {
    using T = std::remove_pointer_t<decltype(x.data())>;
    if constexpr (std::remove_cv_t<X>::IsVectorAtCompileTime)
      return vector_view<T>(x.data(), {x.size()}, {x.innerStride()});
    else
      return matrix_view<T>(x.data(), {x.rows(), x.cols()}, {x.rowStride(), x.colStride()});
  }
};

/// Catches expressions without memory, to say so in one sentence.
template<class X>
requires eigen_dense<std::remove_reference_t<X>> &&(!eigen_direct<std::remove_reference_t<X>>)void view_of(X&&) {
  static_assert(eigen_direct<std::remove_reference_t<X>>,
                "dispar: this Eigen expression computes its elements when they are read and has no memory to view; "
                "evaluate it into a Matrix or an Array first, for instance with .eval().");
}

DISPAR_NAMESPACE_END
