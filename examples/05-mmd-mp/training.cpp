#include "training.hpp"

#include <algorithm>
#include <utility>

#include "dispar/backend/cpu.hpp"
#include "dispar/metrics/roc.hpp"

namespace mmd_mp {
namespace {

void validate(epoch_record& record, const detector& by, const training_data& data, const bag_settings& bags) {
  if (by.settings().goal == objective::cross_entropy) {
    const auto human = by.machine_probabilities(data.validation_human),
               machine = by.machine_probabilities(data.validation_machine);
    record.power = test_bags(human, machine, draw_bags(std::ssize(human), std::ssize(machine), bags), false, bags).rate();
    record.auroc = dispar::metrics::auroc(dispar::cpu{}, human, machine);
    return;
  }
  const auto kernel = by.kernel();
  const embedded human = embed(by, data.validation_human), machine = embed(by, data.validation_machine);
  const embedded reference = embed(by, data.reference);
  record.power = test_bags(human, machine, draw_bags(human.size(), machine.size(), bags), kernel, bags).rate();
  record.auroc = dispar::metrics::auroc(dispar::cpu{}, scores(reference, human, kernel), scores(reference, machine, kernel));
  record.validation = statistics(human, machine, kernel);
}

/// What is larger in the better epoch.
std::pair<double, double> rank(const epoch_record& r, selection by) {
  return by == selection::power ? std::pair(r.power, r.auroc) : std::pair(r.auroc, r.power);
}

}  // namespace

void train(training_state& state, const training_data& data, const training_settings& settings,
           const std::function<void(const training_state&)>& after_epoch) {
  while (std::ssize(state.history) < settings.epochs) {
    epoch_record record{.epoch = std::ssize(state.history) + 1, .means = {}, .validation = {}};
    record.means = state.current.train_epoch(data.human, data.machine, record.epoch);
    validate(record, state.current, data, settings.validation);
    state.history.push_back(record);
    for (const selection by : {selection::power, selection::auroc})
      if (best_epoch(state.history, by).epoch == record.epoch)
        state.best[static_cast<std::size_t>(by)] = state.current.state(false);
    if (after_epoch) after_epoch(state);
  }
}

const epoch_record& best_epoch(const std::vector<epoch_record>& history, selection by) {
  return *std::max_element(history.begin(), history.end(),
                           [by](const epoch_record& a, const epoch_record& b) { return rank(a, by) < rank(b, by); });
}

detector best_of(const training_state& state, selection by, bool cuda) {
  return detector::from_state(state.best[static_cast<std::size_t>(by)], cuda);
}

std::vector<double> machine_scores(const detector& by, const sentence_rows& reference, const sentence_rows& sentences) {
  if (by.settings().goal == objective::cross_entropy) return by.machine_probabilities(sentences);
  return scores(embed(by, reference), embed(by, sentences), by.kernel());
}

}  // namespace mmd_mp
