// POPE: the rule, empty denominators, counts that add.
#include "dispar/metrics/pope.hpp"

#include <doctest/doctest.h>

using dispar::metrics::pope;

TEST_CASE("pope: words in answers") {
  pope scores;
  scores.add(true, "Yes, there is a dog.");
  scores.add(true, "There is one.");    // no "yes"
  scores.add(true, "No. YES!");         // "yes" decides
  scores.add(false, "I do not know.");  // "no" inside of words
  scores.add(false, "Yes.");
  scores.add(false, "");
  CHECK(scores.true_positives == 2);
  CHECK(scores.false_negatives == 1);
  CHECK(scores.true_negatives == 1);
  CHECK(scores.false_positives == 2);
  CHECK(scores.accuracy() == 0.5);
  CHECK(scores.precision() == 0.5);
  CHECK(scores.recall() == doctest::Approx(2.0 / 3));
  CHECK(scores.f1() == doctest::Approx(2 * 0.5 * (2.0 / 3) / (0.5 + 2.0 / 3)));
  CHECK(scores.yes_rate() == doctest::Approx(4.0 / 6));
}

TEST_CASE("pope: empty denominators are 0, counts add") {
  pope scores, other;
  for (const double rate : {scores.accuracy(), scores.precision(), scores.recall(), scores.f1(), scores.yes_rate()})
    CHECK(rate == 0);
  scores.add(false, false, true);
  CHECK(scores.precision() == 0);
  CHECK(scores.recall() == 0);
  CHECK(scores.accuracy() == 1);
  other.add(true, true, true);
  scores.merge(other);
  CHECK(scores.count() == 2);
  CHECK(scores.f1() == 1);
}
