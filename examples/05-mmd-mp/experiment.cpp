#include "experiment.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "dispar/backend/cpu.hpp"
#include "dispar/metrics/roc.hpp"
#include "progress.hpp"

namespace mmd_mp {
namespace {

/// The samples that every method of a setting and seed is tested on, the same bags for all.
struct test_material {
  sentence_rows reference, human, machine;
  std::vector<bag_pair> power_bags, level_bags;
  bag_settings bags;
};

double area(const std::vector<double>& human, const std::vector<double>& machine) {
  return dispar::metrics::auroc(dispar::cpu{}, human, machine);
}

outcome test_kernel(const detector& for_bags, const detector& for_sentences, const test_material& m) {
  const auto kernel = for_bags.kernel();
  const embedded human = embed(for_bags, m.human), machine = embed(for_bags, m.machine);
  outcome o;
  o.power = test_bags(human, machine, m.power_bags, kernel, m.bags);
  o.level = test_bags(human, human, m.level_bags, kernel, m.bags);
  o.human_scores = machine_scores(for_sentences, m.reference, m.human);
  o.machine_scores = machine_scores(for_sentences, m.reference, m.machine);
  o.auroc = area(o.human_scores, o.machine_scores);
  return o;
}

/// Probabilities for tests of bags, and scores of the same sentences.
outcome test_probabilities(const std::vector<double>& human, const std::vector<double>& machine, std::vector<double> human_scores,
                           std::vector<double> machine_scores, bool labels, const test_material& m) {
  outcome o;
  o.power = test_bags(human, machine, m.power_bags, labels, m.bags);
  o.level = test_bags(human, human, m.level_bags, labels, m.bags);
  o.auroc = area(human_scores, machine_scores);
  o.human_scores = std::move(human_scores);
  o.machine_scores = std::move(machine_scores);
  return o;
}

/// Lengths as a classifier of one feature.
std::vector<double> length_probabilities(const std::vector<std::size_t>& words, const sentence_rows& of) {
  std::vector<double> p;
  for (const std::int64_t i : of.rows) p.push_back(std::min(1.0, static_cast<double>(words[static_cast<std::size_t>(i)]) / 100));
  return p;
}

void test(const training_state& trained, bool cuda, const test_material& m, std::map<std::string, outcome>& into) {
  const detector for_bags = best_of(trained, selection::power, cuda), for_sentences = best_of(trained, selection::auroc, cuda);
  const objective goal = for_bags.settings().goal;
  if (goal != objective::cross_entropy) {
    into[name_of(goal)] = test_kernel(for_bags, for_sentences, m);
    return;
  }
  const auto human = for_bags.machine_probabilities(m.human), machine = for_bags.machine_probabilities(m.machine);
  for (const bool labels : {false, true}) {
    outcome& o = into[labels ? "C2ST-S" : "C2ST-L"];
    o = test_probabilities(human, machine, for_sentences.machine_probabilities(m.human),
                           for_sentences.machine_probabilities(m.machine), labels, m);
    o.has_auroc = !labels;  // the scores are the same
  }
}

}  // namespace

const std::vector<std::string>& methods() {
  static const std::vector<std::string> all = {"MMD-MP", "MMD-D", "MMD-O", "C2ST-L", "C2ST-S", "length"};
  return all;
}

const cell& experiment_result::at(const std::string& setting, const std::string& method) const {
  for (const cell& c : cells)
    if (c.setting == setting && c.method == method) return c;
  throw std::out_of_range("no result of " + method + " in setting " + setting);
}

std::vector<std::map<std::string, outcome>> run_methods(const encoded_text& text, const std::vector<std::size_t>& words,
                                                        const training_sentences& training,
                                                        const std::vector<test_sentences>& tests, const experiment_settings& e,
                                                        std::uint64_t seed, const std::function<void()>& step,
                                                        std::map<std::string, std::vector<epoch_record>>* histories) {
  const auto rows = [&](const std::vector<std::int64_t>& places) { return sentence_rows{&text, places}; };
  const training_data data{rows(training.human), rows(training.machine), rows(training.validation_human),
                           rows(training.validation_machine), rows(training.reference)};
  bag_settings bags = e.bags;
  bags.seed = seed;
  std::vector<test_material> materials;
  for (const test_sentences& t : tests)
    materials.push_back({data.reference, rows(t.human), rows(t.machine),
                         draw_bags(std::ssize(t.human), std::ssize(t.machine), bags), draw_human_bags(std::ssize(t.human), bags),
                         bags});

  std::vector<std::map<std::string, outcome>> outcomes(tests.size());
  for (const objective goal : {objective::mpp, objective::mmd, objective::raw, objective::cross_entropy}) {
    detector_settings network = e.network;
    network.goal = goal;
    network.seed = seed;
    // A plain Gaussian is at its best near the median distance; in the deep kernel the raw factor only smooths.
    network.sigma = (goal == objective::raw ? 1 : e.sigma_factor) * median_squared_distance(data.human, data.machine);
    training_state state{detector(network), {}, {}};
    training_settings how = e.training;
    how.validation.seed = seed + 1'000'000;  // not the bags of the tests
    train(state, data, how, [&](const training_state&) { step(); });
    if (histories) (*histories)[name_of(goal)] = state.history;
    for (std::size_t t = 0; t < tests.size(); ++t) test(state, network.cuda, materials[t], outcomes[t]);
  }
  for (std::size_t t = 0; t < tests.size() && !words.empty(); ++t) {
    const auto human = length_probabilities(words, materials[t].human),
               machine = length_probabilities(words, materials[t].machine);
    outcomes[t]["length"] = test_probabilities(human, machine, human, machine, false, materials[t]);
  }
  return outcomes;
}

experiment_result run_experiment(const corpus& all, const encoded_text& text, const experiment_settings& e) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::size_t> words;
  for (const sentence& s : all.sentences) words.push_back(s.words);
  experiment_result result;
  for (const setting& s : e.settings)
    for (const test_setting& t : s.tests)
      for (const std::string& method : methods()) result.cells.push_back({t.name, method, {}});

