#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "bytes.hpp"
#include "checkpoint.hpp"
#include "options.hpp"
#include "pictures.hpp"
#include "progress.hpp"

namespace mmd_mp {
namespace {

encoded_text copied(const encoded_text& text, const std::vector<std::int64_t>& rows) {
  encoded_text some{std::ssize(rows), text.tokens, text.width, {}};
  for (const std::int64_t i : rows) some.values.insert(some.values.end(), text.row(i), text.row(i) + text.row_size());
  return some;
}

void print_epoch(const std::vector<epoch_record>& history, const options& o) {
  const epoch_record& r = history.back();
  const auto mark = [&](selection by) { return best_epoch(history, by).epoch == r.epoch ? "*" : " "; };
  if (o.method == "CE")
    std::printf("epoch %3lld  loss %8.4f", static_cast<long long>(r.epoch), r.means.loss);
  else
    std::printf("epoch %3lld  J %8.4f  statistic %8.5f  variance %9.2e", static_cast<long long>(r.epoch), -r.means.loss,
                r.means.statistic, r.means.variance);
  std::printf("  | validation: power %5.1f %%%s AUROC %.3f%s\n", 100 * r.power, mark(selection::power), r.auroc,
              mark(selection::auroc));
  std::fflush(stdout);
}

void write_history(const options& o, const checkpoint& c) {
  nlohmann::json epochs = nlohmann::json::array();
  for (const epoch_record& r : c.state.history)
    epochs.push_back({{"epoch", r.epoch},
                      {"loss", r.means.loss},
                      {"statistic", r.means.statistic},
                      {"variance", r.means.variance},
                      {"validation_mmd", r.validation.mmd},
                      {"validation_variance", r.validation.variance},
                      {"validation_power", r.power},
                      {"validation_auroc", r.auroc}});
  const nlohmann::json all{{"method", o.method}, {"populations", c.populations}, {"encoder", c.encoder}, {"words", c.words},
                           {"seed", c.seed},     {"threshold", c.threshold},     {"epochs", epochs}};
  write_bytes(o.json, all.dump(2) + "\n");
}

/// The score that 5 % of the human sentences exceed.
double human_limit(std::vector<double> scores) {
  std::sort(scores.begin(), scores.end());
  return scores[static_cast<std::size_t>(0.95 * static_cast<double>(scores.size() - 1))];
}

void require_same(const checkpoint& c, const chosen_encoder& encoder, const options& o) {
  const auto same = [&](bool equal, const char* what) {
    if (!equal)
      throw std::invalid_argument(o.checkpoint.string() + " was trained with another " + what + "; resume with the same options");
  };
  same(c.encoder == encoder.encoder->description(), "encoder");
  same(c.words == o.sentences.words, "number of words (--words)");
  same(c.populations == o.populations, "list of populations (--populations)");
  same(c.seed == o.seed, "seed (--seed)");
  same(name_of(c.state.current.settings().goal) == o.method, "method (--method)");
}

}  // namespace

int run_train(const options& o) {
  const chosen_encoder encoder = choose_encoder(o);
  const corpus all = load_corpus(o);
  const encoded_text text = encode_corpus(all, *encoder.encoder, o);
  const experiment_settings& e = o.experiment;
  const std::size_t count = std::min(e.train_sentences, e.train_per_population * o.populations.size());
  const auto take = [&](bool human, part wanted, std::size_t most) {
    return draw(all, o.populations, human, wanted, most, o.seed);
  };
  const auto human = take(true, part::train, count), machine = take(false, part::train, count);
  const auto validation_human = take(true, part::validation, e.validation_sentences);
  const auto validation_machine = take(false, part::validation, e.validation_sentences);
  const auto reference = take(true, part::reference, e.reference_sentences);
  const training_data data{
      {&text, human}, {&text, machine}, {&text, validation_human}, {&text, validation_machine}, {&text, reference}};

  detector_settings network = e.network;
  network.goal = objective_named(o.method);
  network.seed = o.seed;
  network.cuda = o.device == "cuda";
  network.net.tokens = text.tokens;
  network.net.width = text.width;
  network.sigma = (network.goal == objective::raw ? 1 : e.sigma_factor) * median_squared_distance(data.human, data.machine);
  checkpoint c = o.resume ? load_checkpoint(o.checkpoint, network.cuda) : checkpoint{{detector(network), {}, {}},
                                                                                     encoder.encoder->description(),
                                                                                     encoder.kind,
                                                                                     o.sentences.words,
                                                                                     o.populations,
                                                                                     o.seed,
                                                                                     0,
                                                                                     copied(text, reference)};
  if (o.resume) require_same(c, encoder, o);

  std::printf("%s on %zu human and %zu machine sentences, %s; %s.\n", o.method.c_str(), human.size(), machine.size(),
              o.sentences.words > 0 ? ("each its first " + std::to_string(o.sentences.words) + " words").c_str() : "whole",
              c.encoder.c_str());
  progress shown("Training", static_cast<double>(e.training.epochs));
  training_settings training = e.training;
  training.validation.seed = o.seed + 1'000'000;
  train(c.state, data, training, [&](const training_state& state) {
    print_epoch(state.history, o);
    c.threshold =
        human_limit(machine_scores(best_of(state, selection::auroc, network.cuda), data.reference, data.validation_human));
    save_checkpoint(o.checkpoint, c);
    shown.at(static_cast<double>(state.history.size()));
  });
  std::printf("Best: epoch %lld for bags (`test`), %lld for sentences (`score`). Checkpoint: %s\n",
              static_cast<long long>(best_epoch(c.state.history, selection::power).epoch),
              static_cast<long long>(best_epoch(c.state.history, selection::auroc).epoch), o.checkpoint.c_str());
  if (!o.json.empty()) write_history(o, c);
  if (!o.pictures.empty()) write_training_picture(o.pictures / "training.svg", {{o.method, c.state.history}});
  return 0;
}

}  // namespace mmd_mp
