// CAD, VCD, contrastive decoding and AdaCAD on the CPU: formulas, worked checks, what cannot occur, in place, the same bits.
#include <doctest/doctest.h>

#include "backend/host/any_executor.hpp"
#include "backend/host/counting_memory.hpp"
#include "dispar/backend/cpu.hpp"
#include "dispar/decoding/adacad.hpp"
#include "dispar/decoding/cad.hpp"
#include "dispar/decoding/contrastive.hpp"
#include "dispar/divergence/rows.hpp"
#include "merges.hpp"

namespace decoding_tests {

namespace {

namespace decoding = dispar::decoding;
namespace divergence = dispar::divergence;
using dispar::cpu;

template<class T>
constexpr double accuracy = sizeof(T) == 4 ? 3e-6 : 1e-14;

template<class T>
std::vector<T> merge_row(const std::vector<T>& a, const std::vector<T>& b, const auto& merge) {
  const auto n = static_cast<index>(a.size());
  return merged_by<T>(1, n, [&](auto out) { merge(as_matrix(a, 1, n), as_matrix(b, 1, n), out); });
}

}  // namespace

TEST_CASE_TEMPLATE("contrasts: the formulas, at sizes around a pack, a tile and a segment", T, float, double) {
  for (const index cols : {1, 17, 2049, 9000}) {
    CAPTURE(cols);
    const logits<T> l(2, 3, cols);
    const std::vector<double> weights{0, 2, -0.5};
    std::vector<double> js(3), alpha(3), of_rows(3);
    divergence::rows(cpu{}, l(0), l(1), divergence::jensen_shannon{}, js);
    const auto cad =
        merged_by<T>(3, cols, [&](auto out) { decoding::cad(cpu{}, l(0), l(1), out, {.alpha = dispar::view_of(weights)}); });
    const auto vcd = merged_by<T>(3, cols, [&](auto out) { decoding::vcd(cpu{}, l(0), l(1), out, {.alpha = 0.7}); });
    const auto ratio =
        merged_by<T>(3, cols, [&](auto out) { decoding::contrastive(cpu{}, l(0), l(1), out, {.amateur_temperature = 0.5}); });
    const auto logit = merged_by<T>(3, cols, [&](auto out) {
      decoding::contrastive(cpu{}, l(0), l(1), out,
                            {.form = decoding::contrastive_form::logits, .plausibility = 0.01, .amateur_temperature = 2});
    });
    const auto ada = merged_by<T>(3, cols, [&](auto out) {
      decoding::adacad(cpu{}, l(0), l(1), out,
                       {.floor = 0.1, .alpha = dispar::view_of(alpha), .divergences = dispar::view_of(of_rows)});
    });
    CHECK(of_rows == js);
    auto half = l;
    for (T& x : half.x[1]) x *= T(2);
    std::vector<double> e_cad, e_vcd, e_ratio, e_logit, e_ada;
    for (index i = 0; i < 3; ++i) {
      CHECK(alpha[static_cast<std::size_t>(i)] == std::fmax(js[static_cast<std::size_t>(i)], 0.1));
      const auto p = log_softmax<T>(l(0), i), q = log_softmax<T>(std::as_const(half)(1), i);
      double most = -HUGE_VAL;
      for (const double x : p) most = std::fmax(most, x);
      for (index j = 0; j < cols; ++j) {
        const double c = static_cast<double>(l(0)(i, j)), n = static_cast<double>(l(1)(i, j));
        const double x = p[static_cast<std::size_t>(j)];
        const auto contrast = [&](double a, double of) { return (1 + a) * c - a * of; };
        e_cad.push_back(contrast(weights[static_cast<std::size_t>(i)], n));
        e_vcd.push_back(x >= std::log(0.1) + most ? contrast(0.7, n) : none<double>);
        e_ratio.push_back(x >= std::log(0.1) + most ? x - q[static_cast<std::size_t>(j)] : none<double>);
        e_logit.push_back(x >= std::log(0.01) + most ? contrast(0.5, n / 2) : none<double>);
        e_ada.push_back(contrast(alpha[static_cast<std::size_t>(i)], n));
      }
    }
    CHECK(worst(cad, e_cad) < accuracy<T>);
    CHECK(worst(vcd, e_vcd) < accuracy<T>);
    CHECK(worst(ratio, e_ratio) < accuracy<T>);
    CHECK(worst(logit, e_logit) < accuracy<T>);
    CHECK(worst(ada, e_ada) < accuracy<T>);
  }
}

TEST_CASE("adacad: the worked check of the specification; the released clamps; any other divergence") {
  const std::vector<double> c{std::log(3.0), 0}, n{0, 0};
  std::vector<double> alpha(1);
  const auto out =
      merge_row(c, n, [&](auto x, auto y, auto z) { decoding::adacad(cpu{}, x, y, z, {.alpha = dispar::view_of(alpha)}); });
  CHECK(alpha[0] == doctest::Approx(0.0338221).epsilon(1e-5));
  CHECK(out[0] == doctest::Approx(1.0338221 * std::log(3.0)).epsilon(1e-7));
  CHECK(1 / (1 + std::exp(-out[0])) == doctest::Approx(0.756902).epsilon(1e-6));
  CHECK(out[1] == 0);

  // Disjoint supports of one token in eight: 0.69314716 instead of log 2.
  std::vector<double> one(8, -2000), other(8, -2000);
  one[0] = other[5] = 0;
  const auto weight = [&](const auto& f, divergence::unit in) {
    (void)merge_row(one, other, [&](auto x, auto y, auto z) {
      decoding::adacad(cpu{}, x, y, f, z, {.in = in, .alpha = dispar::view_of(alpha)});
    });
    return alpha[0];
  };
  CHECK(std::fabs(weight(divergence::clamped_jensen_shannon{}, divergence::unit::nats) - 0.69314716) < 5e-9);
  CHECK(std::fabs(weight(divergence::jensen_shannon{}, divergence::unit::nats) - std::log(2.0)) < 1e-15);
  CHECK(std::fabs(weight(divergence::jensen_shannon{}, divergence::unit::bits) - 1) < 1e-15);
  CHECK(std::fabs(weight(divergence::jensen_shannon{0.25}, divergence::unit::nats) - 0.5623351446188083) < 1e-14);
}

TEST_CASE_TEMPLATE("contrasts: nothing to contrast leaves the row; a constant on a row changes no weight", T, float, double) {
  const logits<T> l(2, 2, 300);
  const auto first = l.x[0];
  CHECK(same_bits(merged_by<T>(2, 300, [&](auto out) { decoding::cad(cpu{}, l(0), l(1), out, {.alpha = 0}); }), first));
  CHECK(same_bits(merged_by<T>(2, 300, [&](auto out) { decoding::adacad(cpu{}, l(0), l(0), out); }), first));
  CHECK(same_bits(merged_by<T>(2, 300, [&](auto out) { decoding::adacad(cpu{}, l(0), l(0), out, {.floor = 0.3}); }), first));
  auto shifted = l;
  for (T& x : shifted.x[1]) x += T(8);
  std::vector<double> alpha(2), again(2);
  const auto plain =
      merged_by<T>(2, 300, [&](auto out) { decoding::adacad(cpu{}, l(0), l(1), out, {.alpha = dispar::view_of(alpha)}); });
  const auto other =
      merged_by<T>(2, 300, [&](auto out) { decoding::adacad(cpu{}, l(0), shifted(1), out, {.alpha = dispar::view_of(again)}); });
  for (index i = 0; i < 2; ++i) {
    const auto at = static_cast<std::size_t>(i);
    CHECK(std::fabs(alpha[at] - again[at]) < accuracy<T>);
    CHECK(worst(log_softmax<T>(as_matrix(plain, 2, 300), i), log_softmax<T>(as_matrix(other, 2, 300), i)) < 4 * accuracy<T>);
  }
}

TEST_CASE_TEMPLATE("contrasts: tokens that cannot occur, NaN", T, float, double) {
  const T nan = dispar::quiet_nan<T>();
  const auto cad = [](double alpha) {
    return [alpha](auto x, auto y, auto z) { decoding::cad(cpu{}, x, y, z, {.alpha = alpha}); };
  };
  const auto adacad = [](auto x, auto y, auto z) { decoding::adacad(cpu{}, x, y, z); };
  auto out = merge_row<T>({1, none<T>, none<T>, 2}, {1, none<T>, 3, none<T>}, cad(1));
  CHECK(out == std::vector<T>{1, none<T>, none<T>, dispar::positive_infinity<T>()});
  CHECK(merge_row<T>({1, none<T>, 2}, {1, none<T>, none<T>}, cad(0)) == std::vector<T>{1, none<T>, 2});
  out = merge_row<T>({1, none<T>, none<T>, 2}, {1, none<T>, 3, 1}, adacad);
  CHECK(out[1] == none<T>);
  CHECK(out[2] == none<T>);
  CHECK(out[3] > 2);
  out = merge_row<T>({1, nan, none<T>}, {1, 2, 3}, adacad);
  CHECK(is_nan(out[0]));
  CHECK(out[2] == none<T>);
  out = merge_row<T>({none<T>, none<T>}, {1, 2}, adacad);
  CHECK(out == std::vector<T>{none<T>, none<T>});
  out = merge_row<T>({1, 2}, {none<T>, none<T>}, adacad);
  CHECK(is_nan(out[0]));
  out = merge_row<T>({1, nan, 2}, {1, 2, 3}, cad(1));
  CHECK(out[0] == 1);
  CHECK(is_nan(out[1]));
  // Ties at the best are all kept, and the best token always: with a share of 1, nothing else.
  out = merge_row<T>({5, 4, 5, none<T>}, {1, 1, 2, 9},
                     [](auto x, auto y, auto z) { decoding::vcd(cpu{}, x, y, z, {.alpha = 1, .plausibility = 1}); });
  CHECK(out == std::vector<T>{9, none<T>, 8, none<T>});
  // A share of 0: no cut.
  out = merge_row<T>({5, -900, 5}, {1, 1, 2}, [](auto x, auto y, auto z) { decoding::vcd(cpu{}, x, y, z, {.plausibility = 0}); });
  CHECK(out == std::vector<T>{9, -1801, 8});
  const auto ratio = [](auto x, auto y, auto z) { decoding::contrastive(cpu{}, x, y, z, {.plausibility = 0}); };
  out = merge_row<T>({0, none<T>, 0}, {0, 0, none<T>}, ratio);
  CHECK(out[0] == 0);
  CHECK(out[1] == none<T>);
  CHECK(out[2] == dispar::positive_infinity<T>());
  CHECK(is_nan(merge_row<T>({0, 1, nan}, {0, 0, 0}, ratio)[0]));
}

TEST_CASE("contrasts: over an input, strided, and the same bits however the work is shared") {
  const logits<float> l(2, 1, 40000);
  const auto merge = [&](const auto& b, auto x, auto y, auto z) { decoding::adacad(b, x, y, z, {.floor = 0.01}); };
  const auto expected =
      merged_by<float>(1, 40000, [&](auto out) { merge(dispar::cpu{.each = {.threads = 1}}, l(0), l(1), out); });
  for (int k = 0; k < 2; ++k) {
    auto in_place = l;
    merge(cpu{}, std::as_const(in_place)(0), std::as_const(in_place)(1), in_place(k));
    CHECK(same_bits(in_place.x[static_cast<std::size_t>(k)], expected));
  }
  for (const auto& each : {engine_tests::backwards(), engine_tests::threads(3, 3)})
    CHECK(
        same_bits(merged_by<float>(
                      1, 40000, [&](auto out) { merge(dispar::tiled_host<engine_tests::any_executor>{each}, l(0), l(1), out); }),
                  expected));
  // Every second column of a wider matrix, from the last to the first.
  std::vector<float> wide(80000), out(80000, -1);
  for (std::size_t j = 0; j < 40000; ++j) wide[2 * (39999 - j)] = l.x[0][j];
  const matrix_view<const float> apart(wide.data() + 79998, {1, 40000}, {80000, -2});
  merge(cpu{}, apart, l(1), matrix_view<float>(out.data(), {1, 40000}, {80000, 2}));
  bool equal = true;
  for (std::size_t j = 0; j < 40000; ++j) equal = equal && out[2 * j] == expected[j] && out[2 * j + 1] == -1;
  CHECK(equal);
}

TEST_CASE("adacad: a long row takes no memory from the backend, many take some and give it back") {
  engine_tests::ledger book;
  const dispar::tiled_host<engine_tests::any_executor, engine_tests::counting_memory> b{engine_tests::threads(2, 64), {&book}};
  const logits<float> one(2, 1, 128256), many(2, 100, 20000);
  (void)merged_by<float>(1, 128256, [&](auto out) { decoding::adacad(b, one(0), one(1), out); });
  CHECK(book.allocations == 0);
  const auto by_segments = merged_by<float>(100, 20000, [&](auto out) { decoding::adacad(b, many(0), many(1), out); });
  CHECK(book.allocations > 0);
  CHECK(book.blocks == 0);
  CHECK(same_bits(by_segments, merged_by<float>(100, 20000, [&](auto out) { decoding::adacad(cpu{}, many(0), many(1), out); })));
}

TEST_CASE("contrasts: bad input throws before any work") {
  const logits<float> l(2, 2, 5);
  auto other = logits<float>(1, 5, 2);
  std::vector<float> out(10, 7);
  const auto z = as_matrix(out, 2, 5);
  CHECK_THROWS_WITH_AS(decoding::cad(cpu{}, l(0), std::as_const(other)(0), z),
                       "dispar: rows: number of rows must be the same in every matrix, got 5", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(decoding::cad(cpu{}, l(0), l(1), z, {.alpha = HUGE_VAL}), "dispar: cad: alpha must be finite, got inf",
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(decoding::vcd(cpu{}, l(0), l(1), z, {.plausibility = 1.5}),
                       "dispar: vcd: plausibility must lie in [0, 1], got 1.5", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(decoding::contrastive(cpu{}, l(0), l(1), z, {.amateur_temperature = 0}),
                       "dispar: contrastive: amateur_temperature must be positive and finite, got 0", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(decoding::adacad(cpu{}, l(0), l(1), z, {.floor = -0.1}),
                       "dispar: adacad: floor must be at least 0 and finite, got -0.1", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(decoding::adacad(cpu{}, l(0), l(1), divergence::jensen_shannon{2}, z),
                       "dispar: jensen_shannon: weight must lie between 0 and 1, got 2", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(decoding::cad(cpu{}, l(0), l(1), matrix_view<float>()),
                       "dispar: decoding: merged must not be the null view", dispar::invalid_argument);
  CHECK(out == std::vector<float>(10, 7));
  const std::vector<float> nothing;
  CHECK_NOTHROW(decoding::adacad(cpu{}, as_matrix(nothing, 0, 5), as_matrix(nothing, 0, 5), matrix_view<float>(nullptr, 0, 5)));
}

}  // namespace decoding_tests
