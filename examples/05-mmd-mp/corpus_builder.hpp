#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "corpus.hpp"

namespace mmd_mp {

/// Collects sentences, cuts them, and keeps each once.
class corpus_builder {
public:
  explicit corpus_builder(const corpus_settings& settings) : settings_(settings) {}

  /// Sentences of one text; those that are too short are left out.
  void add(const std::string& population, bool human, const std::vector<std::string>& sentences, std::uint64_t prompt);
  /// The corpus with its populations in this order.
  [[nodiscard]] corpus finish(const std::vector<std::string>& order);

private:
  std::int64_t number_of(const std::string& text, std::size_t words, std::uint64_t prompt);

  corpus_settings settings_;
  /// By population and class: sentence -> (words before the cut, prompt).
  std::map<std::string, std::map<bool, std::map<std::string, std::pair<std::size_t, std::uint64_t>>>> found_;
  std::unordered_map<std::string, std::int64_t> known_;
  corpus result_;
};

}  // namespace mmd_mp
