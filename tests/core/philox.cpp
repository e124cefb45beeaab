#include "dispar/core/philox.hpp"

#include <doctest/doctest.h>

#include <set>
#include <utility>

using dispar::philox4x32;
using dispar::random_key;
using words = dispar::vec<std::uint32_t, 4>;
using key_words = dispar::vec<std::uint32_t, 2>;

namespace {

constexpr bool same(words a, words b) {
  for (int i = 0; i < 4; ++i)
    if (a[i] != b[i]) return false;
  return true;
}

struct known_answer {
  words counter;
  key_words key;
  words seven_rounds, ten_rounds;
};
// Random123 (DEShawResearch/random123), tests/kat_vectors, lines "philox4x32 7" and "philox4x32 10": zeros, ones, digits of pi.
constexpr known_answer known[] = {
    {{{0, 0, 0, 0}},
     {{0, 0}},
     {{0x5f6fb709, 0x0d893f64, 0x4f121f81, 0x4f730a48}},
     {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
    {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
     {{0xffffffff, 0xffffffff}},
     {{0x5207ddc2, 0x45165e59, 0x4d8ee751, 0x8c52f662}},
     {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
    {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
     {{0xa4093822, 0x299f31d0}},
     {{0x4dfccaba, 0x190a87f0, 0xc47362ba, 0xb6b5242a}},
     {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}},
};

}  // namespace

TEST_CASE("philox4x32: the known answers of Random123") {
  for (const auto& k : known) {
    CHECK(same(philox4x32(k.counter, k.key), k.ten_rounds));
    CHECK(same(philox4x32<7>(k.counter, k.key), k.seven_rounds));
  }
}

TEST_CASE("philox4x32: a constant expression") {
  static_assert(same(philox4x32(known[2].counter, known[2].key), known[2].ten_rounds));
  static_assert(random_key{1}.fork(2) == random_key{1}.fork(2));
}

TEST_CASE("random_key: seed, stream and block index are the generator's key and counter, low words first") {
  const random_key key{0x299f31d0a4093822u, 0x0370734413198a2eu};
  CHECK(same(key.block(0x85a308d3243f6a88u), known[2].ten_rounds));
}

TEST_CASE("random_key: forks differ from each other, from the parent and across levels") {
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
  const auto note = [&](random_key k) { seen.insert({k.seed, k.stream}); };
  std::size_t made = 0;
  for (std::uint64_t seed : {0u, 1u, 2u}) {
    const random_key parent{seed};
    note(parent), ++made;
    for (std::uint64_t i = 0; i < 500; ++i) note(parent.fork(i)), note(parent.fork(1000).fork(i)), made += 2;
  }
  CHECK(seen.size() == made);
}

TEST_CASE("random_key: a fork does not consist of its parent's draws") {
  const random_key parent{7, 3};
  for (std::uint64_t i = 0; i < 100; ++i) {
    const auto block = parent.block(i);
    CHECK(parent.fork(i).seed != (block[0] | std::uint64_t{block[1]} << 32));
  }
}
