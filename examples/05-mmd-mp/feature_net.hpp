#pragma once

#include <memory>
#include <vector>

#include "encoder_layer.hpp"
#include "feature_net_sizes.hpp"

namespace mmd_mp {

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
