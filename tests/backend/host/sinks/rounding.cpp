// Tiles of every width give the same outputs, and sums of them within the bound of docs/conventions.md.
#include <doctest/doctest.h>

#include <cmath>

#include "backend/host/sinks/integer_labels.hpp"
#include "backend/host/with_tile_edge.hpp"
#include "dispar/backend/host/gradient_sink.hpp"
#include "dispar/backend/host/pairwise.hpp"
#include "dispar/backend/host/quadratic_sink.hpp"
#include "dispar/backend/operations.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "normal_rows.hpp"

namespace engine_tests {

/// A sum in double and the sum of the magnitudes of its terms.
struct exact_sum {
  double value = 0, magnitude = 0;
  void add(double term) {
    value += term;
    magnitude += std::fabs(term);
  }
};

TEST_CASE(
    "tiles of one, two and four register tiles: the same outputs, sums within (edge + 8) units of rounding of their terms") {
  const index n = 230, m = 180, d = 21, rows = n + m, count = 21;
  const auto x = normal_rows<float>(n, d, 1, 3), y = normal_rows<float>(m, d, 2, 3.2);
  const std::vector<dispar::sample<float, 1>> segments{{{dispar::as_matrix(x, n, d)}}, {{dispar::as_matrix(y, m, d)}}};
  const dispar::tiled_host<dispar::serial> b;
  with_tile_edge data(dispar::pack_samples<dispar::sq_euclidean>(b, segments), 1);
  const dispar::kernel_value<dispar::gaussian, float> operation(dispar::gaussian{4});
  const std::vector<dispar::pair_block> blocks{{0, 0, true}, {1, 1, true}, {0, 1}};
  const integer_labels labels{rows, count};
  const auto feature = [&](index i, index k) {
    return static_cast<double>(data.feature(0, i < n ? i : data.first_packed(1) + i - n, k));
  };

  std::vector<float> first_stored;
  for (index width : {1, 2, 4}) {
    CAPTURE(width);
    data.register_tiles = width;
    std::vector<float> stored(static_cast<std::size_t>(rows * rows), 0.f), gradient(static_cast<std::size_t>(rows * d));
    std::vector<double> totals(3), row(static_cast<std::size_t>(rows)), forms(static_cast<std::size_t>(count));
    const auto gradients = dispar::as_matrix(gradient, rows, d);
    dispar::pairwise(b, data, operation, blocks, {}, dispar::store<0, float>{dispar::as_matrix(stored, rows, rows)},
                     dispar::total<0, 1>{dispar::as_matrix(totals, 3, 1)}, dispar::row_sums<0>{dispar::as_matrix(row, rows, 1)},
                     dispar::quadratic_forms<0, integer_labels>{labels, dispar::as_matrix(forms, 1, count)},
                     dispar::feature_gradient<0, 0, float, 2>{{gradients.slice(0, n), gradients.slice(n, m)}});

    if (first_stored.empty()) first_stored = stored;
    CHECK(stored == first_stored);

    using R = dispar::detail::register_tile<float>;
    const double unit = 0x1p-24, bound = static_cast<double>(data.tile_edge() + 8) * unit;
    const auto output = [&](index i, index j) { return static_cast<double>(stored[static_cast<std::size_t>(i * rows + j)]); };
    const auto block_sum = [&](index i0, index i1, index j0, index j1) {
      exact_sum sum;
      for (index i = i0; i < i1; ++i)
        for (index j = std::max(j0, i + 1); j < j1; ++j) sum.add(output(i, j));
      return sum;
    };
    const exact_sum expected[] = {block_sum(0, n, 0, n), block_sum(n, rows, n, rows), block_sum(0, n, n, rows)};
    for (std::size_t t = 0; t < 3; ++t)
      CHECK(std::fabs(totals[t] - expected[t].value) <= (R::rows + R::vectors) * unit * expected[t].magnitude);
    for (index i = 0; i < rows; ++i) {
      exact_sum sum;
      for (index j = 0; j < rows; ++j) sum.add(output(i, j));
      CHECK(std::fabs(row[static_cast<std::size_t>(i)] - sum.value) <= bound * sum.magnitude);
    }
    for (index p = 0; p < count; ++p) {
      exact_sum sum;
      for (index i = 0; i < rows; ++i)
        for (index j = i + 1; j < rows; ++j) sum.add(labels.at(i, p) * labels.at(j, p) * output(i, j));
      CHECK(std::fabs(forms[static_cast<std::size_t>(p)] - sum.value) <= bound * sum.magnitude);
    }
    for (index i = 0; i < rows; ++i)
      for (index k = 0; k < d; ++k) {
        exact_sum sum;
        for (index j = 0; j < rows; ++j) {
          sum.add(2 * output(i, j) * feature(i, k));
          sum.add(-2 * output(i, j) * feature(j, k));
        }
        CHECK(std::fabs(static_cast<double>(gradients(i, k)) - sum.value) <= bound * sum.magnitude + unit * std::fabs(sum.value));
      }
  }
}

}  // namespace engine_tests
