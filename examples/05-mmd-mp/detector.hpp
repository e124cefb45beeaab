#pragma once
/// \file
/// A kernel (or classifier) in training. No torch in here.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dispar/kernels/deep.hpp"
#include "feature_net_sizes.hpp"
#include "tensor_file.hpp"
#include "text_encoder.hpp"

namespace mmd_mp {

/// What a detector is trained for.
enum class objective {
  mpp,            ///< MMD-MP: J without the term between machine samples
  mmd,            ///< MMD-D: J of the whole MMD
  raw,            ///< MMD-O: J of the whole MMD, only sigma of a Gaussian on the raw features is learnt
  cross_entropy,  ///< a classifier: phi and two logits
};
[[nodiscard]] const char* name_of(objective goal);
[[nodiscard]] objective objective_named(const std::string& name);  ///< throws `std::invalid_argument`

struct detector_settings {
  objective goal = objective::mpp;
  feature_net_sizes net{};
  double sigma = 1;             ///< initial width^2 on raw features
  double sigma0 = 40;           ///< initial width^2 on phi
  double e = 1e-10;             ///< initial e, epsilon = e^2: times a uniform number
  double learning_rate = 5e-5;  ///< of Adam, betas 0.9 and 0.999
  double lambda = 1e-8;         ///< added to the variance in J
  std::int64_t batch = 200;     ///< of each sample
  std::uint64_t seed = 0;
  bool cuda = false;
};

/// Means over the batches of an epoch.
struct epoch_means {
  double loss = 0, statistic = 0, variance = 0;
  std::int64_t batches = 0;
};

/// Rows of encoded sentences.
struct sentence_rows {
  const encoded_text* text = nullptr;
  std::span<const std::int64_t> rows;
};

class detector {
public:
  explicit detector(const detector_settings& settings);
  detector(detector&&) noexcept;
  detector& operator=(detector&&) noexcept;
  ~detector();

  /// One pass: both samples shuffled, the longer one cut into chunks of the shorter one's length, each chunk a pass against all
  /// of the shorter one; incomplete batches dropped. The epoch's number seeds shuffling and dropout, so that training goes on
  /// after an interruption as it would have without. Throws `std::invalid_argument` for samples smaller than a batch,
  /// `std::runtime_error` where the loss is not finite.
  epoch_means train_epoch(const sentence_rows& human, const sentence_rows& machine, std::int64_t epoch);

  /// phi of the rows, n x net.output (n x 1 zeros for `objective::raw`), without dropout.
  [[nodiscard]] std::vector<float> features(const sentence_rows& sentences) const;
  [[nodiscard]] std::int64_t feature_count() const;
  /// A classifier's probabilities of machine text.
  [[nodiscard]] std::vector<double> machine_probabilities(const sentence_rows& sentences) const;
  [[nodiscard]] dispar::deep_kernel<> kernel() const;
  [[nodiscard]] const detector_settings& settings() const;

  /// Weights, kernel and settings. With the optimizer's moments as well, training can go on.
  [[nodiscard]] tensor_file state(bool with_optimizer) const;
  /// Throws `file_error` where a tensor is missing or has another shape.
  void restore(const tensor_file& state);
  [[nodiscard]] static detector from_state(const tensor_file& state, bool cuda);

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace mmd_mp
