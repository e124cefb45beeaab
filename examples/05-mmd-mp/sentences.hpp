#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mmd_mp {

/// Curly quotes, long dashes, ellipses and no-break spaces as ASCII: typography tells a generator's web page, not its language.
[[nodiscard]] std::string plain_typography(std::string_view text);

/// The sentences of a text. One ends at a line break, or at . ! or ? (and closing quotes or brackets behind it) before a blank
/// and a capital letter, a digit or an opening quote; not behind a title, an initial or another common abbreviation.
[[nodiscard]] std::vector<std::string> split_sentences(std::string_view text);

/// Words are what blanks separate.
[[nodiscard]] std::size_t count_words(std::string_view text);

/// The first `count` words, one blank between them; all of them where there are fewer.
[[nodiscard]] std::string first_words(std::string_view text, std::size_t count);

/// How many bytes at their beginning two texts share.
[[nodiscard]] std::size_t shared_beginning(std::string_view a, std::string_view b);

/// The sentences of a text behind its first `prompt` bytes without the first and the last of them: the prompt's sentence goes on
/// into the first, and the last is cut off in the middle.
[[nodiscard]] std::vector<std::string> inner_sentences(std::string_view text, std::size_t prompt);

}  // namespace mmd_mp
