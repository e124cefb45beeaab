#pragma once
/// \file
/// The whole experiment: settings x seeds x methods, and what came out.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "corpus.hpp"
#include "training.hpp"

namespace mmd_mp {

/// Whom a detector is tested on: whom it was trained on, or generators that training never saw.
struct test_setting {
  std::string name;  ///< "one", "two", ..., "unseen"
  std::vector<std::string> populations;
};

/// Whom a detector is trained on, and the tests that follow.
struct setting {
  std::vector<std::string> trained_on;
  std::vector<test_setting> tests;
};

struct experiment_settings {
  std::vector<setting> settings;
  std::vector<std::uint64_t> seeds;
  detector_settings network;  ///< goal, seed, sigma are set for every training
  double sigma_factor = 1;    ///< sigma begins at this times the squared median distance of raw features
  training_settings training;
  bag_settings bags{.tests = 200, .permutations = 199};
  std::size_t train_per_population = 400;  ///< of each class
  std::size_t train_sentences = 1200;      ///< of each class, at most
  std::size_t validation_sentences = 200, reference_sentences = 200, test_sentences = 400;
};

/// What one method did with one setting and seed.
struct outcome {
  rejections power, level;
  double auroc = 0.5;
  std::vector<double> human_scores,
      machine_scores;  ///< of the test sentences, for the ROC curve; empty for two-sample tests only
  bool has_auroc = true;
};

struct cell {
  std::string setting, method;
  std::vector<outcome> by_seed;
};

struct experiment_result {
  std::vector<cell> cells;  ///< settings in order, methods in order
  /// Histories of all trainings in the setting with most populations, with the first seed.
  std::map<std::string, std::vector<epoch_record>> histories;
  double seconds = 0;

  [[nodiscard]] const cell& at(const std::string& setting, const std::string& method) const;
};

/// MMD-MP, MMD-D, MMD-O and the classifier of both C2STs.
inline constexpr double trainings_per_setting = 4;

/// The methods of the table, in order.
[[nodiscard]] const std::vector<std::string>& methods();

/// Sentences of one setting and seed.
struct training_sentences {
  std::vector<std::int64_t> human, machine, validation_human, validation_machine, reference;
};
struct test_sentences {
  std::vector<std::int64_t> human, machine;
};

/// All methods, trained once with one seed and tested on each of `tests`: `outcomes[test][method]`. `words` are the lengths
/// before the cut, for the length-only baseline; empty: without it. `step` is called after every epoch; `histories`, if not null,
/// gets those of all trainings.
[[nodiscard]] std::vector<std::map<std::string, outcome>> run_methods(
    const encoded_text& text, const std::vector<std::size_t>& words, const training_sentences& training,
    const std::vector<test_sentences>& tests, const experiment_settings& e, std::uint64_t seed, const std::function<void()>& step,
    std::map<std::string, std::vector<epoch_record>>* histories);

[[nodiscard]] experiment_result run_experiment(const corpus& all, const encoded_text& text, const experiment_settings& e);

}  // namespace mmd_mp
