#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "training.hpp"

namespace mmd_mp {

/// All that the program needs to go on training, or to test other text: detector, history, and the human reference in raw
/// features. One safetensors file with a checksum.
struct checkpoint {
  training_state state;
  std::string encoder;                   ///< its description: features of another encoder mean nothing to the detector
  std::string encoder_kind;              ///< "minilm" or "words"
  std::size_t words = 0;                 ///< to which sentences are cut
  std::vector<std::string> populations;  ///< of machine text that it was trained on
  std::uint64_t seed = 0;                ///< of the split
  double threshold = 0;                  ///< of scores: 5 % of the validation's human sentences lie above
  encoded_text reference;
};

void save_checkpoint(const std::filesystem::path& file, const checkpoint& c);

/// Throws `file_error` saying what is wrong with a file that is damaged, truncated, or not from this program.
[[nodiscard]] checkpoint load_checkpoint(const std::filesystem::path& file, bool cuda);

}  // namespace mmd_mp
