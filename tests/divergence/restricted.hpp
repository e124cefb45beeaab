#pragma once
/// \file
/// Rows restricted to their most probable tokens, by sorting.

#include <algorithm>
#include <numeric>

#include "dispar/divergence/top_k.hpp"
#include "oracle.hpp"

namespace oracle {

using dispar::divergence::top_k_of;
using dispar::divergence::top_k_rest;

inline std::vector<index> best_tokens(const double* x, index v, index k) {
  std::vector<index> order(static_cast<std::size_t>(v));
  std::iota(order.begin(), order.end(), index{0});
  std::stable_sort(order.begin(), order.end(), [x](index i, index j) { return x[i] > x[j]; });
  order.resize(static_cast<std::size_t>(std::min(k, v)));
  return order;
}
inline std::vector<bool> tokens_of(const double* a, const double* b, index v, index k, top_k_of of) {
  std::vector<bool> in(static_cast<std::size_t>(v));
  if (of != top_k_of::second)
    for (const index j : best_tokens(a, v, k)) in[static_cast<std::size_t>(j)] = true;
  if (of != top_k_of::first)
    for (const index j : best_tokens(b, v, k)) in[static_cast<std::size_t>(j)] = true;
  return in;
}
/// The probabilities of the tokens that count, and of the rest.
inline std::vector<double> restricted(const double* x, const std::vector<bool>& in, top_k_rest rest) {
  const auto p = oracle::softmax(x, static_cast<index>(in.size()));
  std::vector<double> of_tokens;
  double inside = 0, outside = 0;
  for (std::size_t j = 0; j < in.size(); ++j) {
    (in[j] ? inside : outside) += p[j];
    if (in[j]) of_tokens.push_back(p[j]);
  }
  if (rest == top_k_rest::lumped)
    of_tokens.push_back(outside);
  else
    for (double& y : of_tokens) y /= inside;
  return of_tokens;
}

}  // namespace oracle
