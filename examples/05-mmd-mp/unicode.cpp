#include "unicode.hpp"

#include <array>
#include <utility>

namespace mmd_mp {
namespace {

// The ASCII letter under the marks; a dot where there is none.
constexpr std::string_view latin_from_00e0 =
    "aaaaaa.ceeeeiiii.nooooo..uuuuy.yaaaaaaccccccccdd..eeeeeeeeeegggggggghh..iiiiiiiii...jjkk.llllll."
    "...nnnnnn...oooooo..rrrrrrsssssssstttt..uuuuuuuuuuuuwwyyyzzzzzz.";
constexpr std::string_view latin_from_1e00 =
    "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrr"
    "ssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwy......aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee"
    "eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy......";

struct range {
  char32_t first, last;
};

template<std::size_t N>
constexpr bool within(char32_t c, const std::array<range, N>& ranges) {
  for (const range& r : ranges)
    if (c >= r.first && c <= r.last) return true;
  return false;
}

constexpr std::array punctuation = {
    range{0x21, 0x2f},     range{0x3a, 0x40},     range{0x5b, 0x60},     range{0x7b, 0x7e},     range{0xa1, 0xa1},
    range{0xa7, 0xa7},     range{0xab, 0xab},     range{0xb6, 0xb7},     range{0xbb, 0xbb},     range{0xbf, 0xbf},
    range{0x37e, 0x37e},   range{0x387, 0x387},   range{0x55a, 0x55f},   range{0x589, 0x58a},   range{0x5be, 0x5be},
    range{0x60c, 0x60d},   range{0x61b, 0x61b},   range{0x61d, 0x61f},   range{0x66a, 0x66d},   range{0x6d4, 0x6d4},
    range{0x964, 0x965},   range{0x2010, 0x2027}, range{0x2030, 0x2043}, range{0x2045, 0x2051}, range{0x2053, 0x205e},
    range{0x207d, 0x207e}, range{0x208d, 0x208e}, range{0x2308, 0x230b}, range{0x2329, 0x232a}, range{0x2768, 0x2775},
    range{0x27e6, 0x27ef}, range{0x2983, 0x2998}, range{0x2e00, 0x2e2e}, range{0x2e30, 0x2e4f}, range{0x3001, 0x3003},
    range{0x3008, 0x3011}, range{0x3014, 0x301f}, range{0x3030, 0x3030}, range{0x303d, 0x303d}, range{0x30fb, 0x30fb},
    range{0xff01, 0xff03}, range{0xff05, 0xff0a}, range{0xff0c, 0xff0f}, range{0xff1a, 0xff1b}, range{0xff1f, 0xff20},
    range{0xff3b, 0xff3d}, range{0xff5b, 0xff5b}, range{0xff5d, 0xff5d}, range{0xff5f, 0xff65}};

constexpr std::array chinese = {range{0x4e00, 0x9fff},   range{0x3400, 0x4dbf},   range{0x20000, 0x2a6df},
                                range{0x2a700, 0x2b73f}, range{0x2b740, 0x2b81f}, range{0x2b820, 0x2ceaf},
                                range{0xf900, 0xfaff},   range{0x2f800, 0x2fa1f}};

constexpr std::array invisible = {range{0x1, 0x8},       range{0xb, 0xc},       range{0xe, 0x1f},      range{0x7f, 0x9f},
                                  range{0xad, 0xad},     range{0x600, 0x605},   range{0x61c, 0x61c},   range{0x200b, 0x200f},
                                  range{0x202a, 0x202e}, range{0x2060, 0x2064}, range{0x2066, 0x206f}, range{0xfeff, 0xfeff},
                                  range{0xfffd, 0xfffd}, range{0xe000, 0xf8ff}};

constexpr std::array combining = {range{0x300, 0x36f},   range{0x483, 0x487},   range{0x1ab0, 0x1abd},
                                  range{0x1dc0, 0x1dff}, range{0x20d0, 0x20dc}, range{0xfe20, 0xfe2f}};

}  // namespace

std::u32string code_points(std::string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead >= 0xf0 && lead < 0xf8 ? 4 : lead >= 0xe0 ? 3 : 2;
    bool valid = lead < 0x80 || (lead >= 0xc2 && lead < 0xf5 && i + length <= text.size());
    char32_t c = lead;
    if (valid && length > 1) {
      c = lead & (0xffu >> (length + 1));
      for (std::size_t k = 1; k < length; ++k) {
        const auto next = static_cast<unsigned char>(text[i + k]);
        valid = valid && (next & 0xc0) == 0x80;
        c = c << 6 | (next & 0x3fu);
      }
      valid = valid && c < 0x110000 && (c < 0xd800 || c > 0xdfff) && !(length == 3 && c < 0x800) && !(length == 4 && c < 0x10000);
    }
    out += valid ? c : char32_t{0xfffd};
    i += valid ? length : 1;
  }
  return out;
}

