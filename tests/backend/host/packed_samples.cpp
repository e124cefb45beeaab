#include "dispar/backend/host/packed_samples.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "backend/host/integer_samples.hpp"

namespace engine_tests {

namespace {

using bad = dispar::invalid_argument;
using backend = dispar::tiled_host<dispar::serial>;

template<class Metric, class T, int Channels>
auto pack(const std::vector<dispar::sample<T, Channels>>& segments) {
  return dispar::pack_samples<Metric>(backend(), segments);
}
template<class Metric, class T>
auto pack_one(dispar::matrix_view<const T> view) {
  return pack<Metric>(std::vector<dispar::sample<T, 1>>{{{view}}});
}

/// Every pair's distance, row by row and by whole register tiles, is that of the definition.
template<class Metric, class T, int Channels>
void check_distances(const integer_samples<T, Channels>& samples) {
  using R = dispar::detail::register_tile<T>;
  const auto data = pack<Metric>(samples.segments());
  CHECK(data.segments() == static_cast<int>(samples.counts.size()));
  CHECK(data.rows() == samples.rows());
  for (int s = 0; s < data.segments(); ++s) {
    CHECK(data.count(s) == samples.counts[static_cast<std::size_t>(s)]);
    CHECK(data.first(s) == samples.first(s));
    CHECK(data.first_packed(s) % data.panel == 0);
  }
  for (int c = 0; c < Channels; ++c) {
    CHECK(data.features(c) == samples.features[static_cast<std::size_t>(c)]);
    for (int s = 0; s < data.segments(); ++s)
      for (int t = 0; t < data.segments(); ++t)
        for (index i = 0; i < data.count(s); i += R::rows)
          for (index j = 0; j < data.count(t); j += R::panel) {
            typename R::V tile[R::rows][R::vectors];
            data.distances(c, data.first_packed(s) + i, data.first_packed(t) + j, tile);
            for (int r = 0; r < R::rows && i + r < data.count(s); ++r)
              for (int l = 0; l < R::width && j + l < data.count(t); ++l) {
                const double expected = samples.distance(Metric(), c, data.first(s) + i + r, data.first(t) + j + l);
                CHECK(static_cast<double>(tile[r][l / R::lanes][l % R::lanes]) == expected);
                CHECK(static_cast<double>(data.distance(c, data.first_packed(s) + i + r, data.first_packed(t) + j + l)) ==
                      expected);
              }
          }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("packed distances are those of the definition", T, float, double) {
  for (const auto& counts : {std::vector<index>{1}, {1, 1, 1}, {7, 9}, {16, 17, 15}, {50}}) {
    check_distances<dispar::sq_euclidean>(integer_samples<T>(counts, {5}, 1000));
    check_distances<dispar::sq_euclidean>(integer_samples<T, 2>(counts, {1, 12}, 2));
    check_distances<dispar::dot>(integer_samples<T>(counts, {5}, 2));
    check_distances<dispar::l1>(integer_samples<T>(counts, {5}, 1000));
    check_distances<dispar::linf>(integer_samples<T>(counts, {5}, 1000));
    check_distances<cubed_gap>(integer_samples<T>(counts, {5}, 1000));
  }
}

#if !defined(__FAST_MATH__)  // which may reorder the sum of a single pair
TEST_CASE("tiles and single pairs give the same bits where rounding matters") {
  using R = dispar::detail::register_tile<float>;
  for (const index features : {37, 1024, 1025, 2500}) {
    CAPTURE(features);
    std::vector<float> rows(static_cast<std::size_t>(60 * features));
    for (std::size_t i = 0; i < rows.size(); ++i)
      rows[i] = static_cast<float>(dispar::random_key{3, 0}.block(i)[0]) * 0x1p-32f + 10.f;
    const auto data = pack_one<dispar::sq_euclidean>(dispar::matrix_view<const float>(rows.data(), 60, features));
    typename R::V tile[R::rows][R::vectors];
    for (index i = 0; i < 60 - R::rows; i += R::rows) {
      data.distances(0, i, R::panel, tile);
      for (int r = 0; r < R::rows; ++r) {
        CHECK(data.distance(0, i + r, i + r) == 0);
        for (int l = 0; l < R::width && R::panel + l < 60; ++l)
          CHECK(tile[r][l / R::lanes][l % R::lanes] == data.distance(0, i + r, R::panel + l));
      }
    }
  }
}
#endif

TEST_CASE("rounding does not add up along long rows") {
  constexpr index n = 8, features = 200000;
  std::vector<float> rows(static_cast<std::size_t>(n * features));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(dispar::random_key{4, 0}.block(i)[0]) * 0x1p-32f;
  const auto data = pack_one<dispar::dot>(dispar::matrix_view<const float>(rows.data(), n, features));
  for (index i = 0; i < n; ++i) {
    double expected = 0;
    for (index k = 0; k < features; ++k)
      expected += static_cast<double>(rows[static_cast<std::size_t>(k)]) * rows[static_cast<std::size_t>(i * features + k)];
    CHECK(static_cast<double>(data.distance(0, 0, i)) == doctest::Approx(expected).epsilon(3e-6));  // one sum: 2e-4
  }
}

TEST_CASE("the pooled mean over all segments is subtracted where the metric allows it") {
  const integer_samples<float> samples({150, 301}, {3}, 1000);
  const auto centred = pack<dispar::l1>(samples.segments());
  const auto as_it_is = pack<dispar::dot>(samples.segments());
  for (int s = 0; s < 2; ++s)
    for (index i = 0; i < samples.counts[static_cast<std::size_t>(s)]; ++i)
      for (index k = 0; k < 3; ++k) {
        const double x = samples.feature(0, samples.first(s) + i, k);
        CHECK(static_cast<double>(centred.feature(0, centred.first_packed(s) + i, k)) == x - 1000);
        CHECK(static_cast<double>(as_it_is.feature(0, as_it_is.first_packed(s) + i, k)) == x);
      }
}

TEST_CASE("column-major, strided, reversed and broadcast views are read in place") {
  std::vector<double> memory(400);
  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<double>(i * i % 101);
  const dispar::matrix_view<const double> dense(memory.data(), 11, 5);
  const dispar::matrix_view<const double> views[] = {
      dispar::matrix_view<const double>(memory.data(), 5, 11).transposed(),
      {memory.data() + 3, {11, 5}, {17, 3}},
      {memory.data() + 399, {11, 5}, {-30, -2}},
      {memory.data() + 10, {11, 5}, {0, 1}},
      {memory.data(), {11, 5}, {1, 1}},
  };
  for (const auto& view : views) {
    const auto data = pack_one<dispar::dot>(view);
    for (index i = 0; i < 11; ++i)
      for (index k = 0; k < 5; ++k) CHECK(data.feature(0, i, k) == view(i, k));
    const auto centred = pack_one<dispar::l1>(view);
    for (index i = 0; i < 11; ++i) {
      double expected = 0;
      for (index k = 0; k < 5; ++k) expected += std::fabs(view(i, k) - view(3, k));
      CHECK(centred.distance(0, i, 3) == doctest::Approx(expected).epsilon(1e-14));
    }
  }
}

TEST_CASE("empty and mismatched samples are refused") {
  const std::vector<float> memory(100, 1.f);
  const auto matrix = [&](index rows, index cols) { return dispar::matrix_view<const float>(memory.data(), rows, cols); };
  using one = dispar::sample<float, 1>;
  using two = dispar::sample<float, 2>;
  CHECK_THROWS_WITH_AS(pack<dispar::l1>(std::vector<one>{}), "dispar: samples must have at least one segment", bad);
  CHECK_THROWS_WITH_AS(pack<dispar::l1>(std::vector<one>{{{matrix(3, 2)}}, {{matrix(0, 2)}}}),
                       "dispar: sample: rows must be at least 1, got 0", bad);
  CHECK_THROWS_WITH_AS(pack<dispar::l1>(std::vector<one>{{{matrix(3, 0)}}}), "dispar: sample: features must be at least 1, got 0",
                       bad);
  CHECK_THROWS_WITH_AS(pack<dispar::l1>(std::vector<one>{{{matrix(3, 2)}}, {{matrix(2, 3)}}}),
                       "dispar: sample: features must be the same in every sample, got 3", bad);
  CHECK_THROWS_WITH_AS(pack<dispar::l1>(std::vector<two>{{{matrix(3, 2), matrix(3, 1)}}, {{matrix(2, 2), matrix(2, 4)}}}),
                       "dispar: sample: features must be the same in every sample, got 4", bad);
}

TEST_CASE_TEMPLATE("NaN and infinity are found wherever they are, and named", Metric, dispar::sq_euclidean, dispar::dot,
                   dispar::l1) {
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()})
    for (index at = 0; at < 35 * 3; ++at) {
      std::vector<float> rows(35 * 3, 1.5f);
      rows[static_cast<std::size_t>(at)] = value;
      const dispar::matrix_view<const float> all(rows.data(), 35, 3);
      const index row = at / 3, segment = row < 14 ? 0 : 1;
      const std::string expected = "dispar: sample " + std::to_string(segment) + ": element (" +
                                   std::to_string(segment == 0 ? row : row - 14) + ", " + std::to_string(at % 3) +
                                   ") is NaN or infinite";
      using one = dispar::sample<float, 1>;
      CHECK_THROWS_WITH_AS(pack<Metric>(std::vector<one>{{{all.slice(0, 14)}}, {{all.slice(14, 21)}}}), expected.c_str(), bad);
    }
}

TEST_CASE("NaN in the second channel, in a strided view, and in two rows: the first is named") {
  std::vector<double> clean(12, 1), rows(60, 1);
  const dispar::matrix_view<const double> strided(rows.data(), {6, 2}, {10, 5});
  rows[10 * 4 + 5] = rows[10 * 5] = std::numeric_limits<double>::quiet_NaN();
  using two = dispar::sample<double, 2>;
  const std::vector<two> segments{{{dispar::as_matrix(std::as_const(clean), 6, 2), strided}}};
  CHECK_THROWS_WITH_AS(pack<dispar::sq_euclidean>(segments), "dispar: sample 0: element (4, 1) is NaN or infinite", bad);
}

TEST_CASE("a squared norm that overflows is refused, values near the limits are not") {
  // The sum of two norms must fit as well: else equal rows would lie infinitely far apart.
  for (const float value : {1e20f, 1.5e19f}) {
    const std::vector<float> large{value, value, -value, -value};
    CHECK_THROWS_WITH_AS(pack_one<dispar::sq_euclidean>(dispar::matrix_view<const float>(large.data(), 4, 1)),
                         "dispar: sample 0: element (0, 0) is too large: its row's squared norm overflows; scale the data", bad);
    CHECK_NOTHROW(pack_one<dispar::l1>(dispar::matrix_view<const float>(large.data(), 4, 1)));
  }
  const std::vector<float> fine{1.2e19f, 1.2e19f, -1.2e19f, -1.2e19f};
  CHECK(pack_one<dispar::sq_euclidean>(dispar::matrix_view<const float>(fine.data(), 4, 1)).distance(0, 0, 1) == 0);
  // Finite rows whose sum overflows still have a mean, if not theirs.
  const std::vector<float> sum_overflows{3e38f, 3e38f, 3e38f, 2.9e38f};
  const auto data = pack_one<dispar::l1>(dispar::matrix_view<const float>(sum_overflows.data(), 4, 1));
  CHECK(data.distance(0, 0, 3) == doctest::Approx(1e37).epsilon(1e-6));
}

}  // namespace engine_tests
