#pragma once
/// \file
/// What the CPU makes of the rows of the GPU's tests. Compiled once, by the host's compiler, for the programs of nvcc and of the
/// emulation: in a .cu file the host engine takes as long to compile as the kernels. Plain numbers, since the same names of
/// dispar are other types there (dispar/core/config.hpp).

#include <cstddef>
#include <cstdint>
#include <vector>

namespace host_results {

/// Dense rows.
template<class T>
struct rows {
  const T* data;
  std::ptrdiff_t count, features;
};

/// One kernel of a test over many.
struct member {
  double bandwidth, statistic, quantile, normalized;
};
/// A test; what it does not have is 0.
struct verdict {
  bool reject = false;
  double statistic = 0, p_value = 0, threshold = 0, null_mean = 0, null_deviation = 0;
  std::vector<member> members{};
  std::vector<double> permuted{};
};

/// The options of the functions of these names, and Gaussians by their sigma.
///@{
verdict aggregated_test(rows<float> x, rows<float> y, int bandwidths, int quantile_simulations, int level_simulations,
                        std::uint64_t seed);
verdict fused_test(rows<float> x, rows<float> y, int bandwidths, int permutations, std::uint64_t seed);
verdict fused_test(rows<float> x, rows<float> y, const std::vector<double>& sigmas, int permutations);
std::vector<double> estimate_each(rows<float> x, rows<float> y, const std::vector<double>& sigmas);
///@}

/// How `permutation_test` splits: `form` and `pairs` are the numbers of mmd::estimator and mmd::pairing; `given` is null, or rows
/// of permutations.
struct splits {
  std::ptrdiff_t permutations;
  std::uint64_t seed;
  int form, pairs;
  rows<std::int64_t> given;
};
/// By a Gaussian of sigma `scale` for float, by the Laplacian of l1 for double; of a kernel matrix with the first n rows in X.
/// The wild bootstrap by a Gaussian.
///@{
verdict permutation_test(rows<float> x, rows<float> y, double scale, const splits& s);
verdict permutation_test(rows<double> x, rows<double> y, double scale, const splits& s);
verdict permutation_test(rows<double> gram, std::ptrdiff_t n, std::ptrdiff_t permutations);
verdict wild_bootstrap_test(rows<float> x, rows<float> y, double sigma, std::ptrdiff_t simulations);
verdict wild_bootstrap_test(rows<double> gram, std::ptrdiff_t n, std::ptrdiff_t simulations);
///@}

/// A detector on a stream, which is updated by batches of these sizes.
struct detection {
  struct update {
    double statistic;
    bool drift, filled;
  };
  double threshold = 0;
  std::vector<update> updates{};
};
struct detector_options {
  std::ptrdiff_t window;
  double expected_run_time;
  std::ptrdiff_t runs;
};
/// By a Gaussian of sigma `scale` for float, by the Laplacian of l1 for double; by the deep kernel (scale, 3, 0.1) of the first
/// two features and of all.
///@{
detection online(rows<float> reference, rows<float> stream, double scale, detector_options o,
                 const std::vector<std::ptrdiff_t>& batches);
detection online(rows<double> reference, rows<double> stream, double scale, detector_options o,
                 const std::vector<std::ptrdiff_t>& batches);
detection online_of_halves(rows<float> reference, rows<float> stream, double scale, detector_options o,
                           const std::vector<std::ptrdiff_t>& batches);
///@}

}  // namespace host_results
