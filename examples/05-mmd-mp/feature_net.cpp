#include "feature_net.hpp"

#include <stdexcept>
#include <string>

namespace mmd_mp {

feature_net::feature_net(const feature_net_sizes& sizes) : sizes_(sizes) {
  for (std::int64_t i = 0; i < sizes.layers; ++i)
    encoder_.push_back(register_module("encoder_" + std::to_string(i), std::make_shared<encoder_layer>(encoder_layer_sizes{
                                                                           .width = sizes.width,
                                                                           .heads = sizes.heads,
                                                                           .intermediate = sizes.intermediate,
                                                                           .dropout = sizes.encoder_dropout,
                                                                       })));
  for (std::int64_t i = 0; i <= sizes.extra_blocks; ++i) {
    const std::string name = "block_" + std::to_string(i);
    const std::int64_t in = i == 0 ? sizes.width : sizes.hidden;
    blocks_.push_back(
        {register_module(name, torch::nn::Linear(in, sizes.hidden)),
         register_module(name + "_norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({sizes.hidden}).eps(1e-12)))});
  }
  output_ = register_module("output", torch::nn::Linear(sizes.tokens * sizes.hidden, sizes.output));
}

sentence_features feature_net::stages(const at::Tensor& x) {
  if (x.dim() != 3 || x.size(1) != sizes_.tokens || x.size(2) != sizes_.width)
    throw std::invalid_argument("sentences must be batch x " + std::to_string(sizes_.tokens) + " tokens x " +
                                std::to_string(sizes_.width) + " features");
  sentence_features out;
  out.encoder_out = x;
  for (const auto& layer : encoder_) out.encoder_out = layer->forward(out.encoder_out);
  out.mlp_out = out.encoder_out;
  for (auto& block : blocks_)
    out.mlp_out =
        at::dropout(block.norm->forward(at::gelu(block.linear->forward(out.mlp_out))), sizes_.hidden_dropout, is_training());
  out.phi = output_->forward(out.mlp_out.flatten(1));
  return out;
}

}  // namespace mmd_mp
