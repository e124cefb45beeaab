#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bytes.hpp"
#include "encoder_layer.hpp"
#include "file_error.hpp"
#include "tensor_file.hpp"
#include "text_encoder.hpp"
#include "word_piece.hpp"

namespace mmd_mp {
namespace {

struct bert_sizes {
  std::int64_t width, heads, intermediate, layers, positions;
};

bert_sizes read_sizes(const std::filesystem::path& file) {
  try {
    const auto config = nlohmann::json::parse(read_bytes(file));
    if (config.value("hidden_act", "gelu") != "gelu" || config.value("position_embedding_type", "absolute") != "absolute")
      throw file_error(file.string() + ": a BERT with GELU and absolute positions is wanted");
    return {config.at("hidden_size"), config.at("num_attention_heads"), config.at("intermediate_size"),
            config.at("num_hidden_layers"), config.at("max_position_embeddings")};
  } catch (const nlohmann::json::exception& error) {
    throw file_error(file.string() + ": no configuration of a BERT: " + error.what());
  }
}

at::Tensor copy_of(const stored_tensor& t) {
  return at::from_blob(const_cast<float*>(t.values.data()), t.shape, at::kFloat).clone();
}

/// The names that Hugging Face gives the parts of a layer.
const char* published_name(const std::string& part) {
  static constexpr std::array<std::pair<const char*, const char*>, 8> names = {{{"query", "attention.self.query"},
                                                                                {"key", "attention.self.key"},
                                                                                {"value", "attention.self.value"},
                                                                                {"attention_output", "attention.output.dense"},
                                                                                {"attention_norm", "attention.output.LayerNorm"},
                                                                                {"intermediate", "intermediate.dense"},
                                                                                {"output", "output.dense"},
                                                                                {"output_norm", "output.LayerNorm"}}};
  return std::find_if(names.begin(), names.end(), [&](const auto& n) { return part == n.first; })->second;
}

class minilm final : public text_encoder {
public:
  minilm(const std::filesystem::path& folder, std::ptrdiff_t tokens, bool cuda)
      : tokens_(tokens),
        device_(cuda ? at::kCUDA : at::kCPU),
        sizes_(read_sizes(folder / "config.json")),
        tokenizer_(word_piece::from_file(exists(folder / "tokenizer.json") ? folder / "tokenizer.json" : folder / "vocab.txt")) {
    if (tokens < 2 || tokens > sizes_.positions)
      throw file_error(folder.string() + ": takes 2 to " + std::to_string(sizes_.positions) + " tokens, not " +
                       std::to_string(tokens));
    const std::string bytes = read_bytes(folder / "model.safetensors");
    sum_ = checksum(bytes);
    load(parse_tensors(bytes, (folder / "model.safetensors").string(), origin::elsewhere));
  }

  [[nodiscard]] std::string description() const override {
    return "BERT " + hexadecimal(sum_) + ", " + std::to_string(tokens_) + " x " + std::to_string(sizes_.width);
  }
  [[nodiscard]] std::ptrdiff_t tokens() const override { return tokens_; }
  [[nodiscard]] std::ptrdiff_t width() const override { return sizes_.width; }

  void encode(std::span<const std::string> sentences, float* out) const override {
    const c10::InferenceMode no_gradients;
    const std::int64_t batch = std::ssize(sentences);
    at::Tensor ids = at::zeros({batch, tokens_}, at::kLong), mask = at::zeros({batch, tokens_});
    for (std::int64_t i = 0; i < batch; ++i) {
      const auto encoded = tokenizer_.encode(sentences[static_cast<std::size_t>(i)], static_cast<std::size_t>(tokens_));
      std::copy(encoded.begin(), encoded.end(), ids.data_ptr<std::int64_t>() + i * tokens_);
      std::fill_n(mask.data_ptr<float>() + i * tokens_, encoded.size(), 1.0f);
    }
    mask = mask.to(device_);
    const at::Tensor hidden = (last_hidden(ids.to(device_), mask) * mask.unsqueeze(2)).to(at::kCPU).contiguous();
    std::copy_n(hidden.data_ptr<float>(), hidden.numel(), out);
  }

private:
  void load(const tensor_file& weights) {
    const auto embedding = [&](const char* part) { return copy_of(weights.at(std::string("embeddings.") + part)).to(device_); };
    words_ = embedding("word_embeddings.weight");
    if (static_cast<std::size_t>(words_.size(0)) != tokenizer_.size())
      throw file_error(weights.file + ": " + std::to_string(words_.size(0)) + " word embeddings for a vocabulary of " +
                       std::to_string(tokenizer_.size()));
    // Every token is of type 0: its embedding belongs to the position.
    positions_ = (copy_of(weights.at("embeddings.position_embeddings.weight", {sizes_.positions, sizes_.width})) +
                  copy_of(weights.at("embeddings.token_type_embeddings.weight"))[0])
                     .to(device_);
    norm_weight_ = embedding("LayerNorm.weight");
    norm_bias_ = embedding("LayerNorm.bias");
    for (std::int64_t i = 0; i < sizes_.layers; ++i) {
      auto layer = std::make_shared<encoder_layer>(
          encoder_layer_sizes{.width = sizes_.width, .heads = sizes_.heads, .intermediate = sizes_.intermediate});
      for (auto& parameter : layer->named_parameters()) {
        const std::size_t dot = parameter.key().rfind('.');
        const std::string name = "encoder.layer." + std::to_string(i) + "." + published_name(parameter.key().substr(0, dot)) +
                                 parameter.key().substr(dot);
        parameter.value().set_data(copy_of(weights.at(name, parameter.value().sizes().vec())));
        parameter.value().requires_grad_(false);
      }
      layer->eval();
      layer->to(device_);
      layers_.push_back(std::move(layer));
    }
  }

  [[nodiscard]] at::Tensor last_hidden(const at::Tensor& ids, const at::Tensor& mask) const {
    at::Tensor x = at::embedding(words_, ids) + positions_.narrow(0, 0, tokens_);
    x = at::layer_norm(x, {sizes_.width}, norm_weight_, norm_bias_, 1e-12);
    const at::Tensor bias = (1 - mask).mul(-1e9).view({ids.size(0), 1, 1, tokens_});
    for (const auto& layer : layers_) x = layer->forward(x, bias);
    return x;
  }

  std::ptrdiff_t tokens_;
  at::Device device_;
  bert_sizes sizes_;
  word_piece tokenizer_;
  std::uint64_t sum_ = 0;
  at::Tensor words_, positions_, norm_weight_, norm_bias_;
  std::vector<std::shared_ptr<encoder_layer>> layers_;
};

}  // namespace

std::unique_ptr<text_encoder> make_minilm(const std::filesystem::path& weights, std::ptrdiff_t tokens, bool cuda) {
  return std::make_unique<minilm>(weights, tokens, cuda);
}

std::vector<float> minilm_embedding(const std::filesystem::path& weights, const std::string& sentence) {
  const minilm encoder(weights, 64, false);
  std::vector<float> hidden(static_cast<std::size_t>(encoder.tokens() * encoder.width()));
  encoder.encode(std::span(&sentence, 1), hidden.data());
  // Rows of padding are zero: the sum is that of the sentence, and its length does not matter for the direction.
  const at::Tensor sum = at::from_blob(hidden.data(), {encoder.tokens(), encoder.width()}).sum(0);
  const at::Tensor unit = (sum / sum.norm()).contiguous();
  return {unit.data_ptr<float>(), unit.data_ptr<float>() + unit.numel()};
}

}  // namespace mmd_mp
