#pragma once
/// \file
/// What chains on the GPU keep and draw, against sorting in double.

#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "decoding/sorted_row.hpp"
#include "dispar/backend/gpu.hpp"
#include "dispar/decoding/categorical.hpp"
#include "dispar/decoding/chain.hpp"
#include "dispar/decoding/min_p.hpp"
#include "dispar/decoding/temperature.hpp"
#include "dispar/decoding/top_k.hpp"
#include "dispar/decoding/top_p.hpp"
#include "normal_rows.hpp"

namespace decoding_tests {

using namespace dispar::decoding;
using dispar::as_matrix;
using dispar::cuda_context;
using dispar::device;
using dispar::gpu;

inline constexpr double infinity = std::numeric_limits<double>::infinity();

template<class T>
std::vector<T> numbers(index n, std::uint64_t seed, double factor, bool ties) {
  std::vector<T> x;
  for (const double v : normal_rows<double>(1, n, seed))
    x.push_back(static_cast<T>(static_cast<float>(ties ? std::round(v * 2) : v * factor)));
  return x;
}
template<class T>
std::vector<double> as_doubles(const std::vector<T>& x) {
  std::vector<double> y;
  for (const T v : x) y.push_back(static_cast<double>(static_cast<dispar::computed_type<T>>(v)));
  return y;
}

/// Which tokens the steps keep, and the token that u draws.
template<class T, class... Steps>
void check(const std::vector<T>& x, sorted_row expected, const Steps&... steps) {
  cuda_context context;
  const gpu g{&context};
  const auto n = static_cast<index>(x.size());
  const auto logits = to(g, as_matrix(x, 1, n));
  dispar::array<T, 2, gpu> out(g, {1, n});
  chain{steps...}.filter(g, logits, out.view());
  const auto got = to_host(g, out);
  std::vector<bool> kept(x.size()), wanted(x.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    kept[i] = static_cast<double>(static_cast<dispar::computed_type<T>>(got.data()[i])) > -infinity;
  for (std::size_t i = 0; i < expected.kept; ++i)
    wanted[static_cast<std::size_t>(expected.order[i])] = expected.at(expected.order[i]) > -infinity;
  CHECK(kept == wanted);
  for (const double u : {0.0, 0.31, 0.95}) {
    const auto uniform = to(g, std::vector<double>{u});
    CHECK(chain{steps..., categorical{}}(g, logits, {.uniforms = uniform.view()})[0] == expected.draw(u));
  }
}

/// Every filter on a row of n numbers.
template<class T>
void check_all(index n, double factor, bool ties = false) {
  CAPTURE(n);
  CAPTURE(factor);
  auto x = numbers<T>(n, static_cast<std::uint64_t>(n), factor, ties);
  if (ties)
    for (std::size_t i = 1; i < x.size(); i += 3) x[i] = static_cast<T>(static_cast<float>(-infinity));
  sorted_row row(as_doubles(x)), warm = row;
  warm.scale = 0.5;
  const auto third = static_cast<std::size_t>(n / 3 + 1);
  // One chain, whose steps are turned off in turns: every chain is a kernel to compile.
  const auto filters = [&](const sorted_row& wanted, double t, index k, double p, double least) {
    check(x, wanted, temperature{t}, top_k{k}, top_p{p}, min_p{least});
  };
  filters(row, 1, 0, 1, 0);
  filters(sorted_row(row).top_k(third), 1, n / 3 + 1, 1, 0);
  filters(sorted_row(row).top_p(0.9), 1, 0, 0.9, 0);
  filters(warm.top_k(third).top_p(0.7).min_p(0.2), 2, n / 3 + 1, 0.7, 0.2);
}

}  // namespace decoding_tests