std::string utf8(char32_t c) {
  const auto byte = [](char32_t b) { return static_cast<char>(b); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0 | c >> 6), byte(0x80 | (c & 0x3f))};
  if (c < 0x10000) return {byte(0xe0 | c >> 12), byte(0x80 | (c >> 6 & 0x3f)), byte(0x80 | (c & 0x3f))};
  return {byte(0xf0 | c >> 18), byte(0x80 | (c >> 12 & 0x3f)), byte(0x80 | (c >> 6 & 0x3f)), byte(0x80 | (c & 0x3f))};
}

bool is_blank(char32_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x202f || c == 0x205f || c == 0x3000;
}

bool is_control(char32_t c) { return c == 0 || within(c, invisible); }
bool is_punctuation(char32_t c) { return within(c, punctuation); }
bool is_chinese(char32_t c) { return within(c, chinese); }

char32_t lower_case(char32_t c) {
  const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  const bool even = c % 2 == 0;
  if (in('A', 'Z') || (in(0xc0, 0xde) && c != 0xd7)) return c + 32;
  if (c == 0x130) return 'i';
  if (c == 0x178) return 0xff;
  if (in(0x100, 0x137) || in(0x14a, 0x177) || in(0x1e00, 0x1e95) || in(0x1ea0, 0x1eff)) return even ? c + 1 : c;
  if (in(0x139, 0x148) || in(0x179, 0x17e)) return even ? c : c + 1;
  if (in(0x391, 0x3a9) || in(0x410, 0x42f)) return c + 32;
  if (in(0x400, 0x40f)) return c + 80;
  if (in(0x388, 0x38a)) return c + 37;
  if (c == 0x386) return 0x3ac;
  if (c == 0x38c) return 0x3cc;
  if (in(0x38e, 0x38f)) return c + 63;
  return c;
}

std::u32string without_accent(char32_t c) {
  if (c < 0x80) return {c};
  if (within(c, combining)) return {};
  char plain = '.';
  if (c >= 0xe0 && c < 0xe0 + latin_from_00e0.size()) plain = latin_from_00e0[c - 0xe0];
  if (c >= 0x1e00 && c < 0x1e00 + latin_from_1e00.size()) plain = latin_from_1e00[c - 0x1e00];
  if (plain != '.') return {static_cast<char32_t>(plain)};
  static constexpr std::array<std::pair<char32_t, char32_t>, 14> others = {{{0x3ac, 0x3b1},
                                                                            {0x3ad, 0x3b5},
                                                                            {0x3ae, 0x3b7},
                                                                            {0x3af, 0x3b9},
                                                                            {0x3ca, 0x3b9},
                                                                            {0x390, 0x3b9},
                                                                            {0x3cb, 0x3c5},
                                                                            {0x3b0, 0x3c5},
                                                                            {0x3cc, 0x3bf},
                                                                            {0x3cd, 0x3c5},
                                                                            {0x3ce, 0x3c9},
                                                                            {0x439, 0x438},
                                                                            {0x451, 0x435},
                                                                            {0x457, 0x456}}};
  for (const auto& [marked, letter] : others)
    if (c == marked) return {letter};
  return {c};
}

}  // namespace mmd_mp
