#include "word_piece.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "bytes.hpp"
#include "file_error.hpp"
#include "unicode.hpp"

namespace mmd_mp {

word_piece::word_piece(const std::vector<std::string>& pieces, const std::string& file) {
  for (std::size_t i = 0; i < pieces.size(); ++i) number_.emplace(pieces[i], static_cast<std::int64_t>(i));
  unknown_ = special("[UNK]", file);
  first_ = special("[CLS]", file);
  last_ = special("[SEP]", file);
}

std::int64_t word_piece::special(const char* piece, const std::string& file) const {
  const auto found = number_.find(piece);
  if (found == number_.end()) throw file_error(file + ": no " + piece + " among " + std::to_string(number_.size()) + " pieces");
  return found->second;
}

word_piece word_piece::from_file(const std::filesystem::path& file) {
  const std::string bytes = read_bytes(file);
  std::vector<std::string> pieces;
  if (file.extension() == ".json") {
    try {
      const auto tokenizer = nlohmann::json::parse(bytes);
      for (const auto& [piece, number] : tokenizer.at("model").at("vocab").items()) {
        const auto at = number.get<std::size_t>();
        if (at > 1'000'000) throw file_error(file.string() + ": piece number " + std::to_string(at));
        if (pieces.size() <= at) pieces.resize(at + 1);
        pieces[at] = piece;
      }
    } catch (const nlohmann::json::exception& error) {
      throw file_error(file.string() + ": no tokenizer of the kind WordPiece: " + error.what());
    }
  } else {
    std::istringstream lines(bytes);
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      pieces.push_back(line);
    }
  }
  return word_piece(pieces, file.string());
}

std::vector<std::string> word_piece::words(std::string_view text) {
  std::vector<std::string> result;
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) result.push_back(std::move(word));
    word.clear();
  };
  for (const char32_t c : code_points(text)) {
    if (is_control(c)) continue;
    if (is_blank(c)) {
      finish();
    } else if (is_punctuation(c) || is_chinese(c)) {
      finish();
      result.push_back(utf8(c));
    } else {
      for (const char32_t plain : without_accent(lower_case(c))) word += utf8(plain);
    }
  }
  finish();
  return result;
}

void word_piece::append_pieces(const std::string& word, std::vector<std::int64_t>& out) const {
  constexpr std::size_t longest_word = 100;  // characters, BERT's limit
  const std::size_t known = out.size();
  if (code_points(word).size() > longest_word) return out.push_back(unknown_);
  for (std::size_t first = 0; first < word.size();) {
    std::size_t end = word.size();
    for (; end > first; --end) {
      if (end < word.size() && (word[end] & 0xc0) == 0x80) continue;  // inside a character
      const auto found = number_.find((first > 0 ? "##" : "") + word.substr(first, end - first));
      if (found == number_.end()) continue;
      out.push_back(found->second);
      break;
    }
    if (end == first) {
      out.resize(known);
      return out.push_back(unknown_);
    }
    first = end;
  }
}

std::vector<std::int64_t> word_piece::pieces(std::string_view text) const {
  std::vector<std::int64_t> out;
  for (const std::string& word : words(text)) append_pieces(word, out);
  return out;
}

std::vector<std::int64_t> word_piece::encode(std::string_view text, std::size_t tokens) const {
  std::vector<std::int64_t> out = pieces(text);
  out.insert(out.begin(), first_);
  if (out.size() + 1 > tokens) out.resize(std::max<std::size_t>(tokens, 2) - 1);
  out.push_back(last_);
  return out;
}

}  // namespace mmd_mp
