#pragma once

#include <array>
#include <functional>
#include <vector>

#include "bags.hpp"
#include "detector.hpp"

namespace mmd_mp {

/// What the best epoch is chosen by, on validation sentences: of tests of bags, or of single sentences. One training gives both.
enum class selection { power, auroc };

struct training_settings {
  std::int64_t epochs = 25;
  bag_settings validation{.tests = 100, .permutations = 99};
};

struct epoch_record {
  std::int64_t epoch = 0;
  epoch_means means;
  kernel_statistics validation;  ///< of a kernel
  double power = 0, auroc = 0.5;
};

/// Where training stands: all that a checkpoint holds.
struct training_state {
  detector current;
  std::array<tensor_file, 2> best;  ///< of the best epoch so far by each selection, without optimizer
  std::vector<epoch_record> history;
};

struct training_data {
  sentence_rows human, machine, validation_human, validation_machine, reference;
};

/// Trains up to `settings.epochs`, going on behind the history. Of epochs that validate equally well, the one with the larger
/// AUROC counts, then the earlier one. `after_epoch` may save the state or show progress.
void train(training_state& state, const training_data& data, const training_settings& settings,
           const std::function<void(const training_state&)>& after_epoch);

/// The detector of the best epoch, and which that was.
[[nodiscard]] detector best_of(const training_state& state, selection by, bool cuda);
[[nodiscard]] const epoch_record& best_epoch(const std::vector<epoch_record>& history, selection by);

/// Scores of sentences, high for machine text: a kernel's against the reference, a classifier's probabilities.
[[nodiscard]] std::vector<double> machine_scores(const detector& by, const sentence_rows& reference,
                                                 const sentence_rows& sentences);

}  // namespace mmd_mp
