#include "sentences.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace mmd_mp {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }
bool closes(char c) { return c == '"' || c == '\'' || c == ')' || c == ']'; }

/// Whether the word that ends in a full stop at `stop` is an abbreviation.
bool is_abbreviation(std::string_view text, std::size_t stop) {
  std::size_t first = stop;
  while (first > 0 && !is_blank(text[first - 1]) && text[first - 1] != '(' && text[first - 1] != '"') --first;
  std::string word(text.substr(first, stop - first));
  if (word.size() == 1 && is_upper(word[0]) && word[0] != 'I') return true;
  if (word.find('.') != std::string::npos && word.size() <= 5) return true;  // U.S, e.g, i.e, p.m
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  static constexpr std::array known = {"mr",   "mrs", "ms",   "dr",  "prof", "st",  "sr",   "jr",  "rev", "gen", "col",   "sgt",
                                       "capt", "maj", "lt",   "hon", "gov",  "sen", "rep",  "vs",  "etc", "fig", "al",    "inc",
                                       "ltd",  "co",  "dept", "jan", "feb",  "aug", "sept", "oct", "nov", "dec", "approx"};
  return std::find(known.begin(), known.end(), word) != known.end();
}

/// Where the sentence that begins at `first` ends.
std::size_t sentence_end(std::string_view text, std::size_t first) {
  for (std::size_t i = first; i < text.size(); ++i) {
    if (text[i] == '\n') return i;
    if (text[i] != '.' && text[i] != '!' && text[i] != '?') continue;
    if (text[i] == '.' && is_abbreviation(text, i)) continue;
    std::size_t end = i + 1;
    while (end < text.size() && (closes(text[end]) || text[end] == '.' || text[end] == '!' || text[end] == '?')) ++end;
    if (end == text.size()) return end;
    if (!is_blank(text[end])) continue;
    std::size_t next = end;
    while (next < text.size() && is_blank(text[next]) && text[next] != '\n') ++next;
    if (next == text.size() || text[next] == '\n') return end;
    const char c = text[next];
    const bool begins = is_upper(c) || (c >= '0' && c <= '9') || c == '"' || c == '\'' || c == '(' || c == '[' || (c & 0x80);
    if (begins) return end;
  }
  return text.size();
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string plain_typography(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 13> replacements = {{
      {"\u2018", "'"},
      {"\u2019", "'"},
      {"\u201a", "'"},
      {"\u201b", "'"},
      {"\u201c", "\""},
      {"\u201d", "\""},
      {"\u201e", "\""},
      {"\u2013", "-"},
      {"\u2014", " - "},
      {"\u2026", "..."},
      {"\u00a0", " "},
      {"\u200b", ""},
      {"\ufeff", ""},
  }};
  std::string plain;
  for (std::size_t i = 0; i < text.size();) {
    const auto* const found = std::find_if(replacements.begin(), replacements.end(),
                                           [&](const auto& r) { return text.substr(i).starts_with(r.first); });
    if ((text[i] & 0x80) && found != replacements.end()) {
      plain += found->second;
      i += found->first.size();
    } else {
      plain += text[i++];
    }
  }
  return plain;
}

std::vector<std::string> split_sentences(std::string_view text) {
  std::vector<std::string> sentences;
  for (std::size_t first = 0; first < text.size();) {
    const std::size_t end = sentence_end(text, first);
    const std::string_view sentence = trimmed(text.substr(first, end - first));
    if (std::any_of(sentence.begin(), sentence.end(), is_letter)) sentences.emplace_back(sentence);
    first = std::max(end, first + 1);
  }
  return sentences;
}

std::size_t count_words(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) count += !is_blank(text[i]) && (i == 0 || is_blank(text[i - 1]));
  return count;
}

std::string first_words(std::string_view text, std::size_t count) {
  std::string some;
  for (std::size_t i = 0; i < text.size() && count > 0;) {
    while (i < text.size() && is_blank(text[i])) ++i;
    std::size_t end = i;
    while (end < text.size() && !is_blank(text[end])) ++end;
    if (end == i) break;
    if (!some.empty()) some += ' ';
    some += text.substr(i, end - i);
    i = end;
    --count;
  }
  return some;
}

std::size_t shared_beginning(std::string_view a, std::string_view b) {
  const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(in_a - a.begin());
}

std::vector<std::string> inner_sentences(std::string_view text, std::size_t prompt) {
  std::vector<std::string> sentences = split_sentences(text.substr(std::min(prompt, text.size())));
  if (sentences.size() <= 2) return {};
  sentences.pop_back();
  sentences.erase(sentences.begin());
  return sentences;
}

}  // namespace mmd_mp
