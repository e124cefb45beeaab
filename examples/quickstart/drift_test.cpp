#include "drift_test.hpp"

#include <chrono>

#include "backend.hpp"
#include "memory_meter.hpp"

namespace quickstart {
namespace {

/// The same for every backend: move the samples to it, choose the bandwidth, test.
template<dispar::backend B>
outcome test_on(const B& b, const table& reference, const table& current, const settings& how) {
  const auto start = std::chrono::steady_clock::now();
  const auto x = dispar::to(b, dispar::as_matrix(reference.values, reference.rows, reference.columns));
  const auto y = dispar::to(b, dispar::as_matrix(current.values, current.rows, current.columns));
  const memory_meter meter;

  // The median is taken over the pooled sample: a bandwidth that knew who is who would make the p-value too small.
  const double sigma = dispar::median_heuristic(b, x, y);
  const auto found = dispar::mmd::permutation_test(b, x, y, dispar::gaussian{sigma},
                                                   {.permutations = how.permutations, .alpha = how.alpha, .seed = how.seed});

  const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
  return {.statistic = found.statistic,
          .threshold = found.threshold,
          .p_value = found.p_value,
          .standard_score = found.standard_score(),
          .drift = found.reject,
          .bandwidth = sigma,
          .milliseconds = elapsed.count(),
          .extra_bytes = meter.peak_extra_bytes()};
}

}  // namespace

outcome drift_test(const table& reference, const table& current, const settings& how) {
  return test_on(with_threads<backend>(how.threads), reference, current, how);
}

#define QUICKSTART_TEXT_(...) #__VA_ARGS__
#define QUICKSTART_TEXT(...) QUICKSTART_TEXT_(__VA_ARGS__)

std::string backend_name() { return QUICKSTART_TEXT(DISPAR_QUICKSTART_BACKEND); }
std::string instruction_set_name() { return dispar::instruction_set(); }

}  // namespace quickstart
