#include <algorithm>
#include <cctype>

#include "bytes.hpp"
#include "dispar/core/random/normal.hpp"
#include "text_encoder.hpp"
#include "word_piece.hpp"

namespace mmd_mp {
namespace {

class word_vectors final : public text_encoder {
public:
  word_vectors(std::ptrdiff_t tokens, std::ptrdiff_t width, std::uint64_t seed) : tokens_(tokens), width_(width), seed_(seed) {}

  [[nodiscard]] std::string description() const override {
    return "random word vectors, seed " + std::to_string(seed_) + ", " + std::to_string(tokens_) + " x " + std::to_string(width_);
  }
  [[nodiscard]] std::ptrdiff_t tokens() const override { return tokens_; }
  [[nodiscard]] std::ptrdiff_t width() const override { return width_; }

  void encode(std::span<const std::string> sentences, float* out) const override {
    for (const std::string& sentence : sentences) {
      std::ptrdiff_t token = 0;
      for (const std::string& word : word_piece::words(sentence)) {
        if (token == tokens_) break;
        const dispar::random_key key{checksum(word, seed_)};
        dispar::fill_normal(key, 0, std::span(out + token++ * width_, static_cast<std::size_t>(width_)));
      }
      std::fill(out + token * width_, out + tokens_ * width_, 0.0f);
      out += tokens_ * width_;
    }
  }

private:
  std::ptrdiff_t tokens_, width_;
  std::uint64_t seed_;
};

}  // namespace

std::unique_ptr<text_encoder> make_word_vectors(std::ptrdiff_t tokens, std::ptrdiff_t width, std::uint64_t seed) {
  return std::make_unique<word_vectors>(tokens, width, seed);
}

}  // namespace mmd_mp
