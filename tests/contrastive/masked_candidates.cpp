// Softmax losses of matched rows with padding and false negatives: stored logits, central differences, bands, what is masked
// whatever it holds, all masked, what is no input.
#include <doctest/doctest.h>

#include <cstring>

#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "dispar/contrastive/infonce.hpp"
#include "dispar/contrastive/key_queue.hpp"
#include "dispar/contrastive/ntxent.hpp"
#include "masked_oracle.hpp"
#include "normal_rows.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::direction;
using contrastive::inner_product;
using contrastive::temperature;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;
using dispar::view_of;
using numbers = std::vector<std::int64_t>;

template<class T>
constexpr double accuracy = sizeof(T) == 4 ? 3e-6 : 3e-14;

bool near(double got, double expected, double relative) {
  return std::fabs(got - expected) <= relative * (1 + std::fabs(expected));
}

template<class T>
struct masked_batch {
  index n, m, d;
  std::vector<T> x, y, more, gx, gy, gm;
  numbers items, more_items;
  std::vector<double> losses;
  masked_batch(index pairs, index negatives, index features)
      : n(pairs),
        m(negatives),
        d(features),
        x(normal_rows<T>(n, d, 1)),
        y(normal_rows<T>(n, d, 2)),
        more(normal_rows<T>(m, d, 3)),
        gx(x.size(), T(7)),
        gy(y.size(), T(7)),
        gm(more.size(), T(7)),
        items(some_items(n)),
        losses(static_cast<std::size_t>(n), 7) {
    for (index j = 0; j < m; ++j)
      more_items.push_back(j % 4 == 1 ? -3 : j % 4 == 2 ? items[static_cast<std::size_t>(j % n)] : 999 + j);
  }
  [[nodiscard]] contrastive::gradients<T> gradients() {
    auto g = of_pairs();
    if (m > 0) g.negatives = as_matrix(gm, m, d);
    return g;
  }
  [[nodiscard]] contrastive::gradients<T> of_pairs() { return {.x = as_matrix(gx, n, d), .y = as_matrix(gy, n, d)}; }
  [[nodiscard]] contrastive::infonce_options<T> options(direction anchors, index band_rows = 0) {
    contrastive::infonce_options<T> o{
        .anchors = anchors, .items = view_of(std::as_const(items)), .losses = view_of(losses), .band_rows = band_rows};
    if (m > 0) {
      o.negatives = as_matrix(std::as_const(more), m, d);
      o.negative_items = view_of(std::as_const(more_items));
    }
    return o;
  }
  [[nodiscard]] contrastive::softmax_loss infonce(const contrastive::infonce_options<T>& o, const contrastive::gradients<T>& g) {
    return contrastive::infonce(cpu{}, as_matrix(std::as_const(x), n, d), as_matrix(std::as_const(y), n, d), cosine{},
                                temperature{0.2}, g, o);
  }
  [[nodiscard]] oracle::answer expected(bool both, bool within = false, bool in_batch = true) const {
    const auto p = oracle::masked(oracle::rows_of(x, n), oracle::rows_of(y, n), oracle::rows_of(more, m), both, within, in_batch,
                                  items, more_items);
    return oracle::solve(p, 5, true);
  }
  void check(const contrastive::softmax_loss& got, const oracle::answer& r, bool both) {
    const double close = accuracy<T>;
    CHECK(near(got.value, r.loss, close));
    CHECK(near(got.by_temperature, -5 * r.by_log_scale, 10 * close));
    CHECK(oracle::apart(gx, oracle::gradient_of(r, 0, n)) < close);
    CHECK(oracle::apart(gy, oracle::gradient_of(r, n, n)) < close);
    if (m > 0) CHECK(oracle::apart(gm, oracle::gradient_of(r, 2 * n, m)) < close);
    std::vector<double> by_pair;
    for (std::size_t i = 0; i < losses.size(); ++i)
      by_pair.push_back(both ? (r.losses[i] + r.losses[losses.size() + i]) / 2 : r.losses[i]);
    CHECK(oracle::apart(losses, by_pair) < close);
    for (index i = 0; i < n; ++i)
      if (items[static_cast<std::size_t>(i)] < 0) {
        CHECK(losses[static_cast<std::size_t>(i)] == 0);
        for (index k = 0; k < d; ++k) CHECK(gx[static_cast<std::size_t>(i * d + k)] == 0);
        for (index k = 0; k < d; ++k) CHECK(gy[static_cast<std::size_t>(i * d + k)] == 0);
      }
  }
};

}  // namespace

TEST_CASE_TEMPLATE("masked infonce: stored logits, one direction and both, further negatives, bands, at sizes around a tile", T,
                   float, double) {
  for (const auto& sizes : {std::array<index, 3>{3, 4, 2}, {5, 0, 2}, {37, 9, 7}, {97, 33, 65}, {200, 0, 3}})
    for (const direction anchors : {direction::rows, direction::both})
      for (const index band : {0, 48}) {
        CAPTURE(sizes[0]);
        CAPTURE(band);
        const bool both = anchors == direction::both;
        masked_batch<T> of(sizes[0], sizes[1], sizes[2]);
        const auto got = of.infonce(of.options(anchors, band), of.gradients());
        of.check(got, of.expected(both), both);
      }
}

