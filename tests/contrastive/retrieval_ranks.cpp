// Ranks of retrieval and their scores: against sorting by hand, ties, bands, and what is no input.
#include "dispar/contrastive/retrieval_ranks.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "differences.hpp"
#include "dispar/backend/cpu.hpp"
#include "dispar/metrics/retrieval.hpp"
#include "normal_rows.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::inner_product;
using dispar::as_matrix;
using dispar::cpu;
using dispar::index;

std::vector<std::int64_t> labels_of(index n, index classes) {
  std::vector<std::int64_t> labels;
  for (index i = 0; i < n; ++i) labels.push_back(7 * (i * i % classes));
  return labels;
}

/// Integers, so that sums are exact and many similarities are equal.
template<class T>
std::vector<T> whole_numbers(index n, index d, std::uint64_t stream) {
  auto x = normal_rows<T>(n, d, stream);
  for (T& v : x) v = static_cast<T>(std::round(static_cast<double>(v)));
  return x;
}

template<class T>
std::vector<index> plain_ranks(const std::vector<T>& x, const std::vector<std::int64_t>& lx, const std::vector<T>& y,
                               const std::vector<std::int64_t>& ly, std::size_t d, bool ties) {
  std::vector<index> ranks;
  for (std::size_t i = 0; i < lx.size(); ++i) {
    std::vector<double> s;
    for (std::size_t j = 0; j < ly.size(); ++j) {
      s.push_back(0);
      for (std::size_t k = 0; k < d; ++k) s.back() += static_cast<double>(x[i * d + k]) * static_cast<double>(y[j * d + k]);
    }
    index best = -1;
    for (std::size_t j = 0; j < ly.size(); ++j) {
      if (lx[i] != ly[j]) continue;
      index before = 0;
      for (std::size_t l = 0; l < ly.size(); ++l) before += s[l] > s[j] || (ties && s[l] == s[j] && l < j) ? 1 : 0;
      if (best < 0 || before < best) best = before;
    }
    ranks.push_back(best);
  }
  return ranks;
}

}  // namespace

TEST_CASE_TEMPLATE("retrieval ranks: sorting by hand, with ties, queries without an answer, by bands", T, float, double) {
  for (const auto& sizes : {std::array<index, 3>{1, 1, 2}, {49, 97, 3}, {70, 31, 5}}) {
    const index n = sizes[0], m = sizes[1], d = sizes[2];
    CAPTURE(n);
    const auto x = whole_numbers<T>(n, d, 31), y = whole_numbers<T>(m, d, 32);
    const auto lx = labels_of(n, 23), ly = labels_of(m, 13);
    for (const bool ties : {true, false})
      for (const index band : {0, 48}) {
        std::vector<index> ranks(static_cast<std::size_t>(n), -7);
        contrastive::retrieval_ranks(cpu{}, as_matrix(x, n, d), lx, as_matrix(y, m, d), ly, inner_product{},
                                     dispar::view_of(ranks), {.ties_by_number = ties, .band_rows = band});
        CHECK(ranks == plain_ranks(x, lx, y, ly, static_cast<std::size_t>(d), ties));
      }
  }
}

TEST_CASE("retrieval scores: of few ranks, by hand") {
  const std::vector<index> ranks{0, 4, -1, 11, 7};
  const auto s = dispar::metrics::retrieval_scores(ranks);
  CHECK(s.queries == 4);
  CHECK(s.recall_1 == 0.25);
  CHECK(s.recall_5 == 0.5);
  CHECK(s.recall_10 == 0.75);
  CHECK(s.median_rank == 6);
  CHECK(s.mean_rank == 6.5);
  CHECK(s.mean_reciprocal_rank == doctest::Approx((1 + 1.0 / 5 + 1.0 / 12 + 1.0 / 8) / 4));
  CHECK(dispar::metrics::retrieval_scores({}).recall_1 == 0);
  check_refused([&] { (void)dispar::metrics::recall_at(ranks, 0); }, "recall_at: k");
}

TEST_CASE("retrieval ranks: what is refused") {
  const auto x = normal_rows<double>(4, 3, 33);
  const auto labels = labels_of(4, 2);
  std::vector<index> ranks(4), few(3);
  const auto v = as_matrix(x, 4, 3);
  check_refused([&] { contrastive::retrieval_ranks(cpu{}, v, labels, v, labels, inner_product{}, dispar::view_of(few)); },
                "ranks");
  check_refused(
      [&] {
        contrastive::retrieval_ranks(cpu{}, v, labels, as_matrix(x, 6, 2), labels_of(6, 2), inner_product{},
                                     dispar::view_of(ranks));
      },
      "columns of gallery");
  check_refused(
      [&] { contrastive::retrieval_ranks(cpu{}, v, labels_of(3, 2), v, labels, inner_product{}, dispar::view_of(ranks)); },
      "labels");
  auto bad = x;
  bad[2] = std::nan("");
  check_refused(
      [&] {
        contrastive::retrieval_ranks(cpu{}, v, labels, as_matrix(bad, 4, 3), labels, inner_product{}, dispar::view_of(ranks));
      },
      "NaN");
}

TEST_CASE("retrieval ranks: similarities that overflow are ordered all the same; NaN of an overflow comes last") {
  // Similarities to the query: infinity, infinity - infinity, minus infinity.
  const std::vector<float> query{3e38f, 3e38f}, gallery{3e38f, 3e38f, 3e38f, -3e38f, -3e38f, -3e38f};
  const std::vector<std::int64_t> numbers{1, 2, 3};
  const auto rank_of = [&](std::int64_t wanted) {
    std::vector<index> rank(1, -7);
    contrastive::retrieval_ranks(cpu{}, as_matrix(query, 1, 2), std::vector<std::int64_t>{wanted}, as_matrix(gallery, 3, 2),
                                 numbers, inner_product{}, dispar::vector_view<index>(rank.data(), 1));
    return rank[0];
  };
  CHECK(rank_of(1) == 0);
  CHECK(rank_of(2) == 1);
  CHECK(rank_of(3) == 2);
  CHECK(rank_of(4) == -1);
}

}  // namespace contrastive_tests
