#include "intervals.hpp"

#include <array>
#include <cmath>
#include <numeric>

namespace mmd_mp {

interval binomial_range(std::int64_t trials, double p, double confidence) {
  const auto n = static_cast<double>(trials);
  const double tail = (1 - confidence) / 2;
  const auto probability = [&](double k) {
    return std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) + k * std::log(p) +
                    (n - k) * std::log1p(-p));
  };
  double low = 0, below = probability(0);
  while (below <= tail && low < n) below += probability(++low);
  double high = n, above = probability(n);
  while (above <= tail && high > 0) above += probability(--high);
  return {low / n, high / n};
}

double mean(const std::vector<double>& values) {
  return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double half_width(const std::vector<double>& values) {
  // Student's t at 97.5 % for 1, 2, ... degrees of freedom.
  static constexpr std::array t = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                   2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                                   2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
  if (values.size() < 2) return 0;
  const double centre = mean(values), count = static_cast<double>(values.size());
  double squares = 0;
  for (const double v : values) squares += (v - centre) * (v - centre);
  const std::size_t freedom = values.size() - 1;
  return (freedom <= t.size() ? t[freedom - 1] : 1.96 + 2.5 / static_cast<double>(freedom)) *
         std::sqrt(squares / (count - 1) / count);
}

}  // namespace mmd_mp
