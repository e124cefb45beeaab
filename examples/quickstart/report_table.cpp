#include <cstdio>

#include "report.hpp"

namespace quickstart {

void print_heading(const report& r) {
  std::printf("Reference  %s (%td samples of %td features)\n", r.reference_name.c_str(), r.reference.rows, r.reference.columns);
  std::printf("Current    %s\n", r.current_name.c_str());
  std::printf("Test       unbiased MMD^2, Gaussian kernel, median bandwidth, %d permutations, level %g, seed %llu\n",
              r.how.permutations, r.how.alpha, static_cast<unsigned long long>(r.how.seed));
  std::printf("Computed   on %s, instruction set %s\n\n", backend_name().c_str(), instruction_set_name().c_str());
  std::printf("%-12s %-13s %7s %10s %10s %8s %7s  %-7s %8s %9s\n", "drift", "strength", "samples", "MMD^2", "threshold",
              "p-value", "score", "verdict", "time", "memory");
}

void print_row(const report&, const result& one) {
  const outcome& o = one.found;
  std::printf("%-12s %-13s %7td %10.6f %10.6f %8.4f %7.1f  %-7s %5.0f ms %6.1f MB\n", one.drift.c_str(), one.strength.c_str(),
              one.current.rows, o.statistic, o.threshold, o.p_value, o.standard_score, o.drift ? "DRIFT" : "same", o.milliseconds,
              static_cast<double>(o.extra_bytes) / 1e6);
  std::fflush(stdout);
}

void print_summary(const report& r) {
  double milliseconds = 0;
  for (const result& one : r.results) milliseconds += one.found.milliseconds;
  std::printf("\n%zu test%s in %.2f s. A p-value can be no smaller than 1/(permutations + 1) = %.4f.\n", r.results.size(),
              r.results.size() == 1 ? "" : "s", milliseconds / 1e3, 1.0 / (r.how.permutations + 1));
}

}  // namespace quickstart
