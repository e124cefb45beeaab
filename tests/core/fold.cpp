#include "dispar/core/fold.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "dispar/core/folds/extremum.hpp"
#include "dispar/core/folds/log_sum_exp.hpp"
#include "dispar/core/folds/moments.hpp"
#include "dispar/core/folds/sum.hpp"
#include "dispar/core/folds/top_k.hpp"
#include "dispar/core/random/normal.hpp"

namespace folds = dispar::folds;

static_assert(dispar::fold<folds::sum<float>> && sizeof(folds::sum<float>::state) == 16);
static_assert(dispar::fold<folds::moments<double>> && sizeof(folds::moments<double>::state) == 24);
static_assert(dispar::fold<folds::log_sum_exp<float>> && sizeof(folds::log_sum_exp<float>::state) == 16);
static_assert(dispar::fold<folds::log_sum_exp<float, float>> && sizeof(folds::log_sum_exp<float, float>::state) == 8);
static_assert(dispar::fold<folds::maximum<float>> && sizeof(folds::maximum<float>::state) == 8);
static_assert(dispar::fold<folds::minimum<double>> && sizeof(folds::minimum<double>::state) == 16);
static_assert(dispar::fold<folds::top_k<float, 5>> && sizeof(folds::top_k<float, 5>::state) == 40);
static_assert(!dispar::fold<int>);

namespace {

/// A fold of a user: how many elements exceed a threshold that it carries.
struct count_above {
  using value_type = float;
  struct state {
    std::int32_t count;
  };
  float threshold;
  [[nodiscard]] state identity() const { return {0}; }
  void lane(state& s, float x, dispar::index) const { s.count += x > threshold; }
  [[nodiscard]] state block(const float* x, dispar::index count, dispar::index first) const {
    state s{0};
    for (dispar::index i = 0; i < count; ++i) lane(s, x[i], first + i);
    return s;
  }
  void merge(state& into, const state& from) const { into.count += from.count; }
  [[nodiscard]] int finalize(const state& s) const { return s.count; }
};

std::vector<float> noise(dispar::index n) {
  std::vector<float> x(static_cast<std::size_t>(n));
  dispar::fill_normal(dispar::random_key{1}, 0, std::span(x));
  return x;
}

}  // namespace

TEST_CASE("reduce: a fold of a user, with a parameter") {
  const std::vector<float> x{-1, 2, 3, 0.5f};
  CHECK(dispar::reduce(count_above{0.25f}, x) == 3);
  CHECK(dispar::reduce(count_above{2.5f}, x) == 1);
}

TEST_CASE("accumulate: strided and reversed views give the bits of a dense one") {
  const dispar::index n = 3 * dispar::fold_tile + 17;
  const auto dense = noise(n);
  std::vector<float> spread(static_cast<std::size_t>(3 * n), -1e9f), reversed(dense.rbegin(), dense.rend());
  for (dispar::index i = 0; i < n; ++i) spread[static_cast<std::size_t>(3 * i)] = dense[static_cast<std::size_t>(i)];
  const dispar::vector_view<const float> strided(spread.data(), {n}, {3}), backwards(reversed.data() + n - 1, {n}, {-1});
  const auto check = [&](auto f, auto same) {
    const auto expected = dispar::reduce(f, dense);
    CHECK(same(expected, dispar::reduce(f, strided)));
    CHECK(same(expected, dispar::reduce(f, backwards)));
  };
  const auto equal = [](const auto& a, const auto& b) { return a == b; };
  check(folds::sum<float>{}, equal);
  check(folds::log_sum_exp<float>{}, equal);
  check(folds::moments<float>{}, [](const auto& a, const auto& b) { return a.mean == b.mean && a.variance == b.variance; });
  check(folds::maximum<float>{}, [](const auto& a, const auto& b) { return a.value == b.value && a.at == b.at; });
}

TEST_CASE("accumulate: parts carry on the positions of their row") {
  const auto x = noise(5000);
  const folds::maximum<float> f;
  const auto whole = dispar::reduce(f, x);
  auto state = f.identity();
  dispar::accumulate(f, std::span(x).subspan(3000), state, 3000);
  dispar::accumulate(f, std::span(x).subspan(0, 3000), state);
  CHECK(f.finalize(state).at == whole.at);
  CHECK(x[static_cast<std::size_t>(whole.at)] == whole.value);
}

TEST_CASE("accumulate: an empty vector changes nothing") {
  const std::vector<float> none;
  CHECK(dispar::reduce(folds::sum<float>{}, none) == 0);
  CHECK(dispar::reduce(folds::maximum<float>{}, none).at == -1);
  CHECK(dispar::reduce(folds::moments<float>{}, none).count == 0);
}
