#pragma once
/// \file
/// Rows of logits, and divergences by their textbook formulas, token by token.

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "normal_rows.hpp"

namespace oracle {

using dispar::index;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// softmax of one row.
template<class T>
std::vector<double> softmax(const T* logits, index count) {
  double maximum = -infinity, sum = 0;
  for (index j = 0; j < count; ++j) maximum = std::fmax(maximum, static_cast<double>(logits[j]));
  std::vector<double> p(static_cast<std::size_t>(count));
  for (index j = 0; j < count; ++j) sum += p[static_cast<std::size_t>(j)] = std::exp(static_cast<double>(logits[j]) - maximum);
  for (double& x : p) x /= sum;
  return p;
}

/// Of two probability vectors.
using formula = std::function<double(const std::vector<double>&, const std::vector<double>&)>;

inline double x_log_ratio(double x, double y) { return x > 0 ? x * std::log(x / y) : 0; }

inline double kullback_leibler(const std::vector<double>& p, const std::vector<double>& q) {
  double sum = 0;
  for (std::size_t v = 0; v < p.size(); ++v) sum += x_log_ratio(p[v], q[v]);
  return sum;
}
inline formula jensen_shannon(double w) {
  return [w](const std::vector<double>& p, const std::vector<double>& q) {
    std::vector<double> m(p.size());
    for (std::size_t v = 0; v < p.size(); ++v) m[v] = w * p[v] + (1 - w) * q[v];
    return w * kullback_leibler(p, m) + (1 - w) * kullback_leibler(q, m);
  };
}

}  // namespace oracle
