#pragma once
/// \file
/// Sentences of human and machine text by population, split by prompt.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mmd_mp {

struct sentence {
  std::string text;          ///< as the methods see it: its first words, where lengths are equalized
  std::size_t words = 0;     ///< before it was cut
  std::uint64_t prompt = 0;  ///< of the beginning that its text shares with others: what train and test must not share
};

/// A generator and the human texts that continue the same prompts. Numbers are places in `corpus::sentences`.
struct population {
  std::string name;
  std::vector<std::int64_t> human, machine;
};

struct corpus {
  std::vector<sentence> sentences;
  std::vector<population> populations;

  [[nodiscard]] const population& named(const std::string& name) const;  ///< throws `std::invalid_argument`
};

struct corpus_settings {
  std::size_t words = 12;   ///< sentences have at least so many words and are cut to them; 0: whole sentences of at least 6
  std::size_t pool = 1000;  ///< at most so many sentences per population and class
};

/// human.jsonl and machine.jsonl: eight generators. What a text shares with its partner (the prompt) is left out, and so are the
/// sentence that the prompt begins and the last one, which is cut off. A sentence counts once per population and class.
/// Throws `file_error`, naming the command that gets the data where there are none.
[[nodiscard]] corpus load_generators(const std::filesystem::path& folder, const corpus_settings& settings);

/// The CSV files of the MMD-MP repository: ChatGPT's answers against human answers (TruthfulQA) and paragraphs (SQuAD).
[[nodiscard]] corpus load_chatgpt_csv(const std::filesystem::path& folder, const corpus_settings& settings);

/// What a sentence of a prompt is used for, a random choice by seed: 45 % train, 15 % validation, 10 % reference, 30 % test.
enum class part { train, validation, reference, test };
[[nodiscard]] part part_of(std::uint64_t prompt, std::uint64_t seed);

/// At most `count` different sentences of a part, in random order, with equal shares of the populations as far as they last.
[[nodiscard]] std::vector<std::int64_t> draw(const corpus& all, const std::vector<std::string>& populations, bool human,
                                             part wanted, std::size_t count, std::uint64_t seed);

}  // namespace mmd_mp
