// Chains of samplers against sorting in double: what is kept, what is drawn, ties and boundaries, rows without a distribution.
#include <doctest/doctest.h>

#include "core/chi_square.hpp"
#include "dispar/decoding.hpp"
#include "normal_rows.hpp"
#include "sorted_row.hpp"

namespace decoding_tests {

namespace {

using namespace dispar::decoding;
using dispar::as_matrix;
using dispar::cpu;

constexpr double infinity = std::numeric_limits<double>::infinity();

template<class T>
std::vector<T> scaled(std::vector<T> x, double factor) {
  for (T& v : x) v = static_cast<T>(static_cast<double>(v) * factor);
  return x;
}

/// Which tokens the steps keep.
template<class Chain, class T>
std::vector<bool> kept_by(const Chain& c, const std::vector<T>& x) {
  std::vector<T> out(x.size());
  const auto n = static_cast<index>(x.size());
  c.filter(cpu{}, as_matrix(x, 1, n), as_matrix(out, 1, n));
  std::vector<bool> kept;
  for (const T v : out) kept.push_back(v > std::numeric_limits<T>::lowest());
  return kept;
}
std::vector<bool> kept_by(const sorted_row& row) {
  std::vector<bool> kept(row.x.size());
  for (std::size_t i = 0; i < row.kept; ++i) kept[static_cast<std::size_t>(row.order[i])] = row.at(row.order[i]) > -infinity;
  return kept;
}

template<class T>
void check_filters(const std::vector<T>& x) {
  CAPTURE(x.size());
  const auto n = x.size();
  for (const std::size_t k : {std::size_t{1}, std::min<std::size_t>(2, n), n / 3 + 1, n}) {
    CAPTURE(k);
    CHECK(kept_by(chain{top_k{static_cast<index>(k)}}, x) == kept_by(sorted_row(x).top_k(k)));
  }
  for (const double p : {1e-9, 0.1, 0.5, 0.9, 0.95, 0.999}) {
    CAPTURE(p);
    CHECK(kept_by(chain{top_p{p}}, x) == kept_by(sorted_row(x).top_p(p)));
    sorted_row cold(x);
    cold.scale = 2;
    CHECK(kept_by(chain{temperature{0.5}, top_k{static_cast<index>(n / 2 + 1)}, top_p{p}}, x) ==
          kept_by(cold.top_k(n / 2 + 1).top_p(p)));
    CHECK(kept_by(chain{min_p{p}, top_p{0.8}}, x) == kept_by(sorted_row(x).min_p(p).top_p(0.8)));
  }
}

/// As a user writes it.
struct top_two {
  template<class Row>
  DISPAR_FN void operator()(Row& row) const {
    row.tokens.keep_first(2);
  }
};

template<class T>
std::int64_t take(const std::vector<T>& x, double u) {
  const std::vector<double> uniform{u};
  return chain{top_p{0.9}, categorical{}}(cpu{}, as_matrix(x, 1, static_cast<index>(x.size())),
                                          {.uniforms = dispar::view_of(uniform)})[0];
}

}  // namespace

TEST_CASE_TEMPLATE("decoding: filters keep what sorting keeps, at every size, peaked and flat", T, float, double) {
  for (const index n : {1, 2, 15, 255, 256, 257, 3000, 20011})
    for (const double factor : {0.01, 1.0, 6.0}) {
      CAPTURE(factor);
      check_filters(scaled(normal_rows<T>(1, n, static_cast<std::uint64_t>(n)), factor));
    }
}

TEST_CASE_TEMPLATE("decoding: equal logits are kept in the order of their indices, in float and double", T, float, double) {
  auto x = normal_rows<T>(1, 4000, 3);
  for (T& v : x) v = std::round(v * T(2)) + T(0);
  check_filters(x);
  for (std::size_t i = 0; i < x.size(); i += 3) x[i] = static_cast<T>(-infinity);
  check_filters(x);
  check_filters(std::vector<T>(777, T(-3)));
  const std::vector<T> zeros{T(-0.0), T(0.0), T(-0.0), T(0.0)};
  CHECK(kept_by(chain{top_k{2}}, zeros) == std::vector<bool>{true, true, false, false});
}

TEST_CASE("decoding::top_p: a sum that reaches p exactly ends the nucleus") {
  const std::vector<double> pair{0, 0}, five(5, 1.0), quarters{std::log(0.5), std::log(0.25), std::log(0.125), std::log(0.125)};
  CHECK(kept_by(chain{top_p{0.5}}, pair) == std::vector<bool>{true, false});
  CHECK(kept_by(chain{top_p{std::nextafter(0.5, 1)}}, pair) == std::vector<bool>{true, true});
  CHECK(kept_by(chain{top_p{0.6}}, five) == std::vector<bool>{true, true, true, false, false});
  CHECK(kept_by(chain{top_p{0.75}}, quarters) == std::vector<bool>{true, true, false, false});
  CHECK(kept_by(chain{nucleus{0.0}}, pair) == std::vector<bool>{true, false});
  CHECK(kept_by(chain{nucleus{1.0}}, std::vector<double>{0, -60, -60}) == std::vector<bool>{true, false, false});
  CHECK(kept_by(chain{nucleus{1.0}}, quarters) == std::vector<bool>{true, true, true, true});
}

TEST_CASE_TEMPLATE("decoding: rows of any magnitude, and apart in memory", T, float, double) {
  for (const double factor : {1e-30, 1e30}) check_filters(scaled(normal_rows<T>(1, 500, 5), factor));
  const auto x = normal_rows<T>(2, 900, 6);
  const dispar::matrix_view<const T> apart(x.data() + 898, {2, 450}, {900, -2});
  for (index i = 0; i < 2; ++i) {
    std::vector<T> dense;
    for (index j = 0; j < 450; ++j) dense.push_back(apart(i, j));
    const std::vector<double> u{0.3, 0.7};
    CHECK(chain{temperature{0.7}, top_k{20}, categorical{}}(
              cpu{}, apart, {.uniforms = dispar::view_of(u)})[static_cast<std::size_t>(i)] == [&] {
      sorted_row row(dense);
      row.scale = 1 / 0.7;
      return row.top_k(20).draw(u[static_cast<std::size_t>(i)]);
    }());
  }
}

TEST_CASE_TEMPLATE("decoding::categorical: the inverse of the cumulative distribution", T, float, double) {
  for (const index n : {1, 40, 5000}) {
    const auto x = scaled(normal_rows<T>(1, n, 9), 1.5);
    for (const double u : {0.0, 1e-12, 0.2, 0.5, 0.77, 0.999}) {
      CAPTURE(u);
      const std::vector<double> uniform{u};
      CHECK(take(x, u) == sorted_row(x).top_p(0.9).draw(u));
      CHECK(chain{categorical{}}(cpu{}, as_matrix(x, 1, n), {.uniforms = dispar::view_of(uniform)})[0] == sorted_row(x).draw(u));
    }
    CHECK(take(x, std::nextafter(1.0, 0)) >= 0);
  }
}

TEST_CASE("decoding::categorical: draws have the probabilities of the chain, and depend on key, step and row") {
  constexpr index rows = 20000, n = 12;
  const auto one = normal_rows<float>(1, n, 4);
  std::vector<float> x, p(n);
  for (index i = 0; i < rows; ++i) x.insert(x.end(), one.begin(), one.end());
  const chain sampler{temperature{0.9}, top_k{8}, categorical{{.seed = 3}}};
  sampler.probabilities(cpu{}, as_matrix(one, 1, n), as_matrix(p, 1, n));
  const auto tokens = sampler(cpu{}, as_matrix(x, rows, n));
  std::vector<double> counts(n);
  for (const auto t : tokens) counts[static_cast<std::size_t>(t)] += 1;
  double statistic = 0;
  for (std::size_t v = 0; v < n; ++v) {
    const double expected = static_cast<double>(rows) * static_cast<double>(p[v]);
    if (expected > 0)
      statistic += (counts[v] - expected) * (counts[v] - expected) / expected;
    else
      CHECK(counts[v] == 0);
  }
  CHECK(statistic < chi_square_limit(7));

  const auto again = sampler(cpu{}, as_matrix(x, rows, n)), next = sampler(cpu{}, as_matrix(x, rows, n), {.step = 1});
  CHECK(again == tokens);
  CHECK(next != tokens);
  // Rows 100 and on as a batch of their own, and the number of the step per row.
  const chain part{temperature{0.9}, top_k{8}, categorical{{.seed = 3}, 100}};
  const std::vector<std::int64_t> steps(50, 1);
  CHECK(part(cpu{}, as_matrix(x, rows, n).slice(100, 50), {.steps = dispar::view_of(steps)}) ==
        std::vector<std::int64_t>(next.begin() + 100, next.begin() + 150));
}

TEST_CASE("decoding: greedy, and temperature 0, take the first of the largest") {
  const std::vector<float> x{1, 5, 5, 0, -1, 2};
  CHECK(chain{greedy{}}(cpu{}, as_matrix(x, 2, 3)) == std::vector<std::int64_t>{1, 2});
  CHECK(chain{temperature{0.0}, categorical{}}(cpu{}, as_matrix(x, 2, 3)) == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("decoding: a parameter per row") {
  const auto x = normal_rows<double>(3, 300, 8);
  const std::vector<double> t{0.0, 1.0, -1.0}, u{0.9, 0.9, 0.9}, p{0.5, 1.0, 0.5};
  const std::vector<index> k{0, 3, 1};
  std::vector<std::int64_t> tokens(3);
  chain{temperature{dispar::view_of(t)}, top_k{dispar::view_of(k)}, top_p{dispar::view_of(p)}, categorical{}}(
      cpu{}, as_matrix(x, 3, 300), tokens, {.uniforms = dispar::view_of(u)});
  const auto row = [&](index i) { return sorted_row(std::vector<double>(x.begin() + i * 300, x.begin() + (i + 1) * 300)); };
  CHECK(tokens == std::vector<std::int64_t>{row(0).order[0], row(1).top_k(3).draw(0.9), -1});
}

TEST_CASE_TEMPLATE("decoding: rows without a distribution get no token, and throw by number where tokens are returned", T, float,
                   double) {
  constexpr index n = 600;
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), infinity}) {
    auto x = normal_rows<T>(3, n, 2);
    x[n + 599] = static_cast<T>(bad);
    for (index j = 0; j < n; ++j) x[static_cast<std::size_t>(2 * n + j)] = static_cast<T>(-infinity);
    std::vector<std::int64_t> tokens(3);
    chain{top_k{7}, top_p{0.9}, min_p{0.1}, categorical{}}(cpu{}, as_matrix(x, 3, n), tokens);
    CHECK(tokens[0] >= 0);
    CHECK(tokens[1] == -1);
    CHECK(tokens[2] == -1);
    chain{greedy{}}(cpu{}, as_matrix(x, 3, n), tokens);
    CHECK(tokens[1] == -1);
    CHECK(tokens[2] == -1);
    std::vector<T> out(x.size());
    chain{top_p{0.9}}.probabilities(cpu{}, as_matrix(x, 3, n), as_matrix(out, 3, n));
    CHECK(std::isnan(out[n]));
    CHECK_THROWS_WITH_AS(
        (void)chain{greedy{}}(cpu{}, as_matrix(x, 3, n)),
        "dispar: decoding: row 1 has no token: its logits hold NaN or plus infinity, or are all minus infinity, or "
        "a parameter is out of range",
        dispar::invalid_argument);
  }
}