  const std::size_t runs = e.settings.size() * e.seeds.size();
  progress shown("Evaluating", static_cast<double>(runs) * trainings_per_setting * static_cast<double>(e.training.epochs));
  double done = 0;
  for (const std::uint64_t seed : e.seeds) {
    auto into = result.cells.begin();
    for (const setting& s : e.settings) {
      const auto take = [&](const std::vector<std::string>& populations, bool human, part wanted, std::size_t count) {
        return draw(all, populations, human, wanted, count, seed);
      };
      const std::size_t train = std::min(e.train_sentences, e.train_per_population * s.trained_on.size());
      const training_sentences training{take(s.trained_on, true, part::train, train),
                                        take(s.trained_on, false, part::train, train),
                                        take(s.trained_on, true, part::validation, e.validation_sentences),
                                        take(s.trained_on, false, part::validation, e.validation_sentences),
                                        take(s.trained_on, true, part::reference, e.reference_sentences)};
      std::vector<test_sentences> tests;
      for (const test_setting& t : s.tests)
        tests.push_back(
            {take(t.populations, true, part::test, e.test_sentences), take(t.populations, false, part::test, e.test_sentences)});
      const auto step = [&] { shown.at(++done, "seed " + std::to_string(seed) + ", " + s.tests.front().name); };
      const bool is_shown = seed == e.seeds.front() && &s == &e.settings.back();
      for (const auto& outcomes :
           run_methods(text, words, training, tests, e, seed, step, is_shown ? &result.histories : nullptr))
        for (const std::string& method : methods()) (into++)->by_seed.push_back(outcomes.at(method));
    }
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace mmd_mp
