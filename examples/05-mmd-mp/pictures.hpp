#pragma once

#include "summary.hpp"

namespace mmd_mp {

/// roc.svg, power.svg and training.svg in the folder; of the settings of `result`.
void write_pictures(const std::filesystem::path& folder, const experiment_result& result, const summary& s);

/// MMD^2, its deviation and the validation power over the epochs.
void write_training_picture(const std::filesystem::path& file, const std::map<std::string, std::vector<epoch_record>>& histories);

}  // namespace mmd_mp
