#pragma once

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "dispar/core/view_traits.hpp"

/// Checks that every element of the view is the very object that `element(i, j, ...)` refers to: the same by strides, nothing
/// copied.
template<class T, int Rank, class Space, class F>
void check_same_elements(dispar::tensor_view<T, Rank, Space> view, std::array<dispar::index, std::size_t(Rank)> extents,
                         F element) {
  CHECK(view.extents() == extents);
  if (view.extents() != extents) return;
  if constexpr (Rank == 1) {
    for (dispar::index i = 0; i < extents[0]; ++i) CHECK(&view(i) == &element(i));
  } else if constexpr (Rank == 2) {
    for (dispar::index i = 0; i < extents[0]; ++i)
      for (dispar::index j = 0; j < extents[1]; ++j) CHECK(&view(i, j) == &element(i, j));
  } else if constexpr (Rank == 3) {
    for (dispar::index i = 0; i < extents[0]; ++i)
      for (dispar::index j = 0; j < extents[1]; ++j)
        for (dispar::index k = 0; k < extents[2]; ++k) CHECK(&view(i, j, k) == &element(i, j, k));
  } else {
    static_assert(Rank == 4);
    for (dispar::index i = 0; i < extents[0]; ++i)
      for (dispar::index j = 0; j < extents[1]; ++j)
        for (dispar::index k = 0; k < extents[2]; ++k)
          for (dispar::index l = 0; l < extents[3]; ++l) CHECK(&view(i, j, k, l) == &element(i, j, k, l));
  }
}

/// The element type of the view of an lvalue of X: tells whether it is mutable.
template<class X>
using viewed_element = typename decltype(dispar::view_of(std::declval<X&>()))::element_type;
