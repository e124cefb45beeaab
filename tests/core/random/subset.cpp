#include "dispar/core/random/subset.hpp"

#include <doctest/doctest.h>

#include <map>
#include <vector>

#include "core/chi_square.hpp"

using dispar::membership_bits;
using dispar::membership_words;
using dispar::random_key;

namespace {

std::vector<std::uint64_t> draw(random_key key, dispar::index count, dispar::index ones) {
  std::vector<std::uint64_t> words(static_cast<std::size_t>(membership_words(count)), 0xdeadbeefdeadbeefu);
  membership_bits(key, count, ones, words);
  return words;
}

long binomial(long n, long k) {
  long value = 1;
  for (long i = 1; i <= k; ++i) value = value * (n - k + i) / i;
  return value;
}

}  // namespace

TEST_CASE("membership_bits: exactly the wanted number, nothing beyond the last element") {
  for (dispar::index count : {1, 2, 63, 64, 65, 127, 128, 129, 200, 1000, 4001}) {
    for (dispar::index ones :
         {dispar::index{0}, dispar::index{1}, count / 10, count / 3, count / 2, count - count / 4, count - 1, count}) {
      const auto words = draw(random_key{1}.fork(static_cast<std::uint64_t>(count)), count, ones);
      dispar::index members = 0, bits = 0;
      for (dispar::index i = 0; i < count; ++i) members += dispar::is_member(words.data(), i);
      for (std::uint64_t w : words) bits += std::popcount(w);
      CHECK(members == ones);
      CHECK(bits == ones);
    }
  }
}

TEST_CASE("membership_bits: a pure function of the key") {
  for (dispar::index ones : {3, 700, 2000, 3999}) {
    CHECK(draw(random_key{1}.fork(8), 4000, ones) == draw(random_key{1}.fork(8), 4000, ones));
    CHECK(draw(random_key{1}.fork(8), 4000, ones) != draw(random_key{1}.fork(9), 4000, ones));
  }
}

TEST_CASE("membership_bits: all subsets are equally likely") {
  for (long count = 2; count <= 9; ++count) {
    for (long ones = 1; ones < count; ++ones) {
      std::map<std::uint64_t, long> subsets;
      const long cells = binomial(count, ones), trials = 200 * cells;
      for (long t = 0; t < trials; ++t) ++subsets[draw(random_key{1}.fork(static_cast<std::uint64_t>(t)), count, ones)[0]];
      std::vector<long> counts;
      for (const auto& [bits, times] : subsets) counts.push_back(times);
      REQUIRE(static_cast<long>(counts.size()) == cells);
      CHECK(chi_square(counts) < chi_square_limit(static_cast<double>(cells - 1)));
    }
  }
}

TEST_CASE("membership_bits: many planes, removals and complements keep every element equally likely") {
  constexpr dispar::index count = 150;
  constexpr long trials = 20000;
  for (dispar::index ones : {2, 20, 49, 75, 101, 148}) {
    std::vector<long> hits(count);
    for (long t = 0; t < trials; ++t) {
      const auto words = draw(random_key{3}.fork(static_cast<std::uint64_t>(t)), count, ones);
      for (dispar::index i = 0; i < count; ++i) hits[static_cast<std::size_t>(i)] += dispar::is_member(words.data(), i);
    }
    // A count per element is hypergeometric, not Poisson: its variance is smaller by 1 - ones / count, and the counts add up.
    const double p = static_cast<double>(ones) / static_cast<double>(count);
    CHECK(chi_square(hits) / (1 - p) * (count - 1) / count < chi_square_limit(count - 1));
  }
}

TEST_CASE("membership_bits: neighbours are as often together as chance has it") {
  constexpr dispar::index count = 130, ones = 65;
  constexpr long trials = 10000;
  double together = 0;
  for (long t = 0; t < trials; ++t) {
    const auto words = draw(random_key{4}.fork(static_cast<std::uint64_t>(t)), count, ones);
    for (dispar::index i = 0; i + 1 < count; ++i)
      together += dispar::is_member(words.data(), i) == dispar::is_member(words.data(), i + 1);
  }
  const double expected = (ones - 1.0) / (count - 1.0);
  CHECK(std::abs(together / (trials * (count - 1)) - expected) < 5 * 0.5 / std::sqrt(trials * (count - 1.0)));
}

TEST_CASE("membership_bits: bad input names the argument") {
  std::vector<std::uint64_t> words(2);
  CHECK_THROWS_WITH_AS(membership_bits(random_key{1}, 100, 101, words),
                       "dispar: membership_bits: ones must lie in [0, count], got 101", dispar::invalid_argument);
  CHECK_THROWS_AS(membership_bits(random_key{1}, 100, -1, words), dispar::invalid_argument);
  CHECK_THROWS_AS(membership_bits(random_key{1}, -1, 0, words), dispar::invalid_argument);
  CHECK_THROWS_AS(membership_bits(random_key{1}, 129, 5, words), dispar::invalid_argument);
  CHECK_THROWS_AS(membership_bits(random_key{1}, 64, 5, words), dispar::invalid_argument);
}
