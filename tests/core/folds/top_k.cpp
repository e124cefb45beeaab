#include "dispar/core/folds/top_k.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "dispar/core/fold.hpp"
#include "dispar/core/random/normal.hpp"

using dispar::reduce;
namespace folds = dispar::folds;

namespace {

/// Positions by a stable sort: value first, then position.
template<class T, class Better>
std::vector<dispar::index> oracle(const std::vector<T>& x, Better better) {
  std::vector<dispar::index> order(x.size());
  std::iota(order.begin(), order.end(), dispar::index{0});
  std::stable_sort(order.begin(), order.end(), [&](dispar::index a, dispar::index b) {
    return better(x[static_cast<std::size_t>(a)], x[static_cast<std::size_t>(b)]);
  });
  return order;
}

template<class T>
std::vector<T> tied(std::size_t n) {
  std::vector<T> x(n);
  dispar::fill_normal(dispar::random_key{1}, 0, std::span(x));
  for (T& v : x) v = static_cast<T>(static_cast<int>(v * 8));
  return x;
}

template<class F, class T>
void check_positions(const typename F::state& got, const std::vector<T>& x, const std::vector<dispar::index>& expected, int k) {
  for (int i = 0; i < k; ++i) {
    if (i < static_cast<int>(expected.size())) {
      CHECK(got.elements[i].at == expected[static_cast<std::size_t>(i)]);
      CHECK(got.elements[i].value == x[static_cast<std::size_t>(expected[static_cast<std::size_t>(i)])]);
    } else {
      CHECK(got.elements[i].at == -1);
    }
  }
}

template<class T, int K>
void check_both_orders() {
  for (std::size_t n : {0u, 1u, 5u, 64u, 100u, 3000u}) {
    const auto x = tied<T>(n);
    using largest = folds::top_k<T, K>;
    using smallest = folds::top_k<T, K, folds::smallest_first>;
    check_positions<largest>(reduce(largest{}, x), x, oracle(x, [](T a, T b) { return a > b; }), K);
    check_positions<smallest>(reduce(smallest{}, x), x, oracle(x, [](T a, T b) { return a < b; }), K);
  }
}

}  // namespace

TEST_CASE("top_k: against a stable sort, both orders, ties, rows shorter than k") {
  check_both_orders<float, 1>();
  check_both_orders<float, 5>();
  check_both_orders<double, 8>();
  check_both_orders<float, 64>();
}

TEST_CASE("top_k: the split and the order of merging do not matter") {
  const auto x = tied<float>(1000);
  const folds::top_k<float, 16> f;
  const auto whole = reduce(f, x);
  for (dispar::index width : {1, 3, 16, 333}) {
    auto state = f.identity();
    for (dispar::index end = 1000; end > 0; end -= width) {
      const dispar::index begin = end > width ? end - width : 0;
      f.merge(state, f.block(x.data() + begin, end - begin, begin));
    }
    for (int i = 0; i < 16; ++i) CHECK(state.elements[i].at == whole.elements[i].at);
  }
}

TEST_CASE("top_k: NaN first, then infinity; minus infinity is an element like any other") {
  const float infinity = dispar::positive_infinity<float>(), nan = dispar::quiet_nan<float>();
  const std::vector<float> x{1, -infinity, nan, infinity, nan, 2};
  const auto best = reduce(folds::top_k<float, 8>{}, x);
  const int expected[] = {2, 4, 3, 5, 0, 1, -1, -1};
  for (int i = 0; i < 8; ++i) CHECK(best.elements[i].at == expected[i]);
}
