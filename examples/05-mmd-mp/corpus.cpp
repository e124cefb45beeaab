#include "corpus.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <stdexcept>

#include "bytes.hpp"
#include "corpus_builder.hpp"
#include "dispar/core/random/permutation.hpp"
#include "dispar/core/random/uniform.hpp"
#include "sentences.hpp"

namespace mmd_mp {

const population& corpus::named(const std::string& name) const {
  std::string known;
  for (const population& p : populations) {
    if (p.name == name) return p;
    known += " " + p.name;
  }
  throw std::invalid_argument("no population '" + name + "'; there are:" + known);
}

std::int64_t corpus_builder::number_of(const std::string& text, std::size_t words, std::uint64_t prompt) {
  // A sentence of several texts keeps its first prompt, so that it is in one part only.
  const auto [entry, is_new] = known_.emplace(text, std::ssize(result_.sentences));
  if (is_new) result_.sentences.push_back({text, words, prompt});
  return entry->second;
}

void corpus_builder::add(const std::string& name, bool human, const std::vector<std::string>& sentences, std::uint64_t prompt) {
  auto& texts = found_[name][human];
  for (const std::string& one : sentences) {
    const std::size_t words = count_words(one);
    if (words < std::max<std::size_t>(settings_.words, 6)) continue;
    texts.emplace(settings_.words > 0 ? first_words(one, settings_.words) : one, std::pair{words, prompt});
  }
}

corpus corpus_builder::finish(const std::vector<std::string>& order) {
  for (const std::string& name : order) {
    population p{name, {}, {}};
    for (const bool human : {true, false}) {
      // The pool is a choice by checksum: the same for every seed, so that features are computed once.
      std::vector<std::pair<std::uint64_t, std::string>> chosen;
      for (const auto& [text, about] : found_[name][human]) chosen.emplace_back(checksum(text), text);
      std::sort(chosen.begin(), chosen.end());
      if (chosen.size() > settings_.pool) chosen.resize(settings_.pool);
      for (const auto& [sum, text] : chosen) {
        const auto& [words, prompt] = found_[name][human].at(text);
        (human ? p.human : p.machine).push_back(number_of(text, words, prompt));
      }
    }
    result_.populations.push_back(std::move(p));
  }
  return std::move(result_);
}

part part_of(std::uint64_t prompt, std::uint64_t seed) {
  const double u = dispar::uniform<double>(dispar::random_key{seed, 101}.fork(prompt), 0);
  return u < 0.45 ? part::train : u < 0.6 ? part::validation : u < 0.7 ? part::reference : part::test;
}

std::vector<std::int64_t> draw(const corpus& all, const std::vector<std::string>& populations, bool human, part wanted,
                               std::size_t count, std::uint64_t seed) {
  const dispar::random_key key = dispar::random_key{seed, 102}.fork(2 * static_cast<std::uint64_t>(wanted) + human);
  std::vector<std::vector<std::int64_t>> queues;  // of each population, drawn from the back
  for (std::size_t p = 0; p < populations.size(); ++p) {
    const population& from = all.named(populations[p]);
    std::vector<std::int64_t> of_part;
    for (const std::int64_t i : human ? from.human : from.machine)
      if (part_of(all.sentences[static_cast<std::size_t>(i)].prompt, seed) == wanted) of_part.push_back(i);
    std::vector<std::int64_t> order(of_part.size());
    dispar::permutation(key.fork(p), std::span(order));
    for (std::int64_t& place : order) place = of_part[static_cast<std::size_t>(place)];
    queues.push_back(std::move(order));
  }
  std::set<std::int64_t> seen;  // populations share human texts
  std::vector<std::int64_t> chosen;
  for (bool any = true; any && chosen.size() < count;) {
    any = false;
    for (auto& queue : queues) {
      while (!queue.empty() && seen.contains(queue.back())) queue.pop_back();
      if (queue.empty() || chosen.size() == count) continue;
      chosen.push_back(queue.back());
      seen.insert(queue.back());
      queue.pop_back();
      any = true;
    }
  }
  std::vector<std::int64_t> order(chosen.size());
  dispar::permutation(key.fork(populations.size()), std::span(order));
  for (std::int64_t& place : order) place = chosen[static_cast<std::size_t>(place)];
  return order;
}

}  // namespace mmd_mp
