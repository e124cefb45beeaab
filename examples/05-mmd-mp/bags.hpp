#pragma once
/// \file
/// Tests and scores of sentences, all of them dispar's.

#include <cstdint>
#include <span>
#include <vector>

#include "detector.hpp"
#include "dispar/mmd/permutation_test.hpp"

namespace mmd_mp {

/// Sentences in both channels of the deep kernel; the raw one is their encoding.
struct embedded {
  std::vector<float> phi;  ///< n x features
  std::int64_t features = 0;
  sentence_rows raw;

  [[nodiscard]] std::int64_t size() const { return std::ssize(raw.rows); }
};
[[nodiscard]] embedded embed(const detector& by, const sentence_rows& sentences);

/// Many tests of bags of sentences against each other.
struct bag_settings {
  std::int64_t size = 10;  ///< sentences of a bag
  std::int64_t tests = 200;
  std::int64_t permutations = 199;
  double alpha = 0.05;
  std::uint64_t seed = 0;  ///< of the bags and the permutations
};

/// Rejections among tests.
struct rejections {
  std::int64_t rejected = 0, tests = 0;
  [[nodiscard]] double rate() const { return tests > 0 ? static_cast<double>(rejected) / static_cast<double>(tests) : 0; }
  rejections& operator+=(const rejections& other);
};

/// Bags without common sentences, drawn at random for every test: `size` human sentences against `size` others. The same seed
/// draws the same bags for every method.
struct bag_pair {
  std::vector<std::int64_t> x, y;  ///< places within the samples
};
[[nodiscard]] std::vector<bag_pair> draw_bags(std::int64_t human, std::int64_t other, const bag_settings& s);
/// Both bags from the human sentences: they are exchangeable, every rejection is an error of type I.
[[nodiscard]] std::vector<bag_pair> draw_human_bags(std::int64_t human, const bag_settings& s);

/// `mmd::batched_permutation_test` of every pair, with the ordinary MMD: the multi-population objective is for training only.
[[nodiscard]] rejections test_bags(const embedded& x, const embedded& y, const std::vector<bag_pair>& bags,
                                   const dispar::deep_kernel<>& kernel, const bag_settings& s);
/// `mmd::classifier_test` of every pair, of probabilities (C2ST-L) or labels (C2ST-S).
[[nodiscard]] rejections test_bags(const std::vector<double>& x, const std::vector<double>& y, const std::vector<bag_pair>& bags,
                                   bool labels, const bag_settings& s);

/// One bag against a reference of any size.
[[nodiscard]] dispar::mmd::test_result test_against(const embedded& reference, const embedded& bag,
                                                    const dispar::deep_kernel<>& kernel, const bag_settings& s);

/// `mmd::reference_scores`: MMD^2 between the reference and each sentence alone.
[[nodiscard]] std::vector<double> scores(const embedded& reference, const embedded& sentences,
                                         const dispar::deep_kernel<>& kernel);

/// What training looks at: MMD^2, its H1 variance, and mean kernel values, of samples cut to the shorter one.
struct kernel_statistics {
  double mmd = 0, variance = 0, mpp = 0, mpp_variance = 0;
};
[[nodiscard]] kernel_statistics statistics(const embedded& x, const embedded& y, const dispar::deep_kernel<>& kernel);

/// The squared median distance of raw features.
[[nodiscard]] double median_squared_distance(const sentence_rows& x, const sentence_rows& y);

}  // namespace mmd_mp
