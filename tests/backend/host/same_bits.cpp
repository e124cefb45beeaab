// The engine's results have the same bits for every executor: every sink, on work large enough to be shared out.
#include <doctest/doctest.h>

#include <cstring>

#include "backend/host/any_executor.hpp"
#include "backend/host/sinks/integer_labels.hpp"
#include "dispar/backend/cpu.hpp"
#include "dispar/backend/operations.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "normal_rows.hpp"

namespace engine_tests {

namespace {

struct results {
  std::vector<double> totals, rows, forms, listed;
  std::vector<float> gradient;

  friend bool operator==(const results& a, const results& b) {
    const auto same = [](const auto& x, const auto& y) {
      return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof x[0]) == 0;
    };
    return same(a.totals, b.totals) && same(a.rows, b.rows) && same(a.forms, b.forms) && same(a.listed, b.listed) &&
           same(a.gradient, b.gradient);
  }
};

template<class Each>
results compute(const Each& each) {
  const index n = 700, m = 500, d = 40, rows = n + m;
  static const auto x = normal_rows<float>(n, d, 1, 3), y = normal_rows<float>(m, d, 2, 3.1);
  const std::vector<dispar::sample<float, 1>> segments{{{dispar::as_matrix(x, n, d)}}, {{dispar::as_matrix(y, m, d)}}};
  const dispar::tiled_host<Each> b{each};
  const auto data = dispar::pack_samples<dispar::sq_euclidean>(b, segments);
  const dispar::kernel_value<dispar::gaussian, float> operation(dispar::gaussian{6});
  const std::vector<dispar::pair_block> blocks{{0, 0, true}, {1, 1, true}, {0, 1}};
  results r;
  r.totals.resize(3);
  r.rows.resize(static_cast<std::size_t>(rows));
  r.forms.resize(33);
  r.listed.resize(static_cast<std::size_t>(rows * 50));
  r.gradient.resize(static_cast<std::size_t>(rows * d));
  const auto gradients = dispar::as_matrix(r.gradient, rows, d);
  // Sums over tiles go by runs, sums along rows by tournament: two passes.
  dispar::pairwise(b, data, operation, blocks, {}, dispar::total<0, 1>{dispar::as_matrix(r.totals, 3, 1)},
                   dispar::quadratic_forms<0, integer_labels>{{rows, 33}, dispar::as_matrix(r.forms, 1, 33)});
  dispar::pairwise(b, data, operation, blocks, {}, dispar::row_sums<0>{dispar::as_matrix(r.rows, rows, 1)},
                   dispar::feature_gradient<0, 0, float, 2>{{gradients.slice(0, n), gradients.slice(n, m)}});
  dispar::pair_list(
      b, data, operation, rows * 50,
      [](index p) {
        return dispar::row_pair{p % 1200, p * 7 % 1200, 0};
      },
      {}, dispar::as_matrix(r.listed, rows * 50, 1));
  return r;
}

}  // namespace

TEST_CASE("in order, backwards, on threads of the standard library and of OpenMP: the same bits") {
  const auto expected = compute(forwards());
  CHECK(expected.totals[0] > 0);
  CHECK(compute(backwards()) == expected);
  CHECK(compute(threads(3, 3)) == expected);
  CHECK(compute(threads(4, 2)) == expected);  // more at once than it admits
  for (int count = 1; count <= 4; ++count) CHECK(compute(dispar::openmp{count}) == expected);
}

TEST_CASE("the executor is really asked") {
  int calls = 0;
  index most = 0;
  (void)compute(any_executor{[&](index n, const std::function<void(index)>& task) {
    ++calls;
    most = std::max(most, n);
    for (index i = 0; i < n; ++i) task(i);
  }});
  CHECK(calls > 10);  // packing, a pass by runs, rounds of the tournament, a list
  CHECK(most > 4);
}

}  // namespace engine_tests
