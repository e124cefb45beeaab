#pragma once
/// \file
/// The merges of logits on the GPU against those on the CPU.

#include <doctest/doctest.h>

#include <array>

#include "decoding/merges.hpp"
#include "dispar/backend/gpu.hpp"
#include "dispar/backend/host/rows.hpp"
#include "dispar/backend/host/step.hpp"
#include "dispar/decoding/adacad.hpp"
#include "dispar/decoding/cad.hpp"
#include "dispar/decoding/coiecd.hpp"
#include "dispar/decoding/contrastive.hpp"
#include "dispar/decoding/inter.hpp"

namespace decoding_tests {

namespace decoding = dispar::decoding;
using dispar::array;
using dispar::device;
using dispar::gpu;

inline const dispar::tiled_host<dispar::serial> on_cpu;

/// All merges, or the first three of them, one after the other: matrices and numbers per row, taken to the host.
template<class T>
struct results {
  std::vector<std::vector<double>> rows;
  void put(const T* x, index n) {
    rows.emplace_back();
    for (index i = 0; i < n; ++i) rows.back().push_back(static_cast<double>(static_cast<dispar::computed_type<T>>(x[i])));
  }
};

template<bool All, class T, class S, class B>
results<T> run(const B& b, const std::array<matrix_view<const T, S>, 4>& x) {
  const index n = x[0].rows(), v = x[0].cols();
  results<T> found;
  array<T, 2, B> out(b, {n, v}), other(b, {n, v});
  array<double, 2, B> numbers(b, {2, n});
  const auto of_rows = [&](index k) { return dispar::vector_view<double, S>(numbers.data() + k * n, n); };
  const auto keep = [&](auto& matrix) {
    const auto there = dispar::to_host(b, matrix);
    found.put(there.data(), there.view().size());
  };
  const auto keep_numbers = [&] {
    const auto there = dispar::to_host(b, numbers);
    found.rows.emplace_back(there.data(), there.data() + 2 * n);
  };
  decoding::adacad(b, x[0], x[1], out.view(), {.floor = 0.05, .alpha = of_rows(0), .divergences = of_rows(1)});
  keep(out);
  keep_numbers();
  const matrix_view<const T, S> merged = out.view();
  decoding::cad(b, merged, x[2], out.view(), {.alpha = of_rows(0)});  // over an input
  keep(out);
  decoding::inter(b, x[0], x[1], x[2], x[3], out.view(),
                  {.k = 0.2, .variance = of_rows(0), .gate = of_rows(1), .interaction = other.view()});
  keep(out), keep(other), keep_numbers();
  if constexpr (All) {
    decoding::adacad(b, x[0], x[1], dispar::divergence::clamped_jensen_shannon{}, out.view());
    keep(out);
    decoding::vcd(b, x[0], x[1], out.view());
    keep(out);
    decoding::contrastive(b, x[0], x[1], out.view(), {.plausibility = 0.01, .amateur_temperature = 0.5});
    keep(out);
    decoding::coiecd(b, x[0], x[1], out.view(), {.typical = other.view()});
    keep(out), keep(other);
  }
  return found;
}

template<class T, bool All>
void check(index rows, index cols) {
  CAPTURE(rows);
  CAPTURE(cols);
  using C = dispar::computed_type<T>;
  dispar::cuda_context context;
  const gpu g{&context};
  logits<float> l(4, rows, cols);
  for (auto& x : l.x) x[3] = none<float>;
  std::array<std::vector<T>, 4> x;
  std::array<std::vector<C>, 4> as_computed;
  std::array<matrix_view<const C>, 4> there;
  array<T, 2, gpu> on_device[4];
  std::array<matrix_view<const T, device>, 4> here;
  for (std::size_t k = 0; k < 4; ++k) {
    for (const float value : l.x[k]) x[k].push_back(static_cast<T>(value));
    for (const T value : x[k]) as_computed[k].push_back(static_cast<C>(value));
    there[k] = as_matrix(std::as_const(as_computed[k]), rows, cols);
    on_device[k] = dispar::to(g, as_matrix(x[k], rows, cols));
    here[k] = on_device[k].view();
  }
  const auto expected = run<All, C, dispar::host>(on_cpu, there);
  const auto got = run<All, T, device>(g, here), again = run<All, T, device>(g, here);
  REQUIRE(got.rows.size() == expected.rows.size());
  for (std::size_t k = 0; k < got.rows.size(); ++k) {
    CAPTURE(k);
    CHECK(worst(got.rows[k], expected.rows[k]) < (sizeof(T) == 2 ? 0.1 : sizeof(T) == 4 ? 2e-5 : 1e-13));
    CHECK(same_bits(got.rows[k], again.rows[k]));
  }
}

}  // namespace decoding_tests
