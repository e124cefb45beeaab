#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "csv.hpp"
#include "file_error.hpp"
#include "sentences.hpp"
#include "unicode.hpp"
#include "word_piece.hpp"

using namespace mmd_mp;
using strings = std::vector<std::string>;

TEST_CASE("sentences end where a reader ends them") {
  CHECK(split_sentences("One. Two! Three? Four") == strings{"One.", "Two!", "Three?", "Four"});
  CHECK(split_sentences("Mr. Smith met Dr. J. Jones. He left.") == strings{"Mr. Smith met Dr. J. Jones.", "He left."});
  CHECK(split_sentences("It cost 3.50 dollars. Then 4 more.") == strings{"It cost 3.50 dollars.", "Then 4 more."});
  CHECK(split_sentences("\"Stop!\" he said. \"Now.\" She did.") == strings{"\"Stop!\" he said.", "\"Now.\"", "She did."});
  CHECK(split_sentences("He lives in the U.S. and works. ok then.") == strings{"He lives in the U.S. and works. ok then."});
  CHECK(split_sentences("A line\nand another\n\n  third  ") == strings{"A line", "and another", "third"});
  CHECK(split_sentences("Well... Yes?! (No.) End.") == strings{"Well...", "Yes?!", "(No.)", "End."});
  CHECK(split_sentences("").empty());
  CHECK(split_sentences(" \n 42 ... \n").empty());
  CHECK(split_sentences("I saw what I. Then we left.") == strings{"I saw what I.", "Then we left."});
}

TEST_CASE("the prompt, its sentence and the last sentence are left out") {
  const std::string human = "He said it rained. All day it did. We stayed. Then the sun";
  const std::string machine = "He said it rarely rains. Nobody knew. Ships came. They were";
  const std::size_t prompt = shared_beginning(human, machine);
  CHECK(prompt == std::string("He said it ra").size());
  CHECK(inner_sentences(human, prompt) == strings{"All day it did.", "We stayed."});
  CHECK(inner_sentences(machine, prompt) == strings{"Nobody knew.", "Ships came."});
  CHECK(inner_sentences("Too. Short", 0).empty());
  CHECK(inner_sentences("x", 99).empty());
}

TEST_CASE("words") {
  CHECK(count_words("  a bb\tc\n") == 3);
  CHECK(count_words("") == 0);
  CHECK(first_words("  a  bb\tc d", 3) == "a bb c");
  CHECK(first_words("a b", 5) == "a b");
  CHECK(plain_typography("\u201cIt\u2019s\u201d\u00a0here\u2026") == "\"It's\" here...");
  CHECK(plain_typography("caf\u00e9") == "caf\u00e9");
}

TEST_CASE("CSV after RFC 4180") {
  const csv_table t = parse_csv("a,b\r\n1,\"x, \"\"y\"\"\nz\"\r\n,\n", "F");
  CHECK(t.columns == strings{"a", "b"});
  REQUIRE(t.rows.size() == 2);
  CHECK(t.rows[0] == strings{"1", "x, \"y\"\nz"});
  CHECK(t.rows[1] == strings{"", ""});
  CHECK(t.column("b") == 1);
  CHECK_THROWS_WITH_AS((void)t.column("c"), "F: no column 'c'", file_error);
  CHECK_THROWS_WITH_AS((void)parse_csv("a,b\n1\n", "F"), "F: row 1: 1 fields where the header has 2", file_error);
  CHECK_THROWS_WITH_AS((void)parse_csv("a\n\"1\n", "F"), "F: row 1: a quote without an end", file_error);
  CHECK_THROWS_WITH_AS((void)parse_csv("", "F"), "F: the file is empty", file_error);
}

TEST_CASE("UTF-8: what is none becomes one replacement a byte") {
  CHECK(code_points("a\u00e9\u4e2d\U0001f600") == U"a\u00e9\u4e2d\U0001f600");
  for (const char32_t c : {U'a', U'\u00e9', U'\u4e2d', U'\U0001f600'}) CHECK(code_points(utf8(c)) == std::u32string{c});
  CHECK(code_points("\xff\xc3(\xe4\xb8") == U"\ufffd\ufffd(\ufffd\ufffd");
  CHECK(code_points("\xc0\x80\xed\xa0\x80").find_first_not_of(U'\ufffd') == std::u32string::npos);
}

TEST_CASE("words of BERT's tokenizer") {
  CHECK(word_piece::words("Don't STOP...now") == strings{"don", "'", "t", "stop", ".", ".", ".", "now"});
  CHECK(word_piece::words("na\u00efve \u00dcBER \u0141\u00f3d\u017a Vi\u1ec7t") == strings{"naive", "uber", "\u0142odz", "viet"});
  CHECK(word_piece::words("e\u0301 \u0130x") == strings{"e", "ix"});
  CHECK(word_piece::words("\u4e2d\u6587x") == strings{"\u4e2d", "\u6587", "x"});
  CHECK(word_piece::words("a\u00adb\u200bc \u00a0 d\te") == strings{"abc", "d", "e"});
  CHECK(word_piece::words("\u041c\u043e\u0441\u043a\u0432\u0430 \u03a9") ==
        strings{"\u043c\u043e\u0441\u043a\u0432\u0430", "\u03c9"});
}

TEST_CASE("word pieces: the longest first, unknown as a whole, cut to the tokens") {
  const word_piece t(
      strings{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "##a", "##ff", "aff", "\u00e4", "##\u00e4"});
  CHECK(t.pieces("unaffable") == std::vector<std::int64_t>{4, 5, 6});
  CHECK(t.pieces("unaff aff") == std::vector<std::int64_t>{4, 5, 9});
  CHECK(t.pieces("unx un") == std::vector<std::int64_t>{1, 4});
  CHECK(t.pieces("").empty());
  CHECK(t.pieces(std::string(101, 'a')) == std::vector<std::int64_t>{1});
  CHECK(t.encode("un un", 8) == std::vector<std::int64_t>{2, 4, 4, 3});
  CHECK(t.encode("un un un", 4) == std::vector<std::int64_t>{2, 4, 4, 3});
  CHECK(t.encode("un un un", 2) == std::vector<std::int64_t>{2, 3});
  CHECK_THROWS_WITH_AS(word_piece(strings{"[UNK]", "[CLS]"}), "vocabulary: no [SEP] among 2 pieces", file_error);
}
