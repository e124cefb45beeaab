#include "encoder_layer.hpp"

#include <torch/nn/init.h>

#include <cmath>
#include <stdexcept>
#include <string>

namespace mmd_mp {
namespace {

constexpr double norm_epsilon = 1e-12;

torch::nn::Linear initialized(std::int64_t in, std::int64_t out, double deviation) {
  torch::nn::Linear layer(in, out);
  torch::nn::init::normal_(layer->weight, 0, deviation);
  torch::nn::init::zeros_(layer->bias);
  return layer;
}

torch::nn::LayerNorm norm(std::int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(norm_epsilon));
}

}  // namespace

encoder_layer::encoder_layer(const encoder_layer_sizes& sizes) : sizes_(sizes) {
  if (sizes.heads < 1 || sizes.width % sizes.heads != 0)
    throw std::invalid_argument(std::to_string(sizes.heads) + " attention heads do not divide a width of " +
                                std::to_string(sizes.width));
  const auto linear = [&](const char* name, std::int64_t in, std::int64_t out) {
    return register_module(name, initialized(in, out, sizes.initial_deviation));
  };
  query_ = linear("query", sizes.width, sizes.width);
  key_ = linear("key", sizes.width, sizes.width);
  value_ = linear("value", sizes.width, sizes.width);
  attention_output_ = linear("attention_output", sizes.width, sizes.width);
  attention_norm_ = register_module("attention_norm", norm(sizes.width));
  intermediate_ = linear("intermediate", sizes.width, sizes.intermediate);
  output_ = linear("output", sizes.intermediate, sizes.width);
  output_norm_ = register_module("output_norm", norm(sizes.width));
}

at::Tensor encoder_layer::attention(const at::Tensor& x, const at::Tensor& score_bias) {
  const std::int64_t batch = x.size(0), tokens = x.size(1), head_width = sizes_.width / sizes_.heads;
  const auto heads_of = [&](torch::nn::Linear& map) {
    return map->forward(x).view({batch, tokens, sizes_.heads, head_width}).transpose(1, 2);
  };
  at::Tensor scores = at::matmul(heads_of(query_), heads_of(key_).transpose(2, 3)) / std::sqrt(static_cast<double>(head_width));
  if (score_bias.defined()) scores = scores + score_bias;
  const at::Tensor shares = at::dropout(at::softmax(scores, -1), sizes_.dropout, is_training());
  return at::matmul(shares, heads_of(value_)).transpose(1, 2).reshape({batch, tokens, sizes_.width});
}

at::Tensor encoder_layer::forward(const at::Tensor& x, const at::Tensor& score_bias) {
  const auto dropped = [&](const at::Tensor& t) { return at::dropout(t, sizes_.dropout, is_training()); };
  const at::Tensor a = attention_norm_->forward(x + dropped(attention_output_->forward(attention(x, score_bias))));
  return output_norm_->forward(a + dropped(output_->forward(at::gelu(intermediate_->forward(a)))));
}

}  // namespace mmd_mp
