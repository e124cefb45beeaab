/// MMD-MP: a deep kernel trained on human and machine text, and what it detects.

#include <CLI/CLI.hpp>
#include <cstdio>

#include "options.hpp"

namespace {

using namespace mmd_mp;

void add_data(CLI::App& app, options& o) {
  app.add_option("--data", o.data, "folder with human.jsonl and machine.jsonl, or the CSV files")->capture_default_str();
  app.add_option("--corpus", o.corpus_kind, "eight generators, or the MMD-MP repository's CSV files")
      ->check(CLI::IsMember({"generators", "chatgpt-csv"}))
      ->capture_default_str();
  app.add_option("--words", o.sentences.words,
                 "equalize lengths: the first so many words of sentences that have them; 0: whole ones")
      ->check(CLI::Range(0, 400))
      ->capture_default_str();
  app.add_option("--pool", o.sentences.pool, "at most so many sentences of each generator and class")->capture_default_str();
  app.add_option("--cache", o.cache, "folder for encoded sentences; '' for none")->capture_default_str();
}

void add_encoder(CLI::App& app, options& o) {
  app.add_option("--encoder", o.encoder, "minilm, words (random vectors), or auto: MiniLM where its weights are found")
      ->check(CLI::IsMember({"auto", "minilm", "words"}))
      ->capture_default_str();
  app.add_option("--encoder-weights", o.encoder_weights, "folder of all-MiniLM-L6-v2, or its model.safetensors");
  app.add_option("--device", o.device, "where networks run")->check(CLI::IsMember({"cpu", "cuda"}))->capture_default_str();
}

void add_network(CLI::App& app, options& o) {
  detector_settings& n = o.experiment.network;
  training_settings& t = o.experiment.training;
  app.add_option("--tokens", o.tokens, "of a sentence, cut or padded with zeros")
      ->check(CLI::Range(2, 512))
      ->capture_default_str();
  app.add_option("--heads", n.net.heads, "of the attention; divides the encoder's width")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--intermediate", n.net.intermediate, "width of the encoder layer's feed-forward part")
      ->check(CLI::Range(1, 8192))
      ->capture_default_str();
  app.add_option("--layers", n.net.layers, "encoder layers of phi")->check(CLI::Range(0, 12))->capture_default_str();
  app.add_option("--hidden", n.net.hidden, "features of a token")->check(CLI::Range(1, 4096))->capture_default_str();
  app.add_option("--output", n.net.output, "features of a sentence")->check(CLI::Range(1, 4096))->capture_default_str();
  app.add_option("--dropout", n.net.hidden_dropout, "behind the hidden features")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  app.add_option("--sigma0", n.sigma0, "the kernel's initial width^2 on phi")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--sigma-factor", o.experiment.sigma_factor,
                 "sigma begins at this times the squared median distance of raw features")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--learning-rate", n.learning_rate, "of Adam")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--batch", n.batch, "sentences of each class")->check(CLI::Range(2, 100000))->capture_default_str();
  app.add_option("--epochs", t.epochs, "passes over the data")->check(CLI::Range(1, 100000))->capture_default_str();
  app.add_option("--train-per-population", o.experiment.train_per_population, "training sentences of each generator and class")
      ->capture_default_str();
  app.add_option("--train-sentences", o.experiment.train_sentences, "at most so many training sentences of each class")
      ->capture_default_str();
}

void add_detector(CLI::App& app, options& o) {
  app.add_option("--checkpoint", o.checkpoint, "of `train`")->capture_default_str();
  app.add_option("FILE", o.input, "text; without it, or with -, standard input");
}

}  // namespace

int main(int argc, char** argv) {
  options o = default_options();
  CLI::App app{
      "Was this written by a machine? A kernel is trained on human and machine sentences so that the MMD between them has much\n"
      "test power (MMD-MP: Zhang et al., ICLR 2024), and then tests bags of sentences or scores single ones."};
  app.require_subcommand(1);

  auto* train = app.add_subcommand("train", "train a detector and keep its best epoch in a checkpoint");
  train->add_option("--populations", o.populations, "generators to train on, separated by commas")
      ->delimiter(',')
      ->capture_default_str();
  train->add_option("--method", o.method, "MMD-MP, MMD-D (whole MMD), MMD-O (a Gaussian) or CE (a classifier)")
      ->check(CLI::IsMember({"MMD-MP", "MMD-D", "MMD-O", "CE"}))
      ->capture_default_str();
  train->add_option("--checkpoint", o.checkpoint, "file, written after every epoch")->capture_default_str();
  train->add_flag("--resume", o.resume, "go on with the checkpoint");
  auto* test = app.add_subcommand("test", "one text: is it like human text? A p-value");
  auto* score = app.add_subcommand("score", "one sentence a line: how unlike human text is each?");
  auto* evaluate = app.add_subcommand("evaluate", "the whole experiment: one, two, three and eight generators, and unseen ones");
  evaluate->add_flag("--synthetic", o.synthetic, "Gaussian mixtures in place of text; needs no data");
  evaluate->add_flag("--quick", o.quick, "fewer seeds, sentences and epochs: a look, no result");
  evaluate->add_option("--seeds", o.experiment.seeds, "of splits, networks and tests, separated by commas")
      ->delimiter(',')
      ->capture_default_str();
  evaluate->add_option("--bag", o.experiment.bags.size, "sentences of a tested bag")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();

  for (auto* command : {train, evaluate}) {
    add_data(*command, o);
    add_network(*command, o);
    command->add_option("--pictures", o.pictures, "folder for pictures (SVG)");
  }
  for (auto* command : {train, test, score, evaluate}) {
    add_encoder(*command, o);
    command->add_option("--json", o.json, "write the results to this file");
  }
  for (auto* command : {train, test})
    command->add_option("--seed", o.seed, "of the split, the network or the permutations")->capture_default_str();
  for (auto* command : {test, score}) add_detector(*command, o);
  evaluate->add_flag("--assert", o.must_be_right,
                     "exit with 1 if a level is not kept, or what the synthetic experiment must show is not");
  test->add_flag("--assert", o.must_be_right, "exit with 1 if the text is not like human text");
  CLI11_PARSE(app, argc, argv);
  try {
    o.experiment.training.validation.size = o.experiment.bags.size;
    if (*train) return run_train(o);
    if (*test) return run_test(o);
    if (*score) return run_score(o);
    return run_evaluate(o);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mmd-mp: %s\n", error.what());
    return 2;
  }
}
