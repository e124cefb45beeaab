#include "summary.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace mmd_mp {
namespace {

template<class Number>
estimate over_seeds(const cell& c, Number number) {
  std::vector<double> values;
  for (const outcome& o : c.by_seed) values.push_back(number(o));
  return {mean(values), half_width(values)};
}

comparison compare(const experiment_result& result, const std::string& setting) {
  const cell& mp = result.at(setting, "MMD-MP");
  const cell& d = result.at(setting, "MMD-D");
  std::vector<double> power, auroc;
  for (std::size_t i = 0; i < mp.by_seed.size(); ++i) {
    power.push_back(mp.by_seed[i].power.rate() - d.by_seed[i].power.rate());
    auroc.push_back(mp.by_seed[i].auroc - d.by_seed[i].auroc);
  }
  return {setting, {mean(power), half_width(power)}, {mean(auroc), half_width(auroc)}};
}

}  // namespace

const row& summary::at(const std::string& setting, const std::string& method) const {
  for (const row& r : rows)
    if (r.setting == setting && r.method == method) return r;
  throw std::out_of_range("no row of " + method + " in setting " + setting);
}

summary summarize(const experiment_result& result, double alpha) {
  summary s;
  std::int64_t tests = 0;
  for (const cell& c : result.cells) {
    row r{c.setting,
          c.method,
          over_seeds(c, [](const outcome& o) { return o.power.rate(); }),
          over_seeds(c, [](const outcome& o) { return o.auroc; }),
          true,
          {}};
    for (const outcome& o : c.by_seed) {
      r.level += o.level;
      r.has_auroc = o.has_auroc;
    }
    tests = r.level.tests;
    s.rows.push_back(r);
    if (c.method == "MMD-MP") s.comparisons.push_back(compare(result, c.setting));
  }
  // Bonferroni: a range for every row such that all of them hold together.
  s.level_range = binomial_range(tests, alpha, 1 - 0.05 / static_cast<double>(s.rows.size()));
  for (row& r : s.rows) {
    r.level_kept = r.level.rate() <= s.level_range.high;
    r.level_in_range = r.level_kept && r.level.rate() >= s.level_range.low;
    s.level_kept = s.level_kept && r.level_kept;
  }
  return s;
}

std::string verdict(const estimate& d) {
  if (d.half_width <= 0) return "not shown: one seed has no interval";
  return d.value > d.half_width ? "above" : d.value < -d.half_width ? "below" : "not shown: the interval holds 0";
}

void print_table(const summary& s, double alpha) {
  std::printf("%-8s %-8s %16s %18s %14s\n", "setting", "method", "power %", "AUROC", "type I %");
  std::string last;
  for (const row& r : s.rows) {
    if (r.setting != last && !last.empty()) std::printf("\n");
    last = r.setting;
    std::printf("%-8s %-8s %8.1f +- %4.1f ", r.setting.c_str(), r.method.c_str(), 100 * r.power.value, 100 * r.power.half_width);
    if (r.has_auroc)
      std::printf("%10.3f +- %.3f", r.auroc.value, r.auroc.half_width);
    else
      std::printf("%18s", "");
    std::printf(" %8.1f%s\n", 100 * r.level.rate(), !r.level_kept ? "  too high" : "");
  }
  std::printf(
      "+-: 95 %% interval over the seeds (Student's t). Type I: of %lld tests a row; with probability 95 %% all rows of a test "
      "of level "
      "%g stay within %.1f to %.1f %%.\n",
      static_cast<long long>(s.rows.front().level.tests), alpha, 100 * s.level_range.low, 100 * s.level_range.high);
}

void print_verdict(const summary& s) {
  std::printf("Level: %s.\n", s.level_kept ? "kept in every setting by every method" : "NOT kept everywhere");
  for (const comparison& c : s.comparisons)
    std::printf("MMD-MP less MMD-D, %s: power %+.1f +- %.1f points (%s), AUROC %+.3f +- %.3f (%s)\n", c.setting.c_str(),
                100 * c.power.value, 100 * c.power.half_width, verdict(c.power).c_str(), c.auroc.value, c.auroc.half_width,
                verdict(c.auroc).c_str());
}

}  // namespace mmd_mp
