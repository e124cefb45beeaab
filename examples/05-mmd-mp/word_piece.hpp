#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mmd_mp {

/// BERT's uncased tokenizer. Text is cleaned of control characters, lower-cased, freed of accents, cut at blanks, punctuation and
/// Chinese characters, and each word taken apart into the longest pieces of the vocabulary from its beginning on.
/// Latin, Greek and Cyrillic letters are lower-cased and Latin accents taken off; other scripts are left as they are.
class word_piece {
public:
  /// Pieces in the order of their numbers. Throws `file_error` where [UNK], [CLS] or [SEP] is missing.
  explicit word_piece(const std::vector<std::string>& pieces, const std::string& file = "vocabulary");
  /// Hugging Face's tokenizer.json, or a vocab.txt with one piece a line.
  [[nodiscard]] static word_piece from_file(const std::filesystem::path& file);

  /// The words before they are taken apart.
  [[nodiscard]] static std::vector<std::string> words(std::string_view text);
  /// The numbers of the pieces, without [CLS] and [SEP].
  [[nodiscard]] std::vector<std::int64_t> pieces(std::string_view text) const;
  /// [CLS], pieces, [SEP], cut to at most `tokens` with [SEP] as the last.
  [[nodiscard]] std::vector<std::int64_t> encode(std::string_view text, std::size_t tokens) const;

  [[nodiscard]] std::size_t size() const { return number_.size(); }

private:
  [[nodiscard]] std::int64_t special(const char* piece, const std::string& file) const;
  void append_pieces(const std::string& word, std::vector<std::int64_t>& out) const;

  std::unordered_map<std::string, std::int64_t> number_;
  std::int64_t unknown_ = 0, first_ = 0, last_ = 0;
};

}  // namespace mmd_mp
