// Divergences of the k most probable tokens on the GPU against sorted rows,
// gradients against central differences.
#include "dispar/divergence/top_k.hpp"

#include <doctest/doctest.h>

#include "dispar/backend/gpu.hpp"
#include "dispar/divergence/jensen_shannon.hpp"
#include "restricted.hpp"

TEST_CASE(
    "top_k on the GPU: union, renormalized and lumped, equal logits "
    "among them") {
  using namespace dispar;
  using oracle::top_k_of;
  using oracle::top_k_rest;
  constexpr dispar::index n = 2, v = 290;
  cuda_context context;
  const gpu g{&context};
  auto x = normal_rows<double>(n, v, 1), y = normal_rows<double>(n, v, 2);
  for (auto* logits : {&x, &y})
    for (double& logit : *logits) logit = std::round(8 * logit) / 4;
  const auto a = to(g, as_matrix(x, n, v)), b = to(g, as_matrix(y, n, v));
  array<double, 1, gpu> values(g, {n});
  array<double, 2, gpu> by_a(g, {n, v}), by_b(g, {n, v});
  for (const top_k_rest rest : {top_k_rest::renormalized, top_k_rest::lumped}) {
    divergence::rows_and_gradient(g, a, b, divergence::top_k{divergence::jensen_shannon{0.4}, 20, top_k_of::either, rest},
                                  values.view(), {.a = by_a.view(), .b = by_b.view()});
    const auto got = to_host(g, values);
    const auto got_a = to_host(g, by_a), got_b = to_host(g, by_b);
    double worst = 0;
    for (dispar::index i = 0; i < n; ++i) {
      double *const p = x.data() + i * v, *const q = y.data() + i * v;
      const auto in = oracle::tokens_of(p, q, v, 20, top_k_of::either);
      const auto value = [&] {
        return oracle::jensen_shannon(0.4)(oracle::restricted(p, in, rest), oracle::restricted(q, in, rest));
      };
      CHECK(got.data()[i] == doctest::Approx(value()).epsilon(1e-12));
      for (dispar::index j = 0; j < v; ++j)
        for (const auto& [row, gradient] : {std::pair{p, got_a.data()}, {q, got_b.data()}}) {
          const double kept = row[j], h = 1e-5;
          row[j] = kept + h;
          const double above = value();
          row[j] = kept - h;
          const double below = value();
          row[j] = kept;
          worst = std::fmax(worst, std::fabs((above - below) / (2 * h) - gradient[i * v + j]));
        }
    }
    CHECK(worst < 1e-9);
  }
}
