#include "dispar/interop/mdspan.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "same_elements.hpp"

#if __has_include(<mdspan>)
#include <mdspan>
#endif
#if __has_include(<cuda/std/mdspan>)
#include <cuda/std/mdspan>
#endif

namespace interop_tests {

using dispar::index;  // in a namespace: POSIX has a global index()
using dispar::view_of;

namespace {

// The interface of std::mdspan in a few lines: what the adaptor may rely on where no implementation is installed.
template<bool Strided>
struct some_mapping {
  static constexpr bool is_always_strided() { return Strided; }
};
template<class T, std::size_t Rank, class Reference = T&, bool Strided = true>
struct some_mdspan {
  using extents_type = std::array<int, Rank>;
  using element_type = T;
  using mapping_type = some_mapping<Strided>;
  using data_handle_type = T*;
  using reference = Reference;
  T* pointer;
  extents_type sizes, steps;
  static constexpr std::size_t rank() { return Rank; }
  T* const& data_handle() const { return pointer; }
  int extent(std::size_t axis) const { return sizes[axis]; }
  int stride(std::size_t axis) const { return steps[axis]; }
};

}  // namespace

TEST_CASE("anything with the interface of mdspan") {
  std::vector<float> memory(100);
  const auto at = [&](index i) -> float& { return memory[static_cast<std::size_t>(i)]; };
  const some_mdspan<float, 2> rows{memory.data(), {4, 5}, {7, 1}};
  check_same_elements(view_of(rows), {4, 5}, [&](index i, index j) -> float& { return at(7 * i + j); });
  some_mdspan<const float, 2> columns{memory.data(), {4, 5}, {2, 9}};
  check_same_elements(view_of(columns), {4, 5}, [&](index i, index j) -> float& { return at(2 * i + 9 * j); });
  some_mdspan<float, 3> three{memory.data(), {2, 3, 4}, {1, 8, 2}};
  check_same_elements(view_of(three), {2, 3, 4}, [&](index i, index j, index k) -> float& { return at(i + 8 * j + 2 * k); });
  some_mdspan<float, 1> one{memory.data(), {5}, {3}};
  check_same_elements(dispar::as_matrix(one, 5, 1), {5, 1}, [&](index i, index) -> float& { return at(3 * i); });
  static_assert(std::is_same_v<viewed_element<const some_mdspan<float, 2>>, float>);  // constness of an mdspan is shallow
  static_assert(std::is_same_v<viewed_element<some_mdspan<const float, 2>>, const float>);
  static_assert(dispar::matrix_like<some_mdspan<const double, 2>> && dispar::vector_like<some_mdspan<float, 1>>);
}

TEST_CASE("a view in another space") {
  some_mdspan<float, 2> m{nullptr, {3, 2}, {2, 1}};
  const auto view = dispar::as_view<dispar::device>(m);
  static_assert(std::is_same_v<decltype(view), const dispar::matrix_view<float, dispar::device>>);
  CHECK(view.rows() == 3);
}

TEST_CASE("accessors that compute and layouts without strides are refused") {
  static_assert(!dispar::viewable<some_mdspan<float, 2, float>>);
  static_assert(!dispar::viewable<some_mdspan<float, 2, float&, false>>);
  static_assert(!dispar::viewable<std::vector<bool>>);
  CHECK(dispar::viewable<some_mdspan<float, 2>>);
}

#if defined(__cpp_lib_mdspan)
TEST_CASE("std::mdspan") {
  std::vector<float> memory(24);
  std::mdspan rows(memory.data(), 4, 6);
  check_same_elements(view_of(rows), {4, 6}, [&](index i, index j) -> float& { return memory[std::size_t(6 * i + j)]; });
  std::mdspan<const float, std::dextents<int, 2>, std::layout_left> columns(memory.data(), 4, 6);
  check_same_elements(view_of(columns), {4, 6}, [&](index i, index j) -> float& { return memory[std::size_t(i + 4 * j)]; });
}
#endif

#if __has_include(<cuda/std/mdspan>)
TEST_CASE("cuda::std::mdspan") {
  namespace std_ = cuda::std;
  std::vector<float> memory(60);
  const auto at = [&](index i) -> float& { return memory[static_cast<std::size_t>(i)]; };
  std_::mdspan<float, std_::dextents<int, 2>> rows(memory.data(), 4, 6);
  check_same_elements(view_of(rows), {4, 6}, [&](index i, index j) -> float& { return at(6 * i + j); });
  const std_::mdspan<const float, std_::extents<int, 4, 6>, std_::layout_left> columns(memory.data());
  check_same_elements(view_of(columns), {4, 6}, [&](index i, index j) -> float& { return at(i + 4 * j); });
  using strided = std_::layout_stride::mapping<std_::dextents<int, 2>>;
  std_::mdspan<float, std_::dextents<int, 2>, std_::layout_stride> steps(
      memory.data(), strided(std_::dextents<int, 2>(3, 2), std_::array<int, 2>{12, 3}));
  check_same_elements(view_of(steps), {3, 2}, [&](index i, index j) -> float& { return at(12 * i + 3 * j); });
}
#endif

}  // namespace interop_tests
