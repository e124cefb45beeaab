#include "dispar/core/folds/extremum.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "dispar/core/fold.hpp"
#include "dispar/core/random/normal.hpp"

using dispar::reduce;
namespace folds = dispar::folds;

TEST_CASE_TEMPLATE("extremum: value and first position of equals", T, float, double) {
  const std::vector<T> x{3, -1, 7, 7, -1, T(0.5)};
  const auto high = reduce(folds::maximum<T>{}, x), low = reduce(folds::minimum<T>{}, x);
  CHECK(high.value == T(7));
  CHECK(high.at == 2);
  CHECK(low.value == T(-1));
  CHECK(low.at == 1);
}

TEST_CASE("extremum: the split does not matter") {
  std::vector<float> x(3000);
  dispar::fill_normal(dispar::random_key{1}, 0, std::span(x));
  for (float& v : x) v = static_cast<float>(static_cast<int>(v * 4));  // many ties
  const folds::maximum<float> f;
  const auto whole = reduce(f, x);
  for (dispar::index width : {1, 7, 100, 2999}) {
    auto state = f.identity();
    for (dispar::index end = 3000; end > 0; end -= width) {
      const dispar::index begin = end > width ? end - width : 0;
      f.merge(state, f.block(x.data() + begin, end - begin, begin));
    }
    CHECK(state.at == whole.at);
    CHECK(state.value == whole.value);
  }
}

TEST_CASE_TEMPLATE("extremum: infinities, zeros of both signs, and the first NaN", T, float, double) {
  const T infinity = dispar::positive_infinity<T>(), negative = dispar::negative_infinity<T>(), nan = dispar::quiet_nan<T>();
  CHECK(reduce(folds::maximum<T>{}, std::vector<T>{negative, negative}).at == 0);
  CHECK(reduce(folds::maximum<T>{}, std::vector<T>{negative, -5, negative}).at == 1);
  CHECK(reduce(folds::maximum<T>{}, std::vector<T>{-5, infinity, 3}).at == 1);
  CHECK(reduce(folds::minimum<T>{}, std::vector<T>{-5, infinity, negative}).at == 2);
  CHECK(reduce(folds::maximum<T>{}, std::vector<T>{T(-0.0), T(0.0)}).at == 0);
  for (const auto& x : {std::vector<T>{1, nan, infinity, nan}, std::vector<T>{negative, nan, nan, 2}}) {
    CHECK(reduce(folds::maximum<T>{}, x).at == 1);
    CHECK(dispar::is_nan(reduce(folds::maximum<T>{}, x).value));
    CHECK(reduce(folds::minimum<T>{}, x).at == 1);
    CHECK(dispar::is_nan(reduce(folds::minimum<T>{}, x).value));
  }
}
