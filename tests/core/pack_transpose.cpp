#include "dispar/core/pack_transpose.hpp"

#include <doctest/doctest.h>

namespace {

template<class T, int W>
void check() {
  dispar::pack<T, W> square[W];
  for (int i = 0; i < W; ++i)
    for (int j = 0; j < W; ++j) square[i].value[j] = static_cast<T>(W * i + j);
  dispar::transpose(square);
  for (int i = 0; i < W; ++i)
    for (int j = 0; j < W; ++j) CHECK(square[j][i] == static_cast<T>(W * i + j));
}

}  // namespace

TEST_CASE("transpose: every width") {
  check<float, 2>();
  check<float, 4>();
  check<float, 8>();
  check<float, 16>();
  check<double, 2>();
  check<double, 8>();
}
