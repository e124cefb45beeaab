#include "dispar/interop/xtensor.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xfixed.hpp>
#include <xtensor/xstrided_view.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>

#include "same_elements.hpp"

namespace interop_tests {

using dispar::as_view;
using dispar::index;  // in a namespace: POSIX has a global index()
using dispar::view_of;

namespace {
template<class X>
auto element_of(X& x) {
  return [&x](auto... i) -> auto& { return x(i...); };
}
}  // namespace

TEST_CASE_TEMPLATE("xtensors of rank 1 to 4 and every layout", T, float, double) {
  xt::xtensor<T, 1> one = xt::xtensor<T, 1>::from_shape({7});
  xt::xtensor<T, 2> two = xt::xtensor<T, 2>::from_shape({3, 4});
  xt::xtensor<T, 2, xt::layout_type::column_major> columns = xt::xtensor<T, 2, xt::layout_type::column_major>::from_shape({3, 4});
  xt::xtensor<T, 3> three = xt::xtensor<T, 3>::from_shape({2, 3, 4});
  xt::xtensor<T, 4, xt::layout_type::dynamic> four({2, 3, 2, 3}, xt::layout_type::column_major);
  check_same_elements(view_of(one), {7}, element_of(one));
  check_same_elements(view_of(two), {3, 4}, element_of(two));
  check_same_elements(view_of(std::as_const(two)), {3, 4}, element_of(two));
  check_same_elements(view_of(columns), {3, 4}, element_of(columns));
  check_same_elements(view_of(three), {2, 3, 4}, element_of(three));
  check_same_elements(view_of(std::as_const(three)), {2, 3, 4}, element_of(three));
  check_same_elements(view_of(four), {2, 3, 2, 3}, element_of(four));
  CHECK(view_of(two).data() == two.data());
  CHECK(view_of(columns).stride(0) == 1);
  static_assert(std::is_same_v<viewed_element<xt::xtensor<T, 2>>, T>);
  static_assert(std::is_same_v<viewed_element<const xt::xtensor<T, 2>>, const T>);
  static_assert(dispar::matrix_like<xt::xtensor<T, 2>> && dispar::vector_like<xt::xtensor<T, 1>>);
  view_of(two)(2, 3) = T(5);
  CHECK(two(2, 3) == T(5));
}

TEST_CASE("an extent of 1 gets the stride of a dense matrix, not xtensor's 0") {
  xt::xtensor<float, 2> row = xt::xtensor<float, 2>::from_shape({1, 5}), column = xt::xtensor<float, 2>::from_shape({5, 1});
  CHECK(view_of(row).strides() == std::array<index, 2>{5, 1});
  CHECK(view_of(column).strides() == std::array<index, 2>{1, 1});
  check_same_elements(view_of(row), {1, 5}, element_of(row));
  check_same_elements(view_of(column), {5, 1}, element_of(column));
}

TEST_CASE("adaptors on memory of others, and tensors of fixed shape") {
  std::vector<double> memory(12);
  const std::vector<double>& constant = memory;
  auto adapted = xt::adapt(memory, std::array<std::size_t, 2>{3, 4});
  auto read_only = xt::adapt(constant, std::array<std::size_t, 2>{4, 3});
  auto pointer = xt::adapt(memory.data(), 12, xt::no_ownership(), std::array<std::size_t, 3>{2, 2, 3});
  const auto at = [&](index i) -> double& { return memory[static_cast<std::size_t>(i)]; };
  check_same_elements(view_of(adapted), {3, 4}, [&](index i, index j) -> double& { return at(4 * i + j); });
  check_same_elements(view_of(read_only), {4, 3}, [&](index i, index j) -> double& { return at(3 * i + j); });
  check_same_elements(view_of(pointer), {2, 2, 3}, [&](index i, index j, index k) -> double& { return at(6 * i + 3 * j + k); });
  static_assert(std::is_same_v<viewed_element<decltype(adapted)>, double>);
  static_assert(std::is_same_v<viewed_element<decltype(read_only)>, const double>);
  xt::xtensor_fixed<float, xt::xshape<2, 3>> fixed;
  check_same_elements(view_of(fixed), {2, 3}, element_of(fixed));
}

TEST_CASE_TEMPLATE("strided views", X, xt::xtensor<float, 3>, xt::xtensor<float, 3, xt::layout_type::column_major>) {
  X x = X::from_shape({4, 6, 5});
  const X& constant = x;
  auto part = xt::view(x, xt::range(1, 3), xt::all(), xt::range(0, 5, 2));
  check_same_elements(view_of(part), {2, 6, 3}, [&](index i, index j, index k) -> float& { return x(i + 1, j, 2 * k); });
  auto matrix = xt::view(x, 2, xt::range(1, 6), xt::all());
  check_same_elements(view_of(matrix), {5, 5}, [&](index i, index j) -> float& { return x(2, i + 1, j); });
  auto inner = xt::view(constant, xt::all(), 3, 4);
  check_same_elements(view_of(inner), {4}, [&](index i) -> const float& { return constant(i, 3, 4); });
  auto nested = xt::view(matrix, xt::range(2, 4), 1);
  check_same_elements(view_of(nested), {2}, [&](index i) -> float& { return x(2, i + 3, 1); });
  static_assert(std::is_same_v<viewed_element<decltype(part)>, float>);
  static_assert(std::is_same_v<viewed_element<decltype(inner)>, const float>);
}

TEST_CASE("as_view names the rank of what knows it only at run time") {
  xt::xarray<float> a = xt::xarray<float>::from_shape({3, 4});
  const xt::xarray<float>& constant = a;
  static_assert(!dispar::viewable<xt::xarray<float>>);
  check_same_elements(as_view<2>(a), {3, 4}, element_of(a));
  check_same_elements(as_view<2>(constant), {3, 4}, element_of(a));
  static_assert(std::is_same_v<decltype(as_view<2>(constant))::element_type, const float>);
  auto strided = xt::strided_view(a, {xt::range(0, 3, 2), 1});
  check_same_elements(as_view<1>(strided), {2}, [&](index i) -> float& { return a(2 * i, 1); });
  xt::xtensor<float, 2> fixed_rank = xt::xtensor<float, 2>::from_shape({2, 2});
  check_same_elements(as_view<2>(fixed_rank), {2, 2}, element_of(fixed_rank));
  CHECK_THROWS_WITH_AS((void)as_view<3>(a), "dispar: as_view: rank must be 3, got 2", dispar::invalid_argument);
  CHECK_THROWS_AS((void)as_view<1>(a), dispar::invalid_argument);
}

TEST_CASE("expressions without memory are not viewable") {
  xt::xtensor<float, 2> x = xt::xtensor<float, 2>::from_shape({3, 3});
  static_assert(!dispar::viewable<decltype(x + x)> && !dispar::matrix_like<decltype(x + x)>);
  auto kept = xt::view(x, xt::keep(0, 2), xt::all());
  static_assert(!dispar::viewable<decltype(kept)>);
  CHECK(view_of(x).size() == 9);
}

}  // namespace interop_tests
