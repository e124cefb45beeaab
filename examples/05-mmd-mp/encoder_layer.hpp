#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cstdint>

namespace mmd_mp {

struct encoder_layer_sizes {
  std::int64_t width = 768;          ///< features of a token
  std::int64_t heads = 4;            ///< divides width
  std::int64_t intermediate = 3072;  ///< between the two linear maps of the feed-forward part
  double dropout = 0.1;              ///< on attention probabilities and on both sub-layer outputs, in training
  double initial_deviation = 0.02;   ///< of the weights; biases begin at 0
};

/// One BERT encoder layer, normalized after each sub-layer: a = LN(x + O(attention(x))), out = LN(a + W2 GELU(W1 a)) with the
/// exact GELU (erf) and eps 1e-12. Devlin et al., NAACL 2019.
class encoder_layer : public torch::nn::Module {
public:
  /// Throws `std::invalid_argument` unless the heads divide the width.
  explicit encoder_layer(const encoder_layer_sizes& sizes);

  /// x is batch x tokens x width. `score_bias`, if defined, is added to the attention scores (batch x 1 x 1 x tokens: -inf or a
  /// large negative number where a token is padding); MMD-MP's feature network uses none.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& score_bias = {});

private:
  at::Tensor attention(const at::Tensor& x, const at::Tensor& score_bias);

  encoder_layer_sizes sizes_;
  torch::nn::Linear query_{nullptr}, key_{nullptr}, value_{nullptr}, attention_output_{nullptr};
  torch::nn::Linear intermediate_{nullptr}, output_{nullptr};
  torch::nn::LayerNorm attention_norm_{nullptr}, output_norm_{nullptr};
};

}  // namespace mmd_mp
