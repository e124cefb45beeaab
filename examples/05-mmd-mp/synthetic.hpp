#pragma once

#include "experiment.hpp"

namespace mmd_mp {

/// P = N(0, I) in 20 dimensions against an equal mixture of unit Gaussians whose means are
/// distance (share u_0 + sqrt(1 - share^2) u_k), u orthonormal: what the populations have in common, and what each has alone.
struct mixture_settings {
  std::int64_t dimensions = 20;
  std::int64_t populations = 4;
  std::int64_t first = 1;  ///< the first u_k; unseen populations begin behind those that were trained on
  double distance = 2.5, share = 0.5;
};

/// `count` points of P (human) or of the mixture as "sentences" of one token.
void append_points(encoded_text& out, const mixture_settings& m, bool human, std::int64_t count, std::uint64_t seed);

/// Four populations, 200 points per class, 20 seeds; tested on the four and on three that training never saw.
[[nodiscard]] experiment_settings synthetic_experiment();
[[nodiscard]] experiment_result run_synthetic(const experiment_settings& e);

}  // namespace mmd_mp
