#include "synthetic.hpp"

#include <chrono>
#include <cmath>
#include <numeric>

#include "dispar/core/random/bounded.hpp"
#include "dispar/core/random/normal.hpp"
#include "progress.hpp"

namespace mmd_mp {

void append_points(encoded_text& out, const mixture_settings& m, bool human, std::int64_t count, std::uint64_t seed) {
  const dispar::random_key key =
      dispar::random_key{seed, 107}.fork(static_cast<std::uint64_t>(human) + 2 * static_cast<std::uint64_t>(m.first));
  out.tokens = 1;
  out.width = m.dimensions;
  const std::size_t first = out.values.size();
  out.values.resize(first + static_cast<std::size_t>(count * m.dimensions));
  dispar::fill_normal(key.fork(0), 0, std::span(out.values).subspan(first));
  if (!human)
    for (std::int64_t i = 0; i < count; ++i) {
      const auto population =
          m.first + static_cast<std::int64_t>(dispar::bounded(key.fork(1), i, static_cast<std::uint64_t>(m.populations)));
      float* const point = out.values.data() + first + static_cast<std::size_t>(i * m.dimensions);
      point[0] += static_cast<float>(m.distance * m.share);
      point[population] += static_cast<float>(m.distance * std::sqrt(1 - m.share * m.share));
    }
  out.sentences += count;
}

experiment_settings synthetic_experiment() {
  experiment_settings e;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) e.seeds.push_back(seed);
  e.network.net = {.tokens = 1, .width = 20, .heads = 1, .intermediate = 1, .layers = 0, .hidden = 32, .output = 16};
  e.network.sigma0 = 16;
  e.network.e = 1e-5;
  e.network.learning_rate = 2e-3;
  e.network.batch = 100;
  e.training = {.epochs = 60, .validation = {.size = 10, .tests = 100, .permutations = 99}};
  e.bags = {.size = 10, .tests = 200, .permutations = 99};
  e.train_sentences = 200;
  e.validation_sentences = 100;
  e.reference_sentences = 200;
  e.test_sentences = 2000;
  return e;
}

experiment_result run_synthetic(const experiment_settings& e) {
  const auto start = std::chrono::steady_clock::now();
  experiment_result result;
  for (const char* test : {"four", "unseen"})
    for (const char* method : {"MMD-MP", "MMD-D", "MMD-O", "C2ST-L", "C2ST-S"}) result.cells.push_back({test, method, {}});
  progress shown("Synthetic experiment",
                 static_cast<double>(e.seeds.size()) * trainings_per_setting * static_cast<double>(e.training.epochs));
  double done = 0;
  const mixture_settings seen, unseen{.populations = 3, .first = seen.first + seen.populations};
  for (const std::uint64_t seed : e.seeds) {
    encoded_text points;
    const auto add = [&](const mixture_settings& m, bool human, std::size_t count, std::uint64_t stream) {
      std::vector<std::int64_t> rows(count);
      std::iota(rows.begin(), rows.end(), points.sentences);
      append_points(points, m, human, static_cast<std::int64_t>(count), 16 * seed + stream);
      return rows;
    };
    training_sentences training;
    training.human = add(seen, true, e.train_sentences, 0);
    training.machine = add(seen, false, e.train_sentences, 0);
    training.validation_human = add(seen, true, e.validation_sentences, 1);
    training.validation_machine = add(seen, false, e.validation_sentences, 1);
    training.reference = add(seen, true, e.reference_sentences, 2);
    const auto human = add(seen, true, e.test_sentences, 3);
    const std::vector<test_sentences> tests{{human, add(seen, false, e.test_sentences, 3)},
                                            {human, add(unseen, false, e.test_sentences, 3)}};
    const auto step = [&] { shown.at(++done, "seed " + std::to_string(seed)); };
    const auto outcomes =
        run_methods(points, {}, training, tests, e, seed, step, seed == e.seeds.front() ? &result.histories : nullptr);
    for (cell& c : result.cells) c.by_seed.push_back(outcomes[c.setting == "unseen"].at(c.method));
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace mmd_mp
