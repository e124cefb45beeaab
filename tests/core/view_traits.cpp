#include "dispar/core/view_traits.hpp"

#include <doctest/doctest.h>

#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace core_tests {

using dispar::as_matrix;
using dispar::view_of;

// What a user writes to bring in a container.
struct grid {
  std::vector<double> cells = std::vector<double>(6);
};

}  // namespace core_tests

template<>
struct dispar::view_traits<core_tests::grid> {
  static auto view(core_tests::grid& g) { return matrix_view<double>(g.cells.data(), 2, 3); }
};
template<>
struct dispar::view_traits<const core_tests::grid> {
  static auto view(const core_tests::grid& g) { return matrix_view<const double>(g.cells.data(), 2, 3); }
};

namespace core_tests {

TEST_CASE("vectors, spans and arrays are vectors on their own memory") {
  std::vector<float> v(5);
  std::array<double, 4> a{};
  float c[3] = {};
  const auto check = [](auto& x, auto* data, std::ptrdiff_t size) {
    using T = std::remove_pointer_t<decltype(data)>;
    CHECK(view_of(x).data() == data);
    CHECK(view_of(x).size() == size);
    static_assert(std::is_same_v<decltype(view_of(x)), dispar::vector_view<T>>);
    static_assert(std::is_same_v<decltype(view_of(std::as_const(x))), dispar::vector_view<const T>>);
    CHECK(view_of(std::as_const(x)).data() == data);
    static_assert(dispar::vector_like<decltype(x)> && !dispar::matrix_like<decltype(x)>);
  };
  check(v, v.data(), 5);
  check(a, a.data(), 4);
  check(c, c + 0, 3);
  const std::span<float> s(v);
  const std::span<const float, 2> fixed(v.data(), 2);
  static_assert(std::is_same_v<decltype(view_of(s)), dispar::vector_view<float>>);  // constness of a span is shallow
  static_assert(std::is_same_v<decltype(view_of(fixed)), dispar::vector_view<const float>>);
  CHECK(view_of(s).data() == v.data());
  CHECK(view_of(fixed).size() == 2);
}

TEST_CASE("views are viewable as themselves") {
  float x[6] = {};
  dispar::matrix_view<float> m(x, {3, 2}, {1, 3});
  CHECK(view_of(m).strides() == m.strides());
  CHECK(view_of(std::as_const(m)).data() == x);
  CHECK(view_of(m.transposed()).rows() == 2);
  static_assert(dispar::matrix_like<dispar::matrix_view<float>> && dispar::matrix_like<const dispar::matrix_view<const double>&>);
  static_assert(!dispar::matrix_like<dispar::matrix_view<int>>);
  static_assert(std::is_same_v<dispar::space_of<dispar::matrix_view<float, dispar::device>>, dispar::device>);
  static_assert(std::is_same_v<dispar::value_type_of<dispar::matrix_view<const double>>, double>);
}

TEST_CASE("what has no memory of elements is not viewable") {
  static_assert(!dispar::viewable<std::vector<bool>> && !dispar::viewable<const std::vector<bool>>);
  static_assert(!dispar::viewable<int> && !dispar::viewable<std::string>);
  static_assert(!dispar::matrix_like<std::vector<bool>> && !dispar::vector_like<std::vector<int>>);
  CHECK(dispar::viewable<std::vector<int>>);
}

TEST_CASE("a container of the user's") {
  grid g;
  static_assert(dispar::matrix_like<grid>);
  view_of(g)(1, 2) = 7;
  CHECK(g.cells[5] == 7);
  CHECK(&view_of(std::as_const(g))(0, 0) == g.cells.data());
}

TEST_CASE("as_matrix lays rows one after the other on the same memory") {
  std::vector<double> v(12);
  const auto m = as_matrix(v, 3, 4);
  CHECK(m.data() == v.data());
  CHECK(m.strides() == std::array<dispar::index, 2>{4, 1});
  static_assert(std::is_same_v<decltype(as_matrix(v, 3, 4)), dispar::matrix_view<double>>);
  static_assert(std::is_same_v<decltype(as_matrix(std::as_const(v), 3, 4)), dispar::matrix_view<const double>>);
  CHECK(&as_matrix(std::span(v).subspan(2, 6), 2, 3)(1, 0) == &v[5]);
  const dispar::vector_view<double> every_second(v.data(), {6}, {2});
  CHECK(&as_matrix(every_second, 2, 3)(1, 1) == &v[8]);
  const dispar::vector_view<float, dispar::device> far(nullptr, 6);
  static_assert(std::is_same_v<decltype(as_matrix(far, 2, 3)), dispar::matrix_view<float, dispar::device>>);
  std::string text = "abcdef";  // no view_traits, but a contiguous range
  CHECK(as_matrix(text, 2, 3)(1, 0) == 'd');
  CHECK(as_matrix(std::vector<float>{}, 0, 4).cols() == 4);
  CHECK(as_matrix(std::vector<float>{}, 4, 0).rows() == 4);
}

TEST_CASE("as_matrix takes a pointer's memory to lie where the caller says") {
  float x[6] = {};
  const float* const constant = x;
  float* const pointer = x;
  static_assert(std::is_same_v<decltype(as_matrix(pointer, 2, 3)), dispar::matrix_view<float>>);
  static_assert(std::is_same_v<decltype(as_matrix<dispar::device>(pointer, 2, 3)), dispar::matrix_view<float, dispar::device>>);
  static_assert(
      std::is_same_v<decltype(as_matrix<dispar::pinned>(constant, 2, 3)), dispar::matrix_view<const float, dispar::pinned>>);
  static_assert(std::is_same_v<decltype(as_matrix<dispar::managed>(&x[0], 2, 3)), dispar::matrix_view<float, dispar::managed>>);
  CHECK(&as_matrix(pointer, 2, 3)(1, 1) == &x[4]);
  CHECK(as_matrix<dispar::device>(constant, 3, 2).strides() == std::array<std::ptrdiff_t, 2>{2, 1});
  CHECK(as_matrix(x, 3, 2).rows() == 3);  // an array is no pointer: its size is checked
  CHECK_THROWS_AS((void)as_matrix(x, 3, 3), dispar::invalid_argument);
  float* const null = nullptr;
  CHECK(as_matrix<dispar::device>(null, 0, 3).cols() == 3);
  CHECK_THROWS_WITH_AS((void)as_matrix<dispar::device>(null, 2, 3), "dispar: as_matrix: data must not be null",
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)as_matrix(pointer, -2, 3), "dispar: as_matrix: rows must not be negative, got -2",
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)as_matrix(pointer, 2, -3), "dispar: as_matrix: cols must not be negative, got -3",
                       dispar::invalid_argument);
}

TEST_CASE("as_matrix names what does not fit") {
  const std::vector<float> v(12);
  CHECK_THROWS_WITH_AS((void)as_matrix(v, 3, 5), "dispar: as_matrix: rows * cols must equal the number of elements, got 15",
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)as_matrix(v, -3, -4), "dispar: as_matrix: rows must not be negative, got -3",
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)as_matrix(v, 3, -4), "dispar: as_matrix: cols must not be negative, got -4",
                       dispar::invalid_argument);
  CHECK_THROWS_AS((void)as_matrix(v, 3, 0), dispar::invalid_argument);
  const auto huge = dispar::index{1} << 62;  // the product wraps to 0
  CHECK_THROWS_AS((void)as_matrix(std::vector<float>{}, huge, 4), dispar::invalid_argument);
}

}  // namespace core_tests
