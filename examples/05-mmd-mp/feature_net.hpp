#pragma once

#include <memory>
#include <vector>

#include "encoder_layer.hpp"

namespace mmd_mp {

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

/// The stages of phi for a batch.
struct sentence_features {
  at::Tensor encoder_out;  ///< batch x tokens x width
  at::Tensor mlp_out;      ///< batch x tokens x hidden
  at::Tensor phi;          ///< batch x output
};

/// phi of MMD-MP: encoder layers without attention mask (rows of padding are zero and take part), then for every token
/// Linear, GELU(erf), LayerNorm(eps 1e-12), Dropout, then all tokens of a sentence through one Linear.
/// Float by default; `to(torch::kDouble)` as any module. Zhang et al., ICLR 2024; `mmdPreModel` of the released code.
class feature_net : public torch::nn::Module {
public:
  explicit feature_net(const feature_net_sizes& sizes);

  /// All stages; dropout acts in training mode only. x is batch x tokens x width, else `std::invalid_argument`.
  sentence_features stages(const at::Tensor& x);

  /// phi alone.
  at::Tensor forward(const at::Tensor& x) { return stages(x).phi; }

  [[nodiscard]] const feature_net_sizes& sizes() const { return sizes_; }

private:
  struct token_block {
    torch::nn::Linear linear{nullptr};
    torch::nn::LayerNorm norm{nullptr};
  };

  feature_net_sizes sizes_;
  std::vector<std::shared_ptr<encoder_layer>> encoder_;
  std::vector<token_block> blocks_;
  torch::nn::Linear output_{nullptr};
};

}  // namespace mmd_mp
