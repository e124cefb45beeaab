#pragma once

#include <cstdint>

namespace mmd_mp {

/// The sizes of phi. Defaults are those of the released code.
struct feature_net_sizes {
  std::int64_t tokens = 100;         ///< L, of every sentence
  std::int64_t width = 768;          ///< d, features of a token; the encoder's output
  std::int64_t heads = 4;            ///< of the attention
  std::int64_t intermediate = 3072;  ///< of the encoder layer
  std::int64_t layers = 1;           ///< encoder layers
  std::int64_t hidden = 512;         ///< features of a token behind the encoder
  std::int64_t extra_blocks = 0;     ///< further hidden -> hidden blocks
  std::int64_t output = 300;         ///< features of a sentence
  double encoder_dropout = 0.1;
  double hidden_dropout = 0.2;
};

}  // namespace mmd_mp
