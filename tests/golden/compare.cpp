#include "compare.hpp"

#include <cmath>
#include <cstdio>

namespace golden {
namespace {

/// As many digits as tell two doubles apart.
std::string digits(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

/// How many times the allowed difference; at most 1 where the element agrees.
double excess(double got, double expected, const tolerance& allowed) {
  if (std::isnan(got) || std::isnan(expected)) return std::isnan(got) && std::isnan(expected) ? 0 : HUGE_VAL;
  if (got == expected) return 0;
  if (std::isinf(got) || std::isinf(expected)) return HUGE_VAL;
  const double limit = allowed.atol + allowed.rtol * std::fabs(expected);
  return limit > 0 ? std::fabs(got - expected) / limit : HUGE_VAL;
}

std::string place(std::size_t at, const std::vector<dispar::index>& shape) {
  std::vector<dispar::index> indices(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    indices[axis] = static_cast<dispar::index>(at) % shape[axis];
    at /= static_cast<std::size_t>(shape[axis]);
  }
  return shape_text(indices);
}

}  // namespace

std::string difference(const std::vector<double>& got, const array& expected, const tolerance& allowed) {
  if (got.size() != expected.size())
    return std::to_string(got.size()) + " elements instead of " + std::to_string(expected.size());
  std::size_t off = 0, worst = 0;
  double most = 1;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double e = excess(got[i], expected.at(i), allowed);
    if (e > 1) ++off;
    if (e > most) {
      most = e;
      worst = i;
    }
  }
  if (off == 0) return {};
  std::string text;
  if (got.size() > 1)
    text = std::to_string(off) + " of " + std::to_string(got.size()) + " elements off, the worst at " +
           place(worst, expected.shape) + ": ";
  return text + "got " + digits(got[worst]) + ", expected " + digits(expected.at(worst));
}

double largest_error(const std::vector<double>& got, const array& expected) {
  double largest = 0;
  for (std::size_t i = 0; i < got.size() && i < expected.size(); ++i) {
    const double error = std::fabs(got[i] - expected.at(i));
    if (std::isfinite(error)) largest = std::fmax(largest, error);
  }
  return largest;
}

}  // namespace golden
