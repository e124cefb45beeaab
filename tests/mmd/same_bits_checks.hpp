#pragma once
/// \file
/// Everything that one pass over the pairs gives, compared bit by bit.

#include <doctest/doctest.h>

#include <cstring>

#include "dispar/core/random.hpp"
#include "dispar/mmd.hpp"

namespace same_bits {

using namespace dispar;

template<class T>
struct all_results {
  double estimate, value, j;
  std::vector<T> gradient;
  std::vector<double> permuted, parameters;
};

template<class T, class B>
all_results<T> compute(const B& b, dispar::index n, dispar::index m, dispar::index d) {
  std::vector<T> a(static_cast<std::size_t>(n * d)), c(static_cast<std::size_t>(m * d));
  fill_normal(random_key{1, 0}, 0, std::span<T>(a));
  fill_normal(random_key{2, 0}, 0, std::span<T>(c));
  const auto x = as_matrix(a, n, d), y = as_matrix(c, m, d);
  all_results<T> r;
  r.gradient.resize(a.size());
  r.parameters.resize(1);
  r.permuted.resize(40);
  const gaussian k{2};
  r.estimate = mmd::estimate(b, x, y, k);
  r.value = mmd::value_and_gradient(b, x, y, k, {.x = {as_matrix(r.gradient, n, d)}, .parameters = view_of(r.parameters)});
  r.j = n == m ? mmd::criterion(b, x, y, k).value : 0;
  (void)mmd::permutation_test(b, x, y, k, {.permutations = 40, .permuted = view_of(r.permuted)});
  return r;
}

template<class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template<class T>
void check(const all_results<T>& a, const all_results<T>& b) {
  CHECK(std::memcmp(&a.estimate, &b.estimate, sizeof(double)) == 0);
  CHECK(std::memcmp(&a.value, &b.value, sizeof(double)) == 0);
  CHECK(std::memcmp(&a.j, &b.j, sizeof(double)) == 0);
  CHECK(same(a.gradient, b.gradient));
  CHECK(same(a.permuted, b.permuted));
  CHECK(same(a.parameters, b.parameters));
}

/// Tasks in another order than anybody else's.
struct backwards {
  template<class Task>
  void operator()(dispar::index n, const Task& task) const {
    while (n-- > 0) task(n);
  }
  [[nodiscard]] int concurrency() const { return 1; }
};

/// Serial, backwards and one to four threads.
template<class T>
void check_executors(dispar::index n, dispar::index m, dispar::index d) {
  CAPTURE(n);
  CAPTURE(m);
  CAPTURE(d);
  const auto reference = compute<T>(tiled_host<serial>{}, n, m, d);
  check(reference, compute<T>(tiled_host<backwards>{}, n, m, d));
  for (int threads = 1; threads <= 4; ++threads) check(reference, compute<T>(cpu{.each = {.threads = threads}}, n, m, d));
}

}  // namespace same_bits