TEST_CASE_TEMPLATE("masked ntxent; negatives of a queue only; items on one side only", T, float, double) {
  SUBCASE("two views") {
    for (const index band : {0, 48}) {
      masked_batch<T> of(61, 0, 19);
      const auto got =
          contrastive::ntxent(cpu{}, as_matrix(of.x, 61, 19), as_matrix(of.y, 61, 19), cosine{}, temperature{0.2}, of.gradients(),
                              {.items = view_of(std::as_const(of.items)), .losses = view_of(of.losses), .band_rows = band});
      of.check(got, of.expected(true, true), true);
    }
  }
  SUBCASE("queue") {
    masked_batch<T> of(21, 70, 5);
    auto o = of.options(direction::rows);
    o.in_batch = false;
    const auto got = of.infonce(o, of.gradients());
    of.check(got, of.expected(false, false, false), false);
  }
  SUBCASE("items of pairs only") {
    masked_batch<T> of(21, 11, 5);
    of.more_items.clear();
    auto o = of.options(direction::both);
    o.negative_items = {};
    const auto got = of.infonce(o, of.gradients());
    of.check(got, of.expected(true), true);
  }
  SUBCASE("items of negatives only: rows of the queue that nobody wrote") {
    masked_batch<T> of(21, 11, 5);
    of.items.clear();
    auto o = of.options(direction::rows);
    o.items = {};
    const auto got = of.infonce(o, of.gradients());
    CHECK(near(got.value, of.expected(false).loss, accuracy<T>));
    CHECK(oracle::apart(of.gm, oracle::gradient_of(of.expected(false), 42, 11)) < accuracy<T>);
    for (index k = 0; k < 5; ++k) CHECK(of.gm[static_cast<std::size_t>(5 + k)] == 0);
  }
}

TEST_CASE("masked infonce: gradients by central differences, upstream factors, accumulation, sums, strided items") {
  masked_batch<double> of(11, 6, 4);
  const numbers apart = [&] {  // every other number counts
    numbers wide;
    for (const auto item : of.items) wide.insert(wide.end(), {item, -7});
    return wide;
  }();
  std::vector<double> upstream(11);
  for (std::size_t i = 0; i < 11; ++i) upstream[i] = 0.3 * static_cast<double>(i) - 0.5;
  const double device_factor = 2;
  for (const auto reduce : {contrastive::reduction::mean, contrastive::reduction::sum}) {
    auto o = of.options(direction::both, 5);
    o.reduce = reduce;
    o.items = dispar::vector_view<const std::int64_t>(apart.data(), {11}, {2});
    double padding = 0;
    for (const auto item : of.items) padding += item < 0 ? 1 : 0;
    const double each = reduce == contrastive::reduction::mean ? 1 / (11 - padding) : 1;
    const auto objective = [&](double tau) {
      (void)contrastive::infonce(cpu{}, as_matrix(of.x, 11, 4), as_matrix(of.y, 11, 4), contrastive::projection{},
                                 temperature{tau}, {}, o);
      double sum = 0;
      for (std::size_t i = 0; i < 11; ++i) sum += upstream[i] * of.losses[i];
      return each * sum;
    };
    const double value = contrastive::infonce(cpu{}, as_matrix(of.x, 11, 4), as_matrix(of.y, 11, 4), contrastive::projection{},
                                              temperature{0.4}, {}, o)
                             .value;
    double sum = 0;
    for (const double loss : of.losses) sum += loss;
    CHECK(value == doctest::Approx(each * sum).epsilon(1e-14));
    auto g = of.gradients();
    g.factor = 0.5;
    g.upstream = dispar::scalar_view<const double>(&device_factor);
    g.pairs = view_of(std::as_const(upstream));
    g.accumulate = true;
    for (auto* gradient : {&of.gx, &of.gy, &of.gm}) gradient->assign(gradient->size(), 7);
    const double by_tau = contrastive::infonce(cpu{}, as_matrix(of.x, 11, 4), as_matrix(of.y, 11, 4), contrastive::projection{},
                                               temperature{0.4}, g, o)
                              .by_temperature;
    const double h = 1e-6;
    CHECK(by_tau == doctest::Approx((objective(0.4 + h) - objective(0.4 - h)) / (2 * h)).epsilon(1e-7));
    const auto check = [&](std::vector<double>& rows, const std::vector<double>& gradient) {
      const auto at = rows;
      const auto expected = central_differences(at, [&](const std::vector<double>& moved) {
        rows = moved;
        return objective(0.4);
      });
      rows = at;
      for (std::size_t k = 0; k < at.size(); ++k) CHECK(gradient[k] == doctest::Approx(7 + expected[k]).epsilon(1e-7));
    };
    check(of.x, of.gx);
    check(of.y, of.gy);
    check(of.more, of.gm);
  }
}

