#pragma once
/// \file
/// xtensor objects as arguments of dispar, without a copy: xtensor, xtensor_fixed, adaptors (xt::adapt) and strided views
/// (xt::view on ranges and integers), of any layout.
///
///     xt::xtensor<float, 2> x = xt::load_npy<float>("x.npy");
///     double v = dispar::mmd::estimate(cpu, x, xt::view(x, xt::range(0, 100)), kernel);
///
/// Where the rank is known only at run time (xarray, xt::strided_view), name it: `as_view<2>(a)`.
/// Expressions that compute their elements when read (x + y, xt::view with xt::keep) have no memory to view.

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#if __has_include(<xtensor/core/xexpression.hpp>)
#include <xtensor/core/xexpression.hpp>  // since 0.26
#else
#include <xtensor/xexpression.hpp>
#endif

#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

/// Anything that is an expression of xtensor.
template<class X>
concept xtensor_expression = std::derived_from<std::remove_cv_t<X>, xt::xexpression<std::remove_cv_t<X>>>;

/// One whose elements lie in memory with constant strides.
template<class X>
concept xtensor_direct = xtensor_expression<X> && requires(X& x) {
  { *x.data() } -> std::convertible_to<const typename std::remove_cv_t<X>::value_type&>;
  requires std::is_pointer_v<decltype(x.data())>;
  { x.data_offset() } -> std::convertible_to<std::size_t>;
  { x.strides().size() } -> std::convertible_to<std::size_t>;
  { x.shape().size() } -> std::convertible_to<std::size_t>;
};

namespace detail {

/// The rank in the type, or -1 where only the object knows it. A view of xtensor tells it by its shape alone.
template<class X>
constexpr int xtensor_rank() {
  using shape = std::remove_cvref_t<decltype(std::declval<const X&>().shape())>;
  if constexpr (requires { std::tuple_size<shape>::value; }) return static_cast<int>(std::tuple_size<shape>::value);
  if constexpr (requires { X::rank; }) return X::rank == static_cast<std::size_t>(-1) ? -1 : static_cast<int>(X::rank);
  return -1;
}

template<int Rank, class X>
auto xtensor_view_of_data(X& x) {
  using T = std::remove_pointer_t<decltype(x.data())>;
  using V = tensor_view<T, Rank>;
  typename V::extents_type extents{}, strides{};
  const auto& shape = x.shape();
  const auto& steps = x.strides();
  index dense = 1;
  for (std::size_t axis = extents.size(); axis-- > 0;) {
    extents[axis] = static_cast<index>(shape[axis]);
    // xtensor gives extents of 1 the stride 0; as the leading dimension of a matrix product that would be an error.
    strides[axis] = extents[axis] == 1 ? dense : static_cast<index>(steps[axis]);
    dense = std::max<index>(1, extents[axis] * strides[axis]);
  }
  return V(x.data() + x.data_offset(), extents, strides);
}

template<int Rank, class X>
auto xtensor_view(X& x) {
  // An adaptor of a constant container claims mutable elements until its data() is instantiated.
  if constexpr (!std::is_const_v<X> && requires { requires std::is_const_v<std::remove_reference_t<decltype(x.storage())>>; })
    return xtensor_view<Rank>(std::as_const(x));
  else
    return xtensor_view_of_data<Rank>(x);
}

}  // namespace detail
/// An xtensor object of fixed rank in memory is a view of its elements.

template<xtensor_direct X>
requires(detail::xtensor_rank<std::remove_cv_t<X>>() >= 0) struct view_traits<X> {
  /// The view; no copy.
  static auto view(X& x) { return detail::xtensor_view<detail::xtensor_rank<std::remove_cv_t<X>>()>(x); }
};

/// `as_view<2>(a)`: the view of an xarray or another object whose rank is known only at run time.
/// Throws `invalid_argument` when the rank is another one.
template<int Rank, class X>
requires xtensor_direct<std::remove_reference_t<X>>
[[nodiscard]] auto as_view(X&& x) {
  if (x.shape().size() != static_cast<std::size_t>(Rank))
    require(false, "as_view: rank", ("must be " + std::to_string(Rank)).c_str(), static_cast<double>(x.shape().size()));
  return detail::xtensor_view<Rank>(x);
}

/// Catches what has no memory or no rank, to say so in one sentence.
template<class X>
requires xtensor_expression<std::remove_reference_t<X>> &&(!viewable<std::remove_reference_t<X>>)void view_of(X&&) {
  static_assert(xtensor_direct<std::remove_reference_t<X>>,
                "dispar: this xtensor expression computes its elements when they are read and has no memory to view; "
                "evaluate it into an xt::xtensor first.");
  static_assert(!xtensor_direct<std::remove_reference_t<X>> || viewable<std::remove_reference_t<X>>,
                "dispar: the rank of this xtensor object is known only at run time; name it: dispar::as_view<2>(x).");
}

DISPAR_NAMESPACE_END
