// The cpu backend on managed and pinned memory, which the host reads like its own. Plain vectors stand for both.
#include <doctest/doctest.h>

#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/gradient.hpp"
#include "dispar/mmd/gram.hpp"
#include "normal_rows.hpp"

namespace backend_tests {

using namespace dispar;

TEST_CASE_TEMPLATE("samples, weights, gradients, matrices of other spaces give what host memory gives", S, managed, pinned) {
  auto a = normal_rows<float>(40, 3, 1), c = normal_rows<float>(25, 3, 2, 0.2);
  std::vector<float> weight(40, 2.0f), weight_y(25, 0.5f);
  const auto x = as_matrix(a, 40, 3), y = as_matrix(c, 25, 3);
  const auto reached_x = as_matrix<S>(a.data(), 40, 3), reached_y = as_matrix<S>(c.data(), 25, 3);
  const gaussian k{1.5};
  CHECK(mmd::estimate(cpu{}, reached_x, reached_y, k) == mmd::estimate(cpu{}, x, y, k));
  CHECK(mmd::estimate(cpu{}, weighted(reached_x, vector_view<float, S>(weight.data(), 40)),
                      weighted(reached_y, vector_view<float, S>(weight_y.data(), 25)),
                      k) == mmd::estimate(cpu{}, weighted(x, weight), weighted(y, weight_y), k));

  std::vector<float> gradient(120), reached_gradient(120);
  (void)mmd::value_and_gradient(cpu{}, x, y, k, {.x = {as_matrix(gradient, 40, 3)}});
  (void)mmd::value_and_gradient(cpu{}, reached_x, reached_y, k, {.x = {as_matrix<S>(reached_gradient.data(), 40, 3)}});
  CHECK(gradient == reached_gradient);

  std::vector<float> gram(65 * 65);
  mmd::gram(cpu{}, reached_x, reached_y, k, as_matrix(gram, 65, 65));
  const auto given = mmd::given(as_matrix<S>(gram.data(), 65, 65), 40);
  CHECK(mmd::estimate(cpu{}, given) == mmd::estimate(cpu{}, mmd::given(as_matrix(gram, 65, 65), 40)));
}

TEST_CASE("sinks write to memory that the host reaches") {
  const auto a = normal_rows<float>(30, 2, 1);
  const std::array<sample<float, 1>, 1> segment{as_sample(as_matrix(a, 30, 2))};
  const auto data = pack_samples<sq_euclidean>(cpu{}, segment);
  const std::array<pair_block, 1> blocks{{{0, 0, true}}};
  const std::span<const vector_view<const float>> none;
  std::vector<double> sums(30), total_here(1), reached_sums(30), reached_total(1);
  const kernel_value<gaussian, float> operation(gaussian{1});
  pairwise(cpu{}, data, operation, blocks, none, row_sums<0>{as_matrix(sums, 30, 1)}, total<0, 1>{as_matrix(total_here, 1, 1)});
  pairwise(cpu{}, data, operation, blocks, none, row_sums<0, managed>{as_matrix<managed>(reached_sums.data(), 30, 1)},
           total<0, 1, pinned>{as_matrix<pinned>(reached_total.data(), 1, 1)});
  CHECK(sums == reached_sums);
  CHECK(total_here == reached_total);
}

}  // namespace backend_tests
