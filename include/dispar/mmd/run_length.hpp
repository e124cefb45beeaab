#pragma once
/// \file
/// The threshold of a streaming statistic for a wanted mean time to a false alarm, by simulation.

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "dispar/backend/host/executor.hpp"
#include "dispar/core/random/bounded.hpp"
#include "dispar/mmd/sliding_window.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd::detail {

/// The executor for `work` multiply-adds on the host beside a backend: its own where it runs on the host.
template<class B>
[[nodiscard]] auto host_executor(const B& b, double work) {
  if constexpr (requires { b.each; })
    return thrifty<std::remove_cvref_t<decltype(b.each)>>{b.each, work};
  else
    return thrifty<openmp>{openmp{}, work};
}

/// The world of the simulation: streams and references drawn from the rows of a reference sample.
template<class T>
struct simulated_world {
  std::vector<T> gram;  ///< [rows][rows], see `centre_diagonal`
  index rows;
  index reference;  ///< rows of the reference of the detector
  index window;

  [[nodiscard]] const T* row(index i) const { return gram.data() + i * rows; }
};

/// A drawn row meets itself, which a new row never does. Its k(x, x) is therefore replaced by 2 c(x) - c, with the means c(x)
/// and c over the other rows: the value that adds nothing to MMD^2.
template<class T>
void centre_diagonal(simulated_world<T>& w) {
  std::vector<double> mean(static_cast<std::size_t>(w.rows));
  double all = 0;
  for (index i = 0; i < w.rows; ++i) {
    double sum = 0;
    for (index j = 0; j < w.rows; ++j) sum += i == j ? 0.0 : static_cast<double>(w.row(i)[j]);
    mean[static_cast<std::size_t>(i)] = sum / static_cast<double>(w.rows - 1);
    all += mean[static_cast<std::size_t>(i)] / static_cast<double>(w.rows);
  }
  for (index i = 0; i < w.rows; ++i)
    w.gram[static_cast<std::size_t>(i * w.rows + i)] = static_cast<T>(2 * mean[static_cast<std::size_t>(i)] - all);
}

/// A new maximum of the statistic along a stream: exceeded thresholds are known from these alone.
struct record {
  index step;  ///< number of statistics so far, this one included
  double value;
};

/// One stream: a reference is drawn, then `steps` statistics of a stream are computed against it.
template<class T>
[[nodiscard]] std::vector<record> simulate_stream(const simulated_world<T>& w, index steps, random_key key) {
  random_sequence draws(key);
  const auto rows = static_cast<std::size_t>(w.rows);
  std::vector<double> count(rows, 0.0), across(rows, 0.0);
  for (index i = 0; i < w.reference; ++i) ++count[draws.below(static_cast<std::uint64_t>(w.rows))];
  const auto n = static_cast<double>(w.reference);
  double within = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const T* const values = w.row(static_cast<index>(i));
    double sum = 0;
    for (std::size_t j = 0; j < rows; ++j) sum += count[j] * static_cast<double>(values[j]);
    across[i] = sum / n;
    within += count[i] * (sum - static_cast<double>(values[i]));
  }
  within /= n * (n - 1);

  sliding_window window(w.window);
  std::vector<index> recent(static_cast<std::size_t>(w.window), 0);
  std::vector<record> records;
  for (index t = 0, done = 0; done < steps; ++t) {
    const auto drawn = static_cast<index>(draws.below(static_cast<std::uint64_t>(w.rows)));
    const T* const values = w.row(drawn);
    const index slot = t % w.window;
    const auto value = [&](index lag) {
      const index at = slot >= lag ? slot - lag : slot - lag + w.window;
      return static_cast<double>(values[recent[static_cast<std::size_t>(at)]]);
    };
    window.push(value, across[static_cast<std::size_t>(drawn)]);
    recent[static_cast<std::size_t>(slot)] = drawn;
    if (!window.full()) continue;
    ++done;
    const double s = window.statistic(within);
    if (records.empty() || s > records.back().value) records.push_back({done, s});
  }
  return records;
}

/// The mean number of statistics to the first above `threshold`, from streams of `steps` statistics; those that never exceed
/// it enter with the time they were at risk.
[[nodiscard]] inline double mean_run(const std::vector<std::vector<record>>& streams, index steps, double threshold) {
  double time = 0, alarms = 0;
  for (const auto& records : streams) {
    const auto first = std::upper_bound(records.begin(), records.end(), threshold,
                                        [](double value, const record& r) { return value < r.value; });
    time += static_cast<double>(first == records.end() ? steps : first->step);
    alarms += first == records.end() ? 0 : 1;
  }
  return alarms > 0 ? time / alarms : __builtin_huge_val();
}

/// The least threshold, among the records of `runs` simulated streams, with a mean run of at least `expected` statistics.
/// Time runs x (rows^2 + 5 expected x window); the same for every executor.
template<executor Each, class T>
[[nodiscard]] double run_length_threshold(const Each& each, const simulated_world<T>& w, double expected, index runs,
                                          std::uint64_t seed) {
  // Streams as long as five mean runs: one in 150 is cut off.
  const index steps = static_cast<index>(5 * expected) + 1;
  std::vector<std::vector<record>> streams(static_cast<std::size_t>(runs));
  each_may_throw(each, runs, [&](index r) {
    streams[static_cast<std::size_t>(r)] = simulate_stream(w, steps, random_key{seed}.fork(static_cast<std::uint64_t>(r)));
  });
  std::vector<double> candidates;
  for (const auto& records : streams)
    for (const record& r : records) candidates.push_back(r.value);
  std::sort(candidates.begin(), candidates.end());
  const auto found = std::partition_point(candidates.begin(), candidates.end(),
                                          [&](double h) { return mean_run(streams, steps, h) < expected; });
  return found == candidates.end() ? candidates.back() : *found;
}

}  // namespace mmd::detail

DISPAR_NAMESPACE_END