TEST_CASE("decoding: penalties count distinct tokens of ragged histories") {
  const std::vector<double> x{1, -2, 3, -infinity, 0, 6, 1, -2, 3, -infinity, 0, 6};
  const std::vector<std::int64_t> history{2, 1, 2, 3, -1, 99, 5, 5, 2, 0, 0, 0}, lengths{6, 2};
  auto changed = x;
  std::vector<double> out(x.size());
  const auto m = as_matrix(changed, 2, 6);
  chain{repetition_penalty{2.0}, occurrence_penalty{.presence = 0.5, .frequency = 0.25}}.filter(
      cpu{}, m, as_matrix(out, 2, 6), 0, {.history = as_matrix(history, 2, 6), .lengths = dispar::view_of(lengths)});
  CHECK(out == std::vector<double>{1, -4.75, 0.5, -infinity, 0, 6, 1, -2, 3, -infinity, 0, 2});
  CHECK(out == changed);
}

TEST_CASE("decoding: what is off changes nothing, what is out of range throws before any work") {
  const auto x = normal_rows<float>(2, 50, 7);
  const auto m = as_matrix(x, 2, 50);
  std::vector<std::int64_t> tokens(2);
  CHECK(chain{temperature{1.0}, top_k{0}, top_k{50}, top_p{1.0}, min_p{0.0}, categorical{}}(cpu{}, m) ==
        chain{categorical{}}(cpu{}, m));
  CHECK_THROWS_WITH_AS(chain(top_k{51}, greedy{})(cpu{}, m, tokens),
                       "dispar: top_k: k must be 0 (off) to the number of tokens, got 51", dispar::invalid_argument);
  CHECK_THROWS_AS(chain(top_k{-1}, greedy{})(cpu{}, m, tokens), dispar::invalid_argument);
  for (const double p : {0.0, -0.1, 1.01, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS_AS(chain(top_p{p}, greedy{})(cpu{}, m, tokens), dispar::invalid_argument);
  CHECK_THROWS_AS(chain(min_p{1.5}, greedy{})(cpu{}, m, tokens), dispar::invalid_argument);
  CHECK_THROWS_AS(chain(temperature{-1.0}, greedy{})(cpu{}, m, tokens), dispar::invalid_argument);
  std::vector<float> mutable_x = x;
  CHECK_THROWS_AS(chain(repetition_penalty{0.0}, greedy{})(cpu{}, as_matrix(mutable_x, 2, 50), tokens), dispar::invalid_argument);
  std::vector<std::int64_t> three(3);
  CHECK_THROWS_WITH_AS(chain{greedy{}}(cpu{}, m, three), "dispar: decoding: tokens must have one entry per row, got 3",
                       dispar::invalid_argument);
  CHECK_THROWS_AS(chain{greedy{}}(cpu{}, dispar::matrix_view<const float>(x.data(), 2, 0), tokens), dispar::invalid_argument);
  std::vector<std::int64_t> none;
  chain{greedy{}}(cpu{}, m.slice(0, 0), none);
}

TEST_CASE("decoding: a step of a user's, and the same bits for any number of threads") {
  const auto x = normal_rows<float>(64, 30000, 7);
  const auto m = as_matrix(x, 64, 30000);
  const chain sampler{temperature{0.8}, top_p{0.95}, categorical{{.seed = 5}}};
  CHECK(sampler(cpu{{.threads = 1}}, m) == sampler(cpu{{.threads = 4}}, m));
  for (const auto t : chain{top_two{}, categorical{{.seed = 1}}}(cpu{}, m.slice(0, 1))) {
    const sorted_row row(std::vector<float>(x.begin(), x.begin() + 30000));
    CHECK((t == row.order[0] || t == row.order[1]));
  }
}

}  // namespace decoding_tests
