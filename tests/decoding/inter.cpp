// COIECD, INTER, Harsanyi dividends and Shapley values on the CPU: formulas, worked checks, gates, what cannot occur.
#include <doctest/doctest.h>

#include <algorithm>

#include "backend/host/any_executor.hpp"
#include "dispar/backend/cpu.hpp"
#include "dispar/decoding/coiecd.hpp"
#include "dispar/decoding/harsanyi.hpp"
#include "dispar/decoding/inter.hpp"
#include "merges.hpp"

namespace decoding_tests {

namespace {

namespace decoding = dispar::decoding;
using dispar::cpu;
using dispar::view_of;

/// COIECD as written, in double; also the masks.
struct plain_coiecd {
  std::vector<double> merged, typical, rare;
  plain_coiecd(const std::vector<double>& c, const std::vector<double>& n, double alpha, double ratio) {
    double h = 0, sum = 0;
    for (const double x : n) h -= x > -HUGE_VAL ? std::exp(x) * x : 0;
    std::vector<double> r;
    for (const double x : c) r.push_back(-x - h);
    for (const double x : r) sum += std::exp(x);
    for (double& x : r) x -= std::log(sum);
    const double low = *std::min_element(r.begin(), r.end()) + std::log(ratio);
    const double high = *std::max_element(r.begin(), r.end()) - std::log(ratio);
    const auto below = std::count_if(r.begin(), r.end(), [low](double x) { return x < low; });
    for (std::size_t v = 0; v < r.size(); ++v) {
      typical.push_back(below == 1 || r[v] >= low ? 1 : 0);
      rare.push_back(r[v] > high ? 1 : 0);
      const double weight = rare[v] > 0 ? 1 : 1 - typical[v];
      merged.push_back(weight * c[v] + (1 - weight) * n[v] + alpha * (c[v] - n[v]));
    }
  }
};

/// INTER of one row as written, in double.
struct plain_inter {
  std::vector<double> merged;
  double variance, gate;
  plain_inter(const logits<double>& l, index row, double k, double beta, bool plausible) {
    std::vector<double> i, counted;
    double most = -HUGE_VAL, mean = 0;
    for (index v = 0; v < l.cols; ++v) most = std::fmax(most, l(0)(row, v));
    const double least = most + std::log(beta);
    for (index v = 0; v < l.cols; ++v) {
      i.push_back(l(0)(row, v) - l(1)(row, v) - l(2)(row, v) + l(3)(row, v));
      if (!plausible || l(0)(row, v) >= least) counted.push_back(i.back());
    }
    for (const double x : counted) mean += x / static_cast<double>(counted.size());
    variance = 0;
    for (const double x : counted) variance += (x - mean) * (x - mean) / static_cast<double>(counted.size() - 1);
    gate = counted.size() > 1 && variance >= k ? 1 : 0;
    for (index v = 0; v < l.cols; ++v)
      merged.push_back(l(0)(row, v) < least ? none<double> : l(0)(row, v) + gate * i[static_cast<std::size_t>(v)]);
  }
};

template<class T>
logits<double> in_double(const logits<T>& l) {
  logits<double> d(0, l.rows, l.cols);
  for (const auto& x : l.x) d.x.emplace_back(x.begin(), x.end());
  return d;
}
std::vector<double> row_of(const std::vector<double>& x, index row, index cols) {
  return {x.begin() + row * cols, x.begin() + (row + 1) * cols};
}

template<class T>
struct guided {
  std::vector<T> merged, interaction;
  std::vector<double> variance, gate;
};
template<class T>
guided<T> guide(const logits<T>& l, double k, decoding::variance_over over = decoding::variance_over::vocabulary) {
  guided<T> g{{}, std::vector<T>(l.x[0].size()), std::vector<double>(static_cast<std::size_t>(l.rows)), {}};
  g.gate = g.variance;
  g.merged = merged_by<T>(l.rows, l.cols, [&](auto out) {
    decoding::inter(cpu{}, l(0), l(1), l(2), l(3), out,
                    {.k = k,
                     .over = over,
                     .variance = view_of(g.variance),
                     .gate = view_of(g.gate),
                     .interaction = as_matrix(g.interaction, l.rows, l.cols)});
  });
  return g;
}
template<class T>
logits<T> four(std::vector<T> full, std::vector<T> mi, std::vector<T> mt, std::vector<T> ma) {
  logits<T> l(0, 1, static_cast<index>(full.size()));
  l.x = {full, mi, mt, ma};
  return l;
}

}  // namespace

TEST_CASE_TEMPLATE("coiecd: as written, at sizes around a pack and a tile; masks", T, float, double) {
  for (const index cols : {1, 2, 15, 300, 2050, 9000}) {
    CAPTURE(cols);
    const logits<T> l(2, 3, cols);
    std::vector<T> typical(l.x[0].size()), rare(l.x[0].size());
    const auto merged = merged_by<T>(3, cols, [&](auto out) {
      decoding::coiecd(cpu{}, l(0), l(1), out,
                       {.alpha = 0.8, .ratio = 3, .typical = as_matrix(typical, 3, cols), .rare = as_matrix(rare, 3, cols)});
    });
    std::vector<double> e_merged, e_typical, e_rare;
    for (index i = 0; i < 3; ++i) {
      const plain_coiecd e(log_softmax<T>(l(0), i), log_softmax<T>(l(1), i), 0.8, 3);
      e_merged.insert(e_merged.end(), e.merged.begin(), e.merged.end());
      e_typical.insert(e_typical.end(), e.typical.begin(), e.typical.end());
      e_rare.insert(e_rare.end(), e.rare.begin(), e.rare.end());
    }
    CHECK(worst(typical, e_typical) == 0);
    CHECK(worst(rare, e_rare) == 0);
    CHECK(worst(merged, e_merged) < (sizeof(T) == 4 ? 1e-5 : 1e-13));
  }
}

TEST_CASE_TEMPLATE("coiecd: one dominating token leaves all but the rare ones; tokens that cannot occur; NaN", T, float, double) {
  const auto merge = [](const std::vector<T>& a, const std::vector<T>& b) {
    const auto n = static_cast<index>(a.size());
    return merged_by<T>(1, n, [&](auto out) { decoding::coiecd(cpu{}, as_matrix(a, 1, n), as_matrix(b, 1, n), out); });
  };
  const auto close = [](const std::vector<T>& got, const std::vector<double>& expected) { return worst(got, expected) < 1e-5; };
  const std::vector<T> b{0, 1, 2, 1};
  const auto n = log_softmax<T>(as_matrix(b, 1, 4), 0);
  // One token more than 4 times as likely as all others: it is no violation, the least likely ones are.
  std::vector<T> a{6, 2, 2, 0};
  auto c = log_softmax<T>(as_matrix(a, 1, 4), 0);
  CHECK(close(merge(a, b), {c[0], c[1], c[2], 2 * c[3] - n[3]}));
  // Two of them: both are.
  a = {6, 5, 2, 0};
  c = log_softmax<T>(as_matrix(a, 1, 4), 0);
  CHECK(close(merge(a, b), {2 * c[0] - n[0], 2 * c[1] - n[1], c[2], 2 * c[3] - n[3]}));
  // A token that cannot occur is none of the row: the band is that of the others.
  a = {6, none<T>, 2, 0};
  c = log_softmax<T>(as_matrix(a, 1, 4), 0);
  CHECK(close(merge(a, b), {c[0], none<double>, c[2], 2 * c[3] - n[3]}));
  // Excluded without context only: nothing to contrast in the band, infinite outside.
  const auto out = merge({6, 2, 2, 0}, {0, none<T>, 2, none<T>});
  CHECK(static_cast<double>(out[1]) ==
        doctest::Approx(log_softmax<T>(as_matrix(std::vector<T>{6, 2, 2, 0}, 1, 4), 0)[1]).epsilon(1e-5));
  CHECK(dispar::is_positive_infinity(out[3]));
  const T nan = dispar::quiet_nan<T>();
  for (const auto& broken :
       {merge({1, nan, 2}, {1, 2, 3}), merge({1, 2, 3}, {1, nan, 2}), merge({1, 2, 3}, {none<T>, none<T>, none<T>})})
    for (const T x : broken) CHECK(is_nan(x));
  for (const T x : merge({none<T>, none<T>}, {1, 2})) CHECK(x == none<T>);
}

TEST_CASE_TEMPLATE("inter: as written, at sizes around a pack, a tile and a segment", T, float, double) {
  for (const index cols : {2, 31, 2050, 9000}) {
    CAPTURE(cols);
    const logits<T> l(4, 3, cols);
    const auto d = in_double(l);
    const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-13;
    for (const auto over : {decoding::variance_over::vocabulary, decoding::variance_over::plausible})
      for (const double k : {0.0, 4.0, HUGE_VAL}) {
        const auto g = guide(l, k, over);
        for (index i = 0; i < 3; ++i) {
          const auto at = static_cast<std::size_t>(i);
          const plain_inter e(d, i, k, 0.1, over == decoding::variance_over::plausible);
          CHECK(g.gate[at] == e.gate);
          if (is_nan(e.variance))
            CHECK(is_nan(g.variance[at]));
          else
            CHECK(std::fabs(g.variance[at] - e.variance) < tolerance * (1 + e.variance));
          const std::vector<double> merged(g.merged.begin(), g.merged.end());
          CHECK(worst(row_of(merged, i, cols), e.merged) < tolerance);
        }
        // Given as a row, the interaction does the same.
        std::vector<double> variance(3);
        const auto again = merged_by<T>(3, cols, [&](auto out) {
          decoding::inter(cpu{}, l(0), as_matrix(g.interaction, 3, cols), out,
                          {.k = k, .over = over, .variance = view_of(variance)});
        });
        CHECK(same_bits(variance, g.variance));
        CHECK(worst(again, g.merged) < tolerance);
      }
  }
}

TEST_CASE_TEMPLATE("inter: the worked check; equality opens the gate; one token; constants", T, float, double) {
  const auto l = four<T>({2, 1, 0}, {1, 1, 0}, {1, T(0.5), 0}, {T(0.5), T(0.5), 0});
  auto g = guide(l, 1);
  CHECK(g.interaction == std::vector<T>{T(0.5), 0, 0});
  CHECK(g.variance[0] == doctest::Approx(0.0833333).epsilon(1e-5));
  CHECK(g.gate[0] == 0);
  CHECK(g.merged == std::vector<T>{2, 1, 0});
  g = guide(l, 0.05);
  CHECK(g.merged == std::vector<T>{T(2.5), 1, 0});
  const auto log_p = log_softmax<T>(as_matrix(std::as_const(g.merged), 1, 3), 0);
  CHECK(std::exp(log_p[0]) == doctest::Approx(0.766157).epsilon(1e-6));
  CHECK(std::exp(log_p[2]) == doctest::Approx(0.062890).epsilon(1e-5));

  // I = 2, 0, -2: the variance is 4 exactly.
  const auto exact = four<T>({1, 1, 1}, {-1, 1, 3}, {0, 0, 0}, {0, 0, 0});
  CHECK(guide(exact, 4).gate[0] == 1);
  CHECK(guide(exact, 4.0000001).gate[0] == 0);
  auto shifted = exact;
  for (T& x : shifted.x[1]) x += T(1024);
  CHECK(guide(shifted, 4).gate[0] == 1);
  CHECK(guide(shifted, 4).variance[0] == 4);

  const auto one = guide(four<T>({3}, {1}, {5}, {2}), 0);
  CHECK(is_nan(one.variance[0]));
  CHECK(one.gate[0] == 0);
  CHECK(one.merged[0] == 3);
  // One plausible token of many: no variance among the plausible.
  CHECK(guide(four<T>({9, 1, 1}, {1, 2, 3}, {0, 0, 0}, {0, 0, 0}), 0, decoding::variance_over::plausible).gate[0] == 0);
}

TEST_CASE_TEMPLATE("inter: an additive model has no interaction; tokens that cannot occur; NaN", T, float, double) {
  logits<T> l(4, 2, 100);
  for (std::size_t i = 0; i < 200; ++i) {  // image + text + constant, in exact numbers
    const auto image = static_cast<T>(i % 7), text = static_cast<T>(i % 11);
    l.x[0][i] = image + text + 3, l.x[1][i] = text + 3, l.x[2][i] = image + 3, l.x[3][i] = 3;
  }
  const auto g = guide(l, 1e-300);
  CHECK(g.variance == std::vector<double>{0, 0});
  CHECK(g.gate == std::vector<double>{0, 0});
  CHECK(g.interaction == std::vector<T>(200, 0));

  // A padded vocabulary: the same numbers as without the padding.
  const logits<T> some(4, 1, 50);
  logits<T> padded(4, 1, 64);
  for (std::size_t k = 0; k < 4; ++k) {
    padded.x[k].assign(64, none<T>);
    std::copy(some.x[k].begin(), some.x[k].end(), padded.x[k].begin());
  }
  const auto plain = guide(some, 1), with_padding = guide(padded, 1);
  CHECK(with_padding.variance[0] == doctest::Approx(plain.variance[0]).epsilon(1e-6));
  CHECK(with_padding.merged[60] == none<T>);
  CHECK(with_padding.interaction[60] == 0);
  CHECK(worst(std::vector<T>(with_padding.merged.begin(), with_padding.merged.begin() + 50), plain.merged) < 1e-6);

  const T nan = dispar::quiet_nan<T>();
  for (const auto& broken : {four<T>({1, 1}, {0, nan}, {0, 0}, {0, 0}), four<T>({1, 1}, {0, none<T>}, {0, 0}, {0, 0})}) {
    const auto b = guide(broken, 1);
    CHECK(is_nan(b.gate[0]));
    CHECK(is_nan(b.merged[0]));
    CHECK(is_nan(b.merged[1]));
  }
  for (const T x : guide(four<T>({none<T>, none<T>}, {0, 1}, {0, 0}, {0, 0}), 1).merged) CHECK(x == none<T>);
}

TEST_CASE("inter and coiecd: over an input, and the same bits however the work is shared") {
  const logits<float> l(4, 1, 30000);
  const auto merge = [&](const auto& b, auto x, auto out) {
    decoding::inter(b, x, l(1), l(2), l(3), out, {.k = 0.1});
    decoding::coiecd(b, std::as_const(out), l(1), out, {.alpha = 0.5});
  };
  const auto expected = merged_by<float>(1, 30000, [&](auto out) { merge(dispar::cpu{.each = {.threads = 1}}, l(0), out); });
  auto in_place = l;
  merge(cpu{}, std::as_const(in_place)(0), in_place(0));
  CHECK(same_bits(in_place.x[0], expected));
  for (const auto& each : {engine_tests::backwards(), engine_tests::threads(3, 3)})
    CHECK(same_bits(
        merged_by<float>(1, 30000, [&](auto out) { merge(dispar::tiled_host<engine_tests::any_executor>{each}, l(0), out); }),
        expected));
}

TEST_CASE_TEMPLATE("harsanyi: inverse, definition, Shapley's axioms, for up to five players", T, float, double) {
  for (const index n : {0, 1, 2, 3, 5}) {
    CAPTURE(n);
    const index sets = index(1) << n, m = 7;
    const auto v = normal_rows<T>(sets, m, 3);
    std::vector<T> dividends(v.size()), shapley(static_cast<std::size_t>(n * m)), in_place = v;
    decoding::harsanyi(cpu{}, as_matrix(v, sets, m), as_matrix(dividends, sets, m));
    decoding::harsanyi(cpu{}, as_matrix(in_place, sets, m), as_matrix(in_place, sets, m));
    CHECK(same_bits(in_place, dividends));
    const auto i = as_matrix(std::as_const(dividends), sets, m);
    const double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-13;
    double inverse = 0, definition = 0, efficiency = 0;
    for (index s = 0; s < sets; ++s)
      for (index j = 0; j < m; ++j) {
        double sum = 0, signed_sum = 0;
        for (index l = 0; l < sets; ++l)
          if ((l & s) == l) {
            sum += static_cast<double>(i(l, j));
            const bool even = __builtin_popcountll(static_cast<unsigned long long>(s ^ l)) % 2 == 0;
            signed_sum += (even ? 1 : -1) * static_cast<double>(v[static_cast<std::size_t>(l * m + j)]);
          }
        inverse = std::fmax(inverse, std::fabs(sum - static_cast<double>(v[static_cast<std::size_t>(s * m + j)])));
        definition = std::fmax(definition, std::fabs(signed_sum - static_cast<double>(i(s, j))));
      }
    CHECK(inverse < tolerance);
    CHECK(definition < tolerance);
    if (n == 0) continue;
    decoding::shapley(cpu{}, i, as_matrix(shapley, n, m));
    for (index j = 0; j < m; ++j) {
      double sum = 0;
      for (index p = 0; p < n; ++p) sum += static_cast<double>(shapley[static_cast<std::size_t>(p * m + j)]);
      const double whole = static_cast<double>(v[static_cast<std::size_t>((sets - 1) * m + j)]) -
                           static_cast<double>(v[static_cast<std::size_t>(j)]);
      efficiency = std::fmax(efficiency, std::fabs(sum - whole));
    }
    CHECK(efficiency < tolerance);
  }
  // Row 3 of two players is the interaction of `inter`; a player that changes nothing gets nothing.
  const std::vector<T> game{1, 1, 2, 2};
  std::vector<T> dividends(4), values(2);
  decoding::harsanyi(cpu{}, as_matrix(game, 4, 1), as_matrix(dividends, 4, 1));
  decoding::shapley(cpu{}, as_matrix(std::as_const(dividends), 4, 1), as_matrix(values, 2, 1));
  CHECK(dividends == std::vector<T>{1, 0, 1, 0});
  CHECK(values == std::vector<T>{0, 1});
}

TEST_CASE("coiecd, inter, harsanyi: bad input throws before any work") {
  const logits<float> l(4, 2, 6);
  std::vector<float> out(12, 7);
  const auto z = as_matrix(out, 2, 6);
  CHECK_THROWS_WITH_AS(decoding::coiecd(cpu{}, l(0), l(1), z, {.ratio = 1}),
                       "dispar: coiecd: ratio must be above 1 and finite, got 1", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(decoding::inter(cpu{}, l(0), l(1), z, {.k = -1}), "dispar: inter: k must be at least 0, got -1",
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(decoding::inter(cpu{}, l(0), l(1), z, {.plausibility = -1}),
                       "dispar: inter: plausibility must lie in [0, 1], got -1", dispar::invalid_argument);
  std::vector<double> three(3);
  CHECK_THROWS_AS(decoding::inter(cpu{}, l(0), l(1), z, {.variance = view_of(three)}), dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(decoding::harsanyi(cpu{}, as_matrix(l.x[0], 3, 4), as_matrix(out, 3, 4)),
                       "dispar: harsanyi: v must have 2^n rows, one for every set of players, got 3", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(decoding::shapley(cpu{}, as_matrix(l.x[0], 4, 3), as_matrix(out, 3, 4)),
                       "dispar: shapley: values must have one row per player, got 3", dispar::invalid_argument);
  CHECK(out == std::vector<float>(12, 7));
}

}  // namespace decoding_tests
