#include "dispar/backend/array.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace backend_tests {

using dispar::index;  // in a namespace: POSIX has a global index()

// The smallest backend: malloc, counted.
struct ledger {
  int blocks = 0;
  std::size_t bytes = 0;
};
struct counting {
  using space = dispar::host;
  ledger* book = nullptr;
  void* allocate(std::size_t bytes) const {
    ++book->blocks;
    book->bytes += bytes;
    void* p = std::malloc(bytes);
    if (p == nullptr) throw std::bad_alloc();
    return p;
  }
  void deallocate(void* p, std::size_t bytes) const {
    --book->blocks;
    book->bytes -= bytes;
    std::free(p);
  }
  void wait() const {}
};
static_assert(dispar::backend<counting>);
static_assert(!dispar::has_pairwise<counting> && !dispar::has_rows<counting> && !dispar::has_sort<counting>);
static_assert(!dispar::backend<int>);

template<class T, int Rank>
using array = dispar::array<T, Rank, counting>;

TEST_CASE("an array allocates its elements and gives them back") {
  ledger book;
  {
    array<float, 2> a(counting{&book}, {3, 4});
    CHECK(book.blocks == 1);
    CHECK(book.bytes == 12 * sizeof(float));
    CHECK(a.bytes() == 12 * sizeof(float));
    CHECK(a.extents() == std::array<index, 2>{3, 4});
    a.view()(2, 3) = 5;
    CHECK(a.data()[11] == 5);
    CHECK(std::as_const(a).view().data() == a.data());
    static_assert(std::is_same_v<decltype(std::as_const(a).view()), dispar::matrix_view<const float>>);
    static_assert(dispar::matrix_like<array<float, 2>> && dispar::vector_like<array<double, 1>>);
    CHECK(dispar::view_of(a).data() == a.data());
    static_assert(std::is_same_v<decltype(dispar::view_of(a)), dispar::matrix_view<float>>);
    CHECK(dispar::as_matrix(array<float, 1>(counting{&book}, {6}), 2, 3).rows() == 2);
  }
  CHECK(book.blocks == 0);
  CHECK(book.bytes == 0);
}

TEST_CASE("empty arrays allocate nothing and keep their shape, negative extents are refused") {
  ledger book;
  const array<double, 2> a(counting{&book}, {0, 7});
  CHECK(book.blocks == 0);
  CHECK(a.view().cols() == 7);
  CHECK(a.bytes() == 0);
  CHECK_THROWS_WITH_AS((array<double, 2>(counting{&book}, {-2, -3})), "dispar: array: extent must not be negative, got -2",
                       dispar::invalid_argument);
  CHECK(book.blocks == 0);
  const array<double, 1> none;
  CHECK_FALSE(none.view());
}

TEST_CASE("arrays move and do not copy") {
  static_assert(!std::is_copy_constructible_v<array<float, 1>> && !std::is_copy_assignable_v<array<float, 1>>);
  static_assert(std::is_nothrow_move_constructible_v<array<float, 1>> && std::is_nothrow_move_assignable_v<array<float, 1>>);
  ledger first, second;
  {
    array<float, 1> a(counting{&first}, {5});
    const float* const data = a.data();
    array<float, 1> b(std::move(a));
    CHECK(b.data() == data);
    CHECK(first.blocks == 1);
    array<float, 1> c(counting{&second}, {2});
    c = std::move(b);
    CHECK(c.data() == data);
    CHECK(c.extents() == std::array<index, 1>{5});
  }
  CHECK(first.blocks == 0);
  CHECK(second.blocks == 0);
}

TEST_CASE("to makes a dense copy of any view") {
  ledger book;
  const counting b{&book};
  std::vector<double> v(30);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<double>(i);

  const auto same = dispar::to(b, v);
  CHECK(same.data() != v.data());
  CHECK(same.view()(29) == 29);

  const dispar::matrix_view<const double> strided(v.data() + 1, {3, 4}, {2, 7});
  const auto copy = dispar::to(b, strided);
  static_assert(std::is_same_v<decltype(copy), const array<double, 2>>);
  CHECK(copy.view().strides() == std::array<index, 2>{4, 1});
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 4; ++j) CHECK(copy.view()(i, j) == strided(i, j));

  const auto transposed = dispar::to(b, strided.transposed());
  CHECK(transposed.view()(3, 2) == strided(2, 3));
  const auto reversed = dispar::to(b, dispar::vector_view<double>(v.data() + 29, {30}, {-1}));
  CHECK(reversed.view()(0) == 29);
  CHECK(reversed.view()(29) == 0);
  const auto three = dispar::to(b, dispar::tensor_view<double, 3>(v.data(), {2, 3, 2}, {15, 1, 4}));
  CHECK(three.view()(1, 2, 1) == 21);
  const auto one = dispar::to(b, dispar::scalar_view<double>(&v[3]));
  CHECK(one.view()() == 3);
  const auto empty = dispar::to(b, dispar::matrix_view<double>(v.data(), 0, 4));
  CHECK(empty.view().cols() == 4);
  const auto again = dispar::to(b, copy);  // an array is viewable too
  CHECK(again.view()(2, 3) == strided(2, 3));
  const auto from_pinned = dispar::to(b, dispar::vector_view<double, dispar::pinned>(v.data(), 4));
  CHECK(from_pinned.view()(2) == 2);
}

}  // namespace backend_tests
