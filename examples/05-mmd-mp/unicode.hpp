#pragma once
/// \file
/// As much of Unicode as BERT's tokenizer asks for.

#include <string>
#include <string_view>

namespace mmd_mp {

/// The code points of UTF-8; bytes that are none become U+FFFD.
[[nodiscard]] std::u32string code_points(std::string_view text);
[[nodiscard]] std::string utf8(char32_t c);

/// Blank, tab, line break, and the separators of class Zs.
[[nodiscard]] bool is_blank(char32_t c);
/// What cleaning takes away: controls and format characters, U+0000, U+FFFD.
[[nodiscard]] bool is_control(char32_t c);
/// Every ASCII character that is no letter, digit or blank, and the punctuation of the Latin, general and CJK blocks.
[[nodiscard]] bool is_punctuation(char32_t c);
[[nodiscard]] bool is_chinese(char32_t c);

[[nodiscard]] char32_t lower_case(char32_t c);
/// The letter without its marks; empty for a combining mark itself. Of lower-case Latin letters up to U+017F and U+1EF9.
[[nodiscard]] std::u32string without_accent(char32_t c);

}  // namespace mmd_mp
