#include "dispar/backend/host/broadcast_product.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace backend_tests {

using dispar::index;  // in a namespace: POSIX has a global index()

TEST_CASE_TEMPLATE("a product of any shape, read by rows and by columns, every element consumed once", T, float, double) {
  using R = dispar::detail::register_tile<T>;
  using V = typename R::V;
  // Integers: any order of summation gives the same.
  const auto q_at = [](index i, index j) { return static_cast<double>((i * 3 + j * 5) % 7 - 3); };
  const auto b_at = [](index j, index c) { return static_cast<double>((j * 2 + c * 11) % 9 - 4); };
  for (index vectors = 1; vectors <= 11; ++vectors)
    for (index rows : {1, 2, 3, 4, 5, 7, 8, 9, 24})
      for (index depth : {0, 1, 2, 17}) {
        const index columns = vectors * R::lanes, b_stride = columns + 3;
        std::vector<T> by_rows, by_columns, b(static_cast<std::size_t>(depth * b_stride), T(99));
        for (index i = 0; i < rows; ++i)
          for (index j = 0; j < depth; ++j) by_rows.push_back(static_cast<T>(q_at(i, j)));
        for (index j = 0; j < depth; ++j)
          for (index i = 0; i < rows; ++i) by_columns.push_back(static_cast<T>(q_at(i, j)));
        for (index j = 0; j < depth; ++j)
          for (index c = 0; c < columns; ++c) b[static_cast<std::size_t>(j * b_stride + c)] = static_cast<T>(b_at(j, c));
        std::vector<double> expected;
        for (index i = 0; i < rows; ++i)
          for (index c = 0; c < columns; ++c) {
            double sum = 0;
            for (index j = 0; j < depth; ++j) sum += q_at(i, j) * b_at(j, c);
            expected.push_back(sum);
          }
        for (const bool transposed : {false, true}) {
          std::vector<double> result(expected.size(), 0);
          dispar::detail::broadcast_product(
              transposed ? by_columns.data() : by_rows.data(), transposed ? 1 : depth, transposed ? rows : 1, rows, depth,
              b.data(), b_stride, columns, [&](index row, index column, const auto& acc, int count) {
                constexpr int width = static_cast<int>(sizeof(acc[0]) / sizeof(V));
                for (int r = 0; r < count; ++r)
                  for (int v = 0; v < width; ++v)
                    for (int l = 0; l < R::lanes; ++l)
                      result[static_cast<std::size_t>((row + r) * columns + column + v * R::lanes + l)] +=
                          static_cast<double>(acc[r][v][l]);
              });
          CHECK(result == expected);
        }
      }
}

}  // namespace backend_tests
