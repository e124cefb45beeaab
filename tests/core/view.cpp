#include "dispar/core/view.hpp"

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <type_traits>
#include <vector>

namespace core_tests {

using dispar::index;  // in a namespace: POSIX has a global index()
using dispar::matrix_view;
using dispar::tensor_view;
using dispar::vector_view;

std::vector<float> numbers(int count) {
  std::vector<float> v;
  for (int i = 0; i < count; ++i) v.push_back(static_cast<float>(i));
  return v;
}

TEST_CASE("a dense view runs fastest along its last index") {
  std::vector<float> v = numbers(24);
  const tensor_view<float, 3> t(v.data(), {2, 3, 4});
  CHECK(t.strides() == std::array<index, 3>{12, 4, 1});
  CHECK(t.size() == 24);
  CHECK(&t(1, 2, 3) == &v[23]);
  const matrix_view<float> m(v.data(), 4, 6);
  CHECK(m.rows() == 4);
  CHECK(m.cols() == 6);
  CHECK(m.extent(1) == 6);
  CHECK(m.stride(0) == 6);
  CHECK(&m(3, 1) == &v[19]);
  const vector_view<float> w(v.data() + 2, 5);
  CHECK(w(4) == 6.0f);
  w(4) = -1;
  CHECK(v[6] == -1.0f);
}

TEST_CASE("strides may be any number, zero and negative too") {
  std::vector<float> v = numbers(24);
  const matrix_view<const float> sparse(v.data() + 1, {3, 2}, {8, 3});
  CHECK(sparse(2, 1) == 20.0f);
  const matrix_view<const float> broadcast(v.data() + 5, {3, 4}, {0, 1});
  for (int i = 0; i < 3; ++i) CHECK(broadcast(i, 3) == 8.0f);
  const vector_view<const float> reversed(v.data() + 23, {24}, {-1});
  CHECK(reversed(0) == 23.0f);
  CHECK(reversed(23) == 0.0f);
  CHECK(reversed.slice(20, 4)(3) == 0.0f);
}

TEST_CASE("slices keep strides and refuse what lies outside, with a message") {
  std::vector<float> v = numbers(12);
  const matrix_view<float> m(v.data(), 4, 3);
  const auto part = m.slice(1, 2);
  CHECK(part.rows() == 2);
  CHECK(part.cols() == 3);
  CHECK(&part(1, 2) == &v[8]);
  CHECK(m.slice(0, 4).rows() == 4);
  CHECK(m.slice(4, 0).rows() == 0);
  CHECK(m.slice(2, 0).size() == 0);
  CHECK_THROWS_WITH_AS((void)m.slice(-1, 3), "dispar: slice: first must lie within the view, got -1", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)m.slice(5, 0), "dispar: slice: first must lie within the view, got 5", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)m.slice(3, 2), "dispar: slice: count must not exceed the entries from first on, got 2",
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)m.slice(0, -1), "dispar: slice: count must not exceed the entries from first on, got -1",
                       dispar::invalid_argument);
  const index huge = std::numeric_limits<index>::max();
  CHECK_THROWS_AS((void)m.slice(1, huge), dispar::invalid_argument);  // first + count would overflow
  CHECK_THROWS_AS((void)m.transposed().slice(3, 1), dispar::invalid_argument);
}

TEST_CASE("a transposed matrix is the same memory") {
  std::vector<float> v = numbers(12);
  const matrix_view<float> m(v.data(), 4, 3);
  const auto t = m.transposed();
  CHECK(t.rows() == 3);
  CHECK(t.cols() == 4);
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 3; ++j) CHECK(&t(j, i) == &m(i, j));
  CHECK(&t.slice(1, 2)(1, 3) == &m(3, 2));
  CHECK(t.transposed().strides() == m.strides());
}

TEST_CASE("the null view is false and empty") {
  const matrix_view<float> none;
  CHECK_FALSE(none);
  CHECK(none.size() == 0);
  CHECK(none.rows() == 0);
  CHECK(none.data() == nullptr);
  CHECK_FALSE(none.slice(0, 0));
  float x = 1;
  CHECK(vector_view<float>(&x, 1));
}

TEST_CASE("a view of rank 0 is one element") {
  double x = 3;
  const dispar::scalar_view<double> s(&x);
  CHECK(s.size() == 1);
  s() = 4;
  CHECK(x == 4);
}

TEST_CASE("mutable views convert to constant ones of the same rank and space, never back") {
  using dispar::device;
  static_assert(std::is_convertible_v<matrix_view<float>, matrix_view<const float>>);
  static_assert(!std::is_convertible_v<matrix_view<const float>, matrix_view<float>>);
  static_assert(!std::is_convertible_v<matrix_view<float>, matrix_view<const double>>);
  static_assert(!std::is_convertible_v<matrix_view<float>, matrix_view<const float, device>>);
  static_assert(!std::is_convertible_v<matrix_view<float, device>, matrix_view<float>>);
  static_assert(!std::is_convertible_v<matrix_view<float>, vector_view<const float>>);
  static_assert(std::is_trivially_copyable_v<matrix_view<float>>);
  std::vector<float> v = numbers(6);
  const matrix_view<float> m(v.data(), {2, 2}, {3, 1});
  const matrix_view<const float> c = m;
  CHECK(c.data() == m.data());
  CHECK(c.strides() == m.strides());
  CHECK(&c(1, 1) == &v[4]);
}

TEST_CASE("views work in constant expressions") {
  static constexpr float v[] = {1, 2, 3, 4, 5, 6};
  constexpr matrix_view<const float> m(v, 2, 3);
  static_assert(m(1, 2) == 6 && m.transposed()(2, 1) == 6 && m.slice(1, 1)(0, 0) == 4);
  CHECK(m.size() == 6);
}

}  // namespace core_tests