TEST_CASE("masked infonce: the batch without padding; what is masked may hold anything; distinct items change no bit") {
  masked_batch<double> of(23, 7, 6);
  of.items.assign(23, 0);
  for (std::size_t i = 0; i < 23; ++i) of.items[i] = i < 17 ? static_cast<std::int64_t>(i) : -1;
  of.more_items.assign(7, 0);
  for (std::size_t j = 0; j < 7; ++j) of.more_items[j] = j < 5 ? static_cast<std::int64_t>(j) + 100 : -1;
  const auto masked = of.infonce(of.options(direction::both), of.gradients());
  const auto gx = of.gx;
  masked_batch<double> few(17, 5, 6);
  std::memcpy(few.more.data(), of.more.data(), few.more.size() * sizeof(double));
  const auto plain =
      few.infonce({.anchors = direction::both, .negatives = as_matrix(std::as_const(few.more), 5, 6)}, few.gradients());
  CHECK(masked.value == doctest::Approx(plain.value).epsilon(1e-13));
  CHECK(masked.by_temperature == doctest::Approx(plain.by_temperature).epsilon(1e-12));
  few.gx.resize(gx.size(), 0.0);
  CHECK(oracle::apart(gx, few.gx) < 1e-13);
  // Where logits of masked pairs would overflow every exponential.
  for (std::size_t k = 17 * 6; k < of.x.size(); ++k) of.x[k] = of.y[k] = 1e200;
  const contrastive::infonce_options<double> o = of.options(direction::both);
  const auto large = contrastive::infonce(cpu{}, as_matrix(of.x, 23, 6), as_matrix(of.y, 23, 6), inner_product{},
                                          temperature{0.2}, of.gradients(), o);
  CHECK(std::isfinite(large.value));
  CHECK(std::isfinite(large.by_temperature));
  for (const double v : of.gx) REQUIRE(std::isfinite(v));

  numbers different;
  for (std::int64_t i = 0; i < 17; ++i) different.push_back(1000 - i);
  few.gx.resize(17 * 6);
  (void)few.infonce({.anchors = direction::both}, few.of_pairs());
  const auto first = few.gx;
  (void)few.infonce({.anchors = direction::both, .items = view_of(std::as_const(different))}, few.of_pairs());
  CHECK(std::memcmp(first.data(), few.gx.data(), first.size() * sizeof(double)) == 0);
  const auto threads = contrastive::infonce(dispar::tiled_host<dispar::openmp>{{.threads = 3}}, as_matrix(few.x, 17, 6),
                                            as_matrix(few.y, 17, 6), cosine{}, temperature{0.2}, few.of_pairs(),
                                            {.anchors = direction::both, .items = view_of(std::as_const(different))});
  CHECK(std::isfinite(threads.value));
  CHECK(std::memcmp(first.data(), few.gx.data(), first.size() * sizeof(double)) == 0);
}

TEST_CASE_TEMPLATE("masked softmax losses: with every candidate masked the loss is 0, and so is all padding", T, float, double) {
  for (const std::int64_t item : {std::int64_t{4}, std::int64_t{-4}}) {
    CAPTURE(item);
    masked_batch<T> of(9, 3, 4);
    of.items.assign(9, item);
    of.more_items.assign(3, item);
    const auto zero = [&](const contrastive::softmax_loss& loss) {
      CHECK(loss.value == 0);
      CHECK(loss.rows == 0);
      CHECK(loss.cols == 0);
      CHECK(loss.by_temperature == 0);
      for (const auto* g : {&of.gx, &of.gy})
        for (const T v : *g) CHECK(v == 0);
      for (const double v : of.losses) CHECK(v == 0);
    };
    zero(of.infonce(of.options(direction::both), of.gradients()));
    for (const T v : of.gm) CHECK(v == 0);
    zero(contrastive::ntxent(cpu{}, as_matrix(of.x, 9, 4), as_matrix(of.y, 9, 4), cosine{}, temperature{}, of.of_pairs(),
                             {.items = view_of(std::as_const(of.items)), .losses = view_of(of.losses)}));
  }
}

TEST_CASE("masked softmax losses: errors name what is wrong") {
  masked_batch<double> of(4, 3, 2);
  const numbers three(3, 1), four(4, 1);
  const auto run = [&](const contrastive::infonce_options<double>& o) { (void)of.infonce(o, {}); };
  check_refused([&] { run({.items = view_of(three)}); }, "contrastive: items must be one per pair, got 3");
  check_refused([&] { run({.negative_items = view_of(three)}); }, "contrastive: negative_items");
  check_refused([&] { run({.negatives = as_matrix(std::as_const(of.more), 3, 2), .negative_items = view_of(four)}); },
                "contrastive: negative_items must be one per further negative, got 4");
  check_refused(
      [&] {
        (void)contrastive::ntxent(cpu{}, as_matrix(of.x, 4, 2), as_matrix(of.y, 4, 2), cosine{}, temperature{}, {},
                                  {.items = view_of(three)});
      },
      "contrastive: items");
}

}  // namespace contrastive_tests
