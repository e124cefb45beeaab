#pragma once
/// \file
/// POPE: how often a model says that an object is there which is not.

#include <cstdint>
#include <string>
#include <string_view>

#include "dispar/core/config.hpp"

DISPAR_NAMESPACE_BEGIN

namespace metrics {

/// Polling-based object probing evaluation: questions "Is there a ... in the image?", half of whose objects are there. Answers
/// are free text, so what counts is the words in them:
///
/// | label | answer | counts as |
/// |---|---|---|
/// | yes | contains "yes" | true positive, else false negative |
/// | no | contains "no", inside of "not" and "know" too | true negative, else false positive, an answer of yes |
///
///     metrics::pope scores;
///     for (...) scores.add(object_is_there, answer);
///     double f1 = scores.f1();
///
/// Counts add: `a.merge(b)`. A rate whose denominator is empty is 0. Host only.
/// Li et al., "Evaluating Object Hallucination in Large Vision-Language Models", EMNLP 2023; the rule is that of xxxxx313/INTER,
/// eval.py.
class pope {
public:
  std::int64_t true_positives = 0;   ///< yes, and said so
  std::int64_t false_positives = 0;  ///< no, and did not say so
  std::int64_t true_negatives = 0;   ///< no, and said so
  std::int64_t false_negatives = 0;  ///< yes, and did not say so

  /// An answer, in whichever case it is.
  void add(bool label, std::string_view answer) {
    std::string lower;
    for (const char c : answer) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    add(label, lower.find("yes") != std::string::npos, lower.find("no") != std::string::npos);
  }
  /// An answer of which is known what it contains.
  void add(bool label, bool contains_yes, bool contains_no) {
    if (label)
      ++(contains_yes ? true_positives : false_negatives);
    else
      ++(contains_no ? true_negatives : false_positives);
  }
  /// The counts of other questions.
  void merge(const pope& other) {
    true_positives += other.true_positives;
    false_positives += other.false_positives;
    true_negatives += other.true_negatives;
    false_negatives += other.false_negatives;
  }

  /// Rates, in [0, 1].
  ///@{
  [[nodiscard]] std::int64_t count() const { return true_positives + false_positives + true_negatives + false_negatives; }
  [[nodiscard]] double accuracy() const { return share(true_positives + true_negatives, count()); }
  [[nodiscard]] double precision() const { return share(true_positives, true_positives + false_positives); }
  [[nodiscard]] double recall() const { return share(true_positives, true_positives + false_negatives); }
  /// The harmonic mean of precision and recall.
  [[nodiscard]] double f1() const { return share(2 * true_positives, 2 * true_positives + false_positives + false_negatives); }
  /// How often the answer was yes.
  [[nodiscard]] double yes_rate() const { return share(true_positives + false_positives, count()); }
  ///@}

private:
  [[nodiscard]] static double share(std::int64_t part, std::int64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
  }
};

}  // namespace metrics

DISPAR_NAMESPACE_END
