#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "corpus.hpp"
#include "experiment.hpp"
#include "text_encoder.hpp"

namespace mmd_mp {

/// What the command line says.
struct options {
  // data and encoder
  std::filesystem::path data, cache, encoder_weights;
  std::string corpus_kind = "generators", encoder = "auto", device = "cpu";
  std::int64_t tokens = 16;
  corpus_settings sentences{.words = 12, .pool = 1000};
  // network and training
  experiment_settings experiment;
  // train, test, score
  std::vector<std::string> populations{"gpt-3.5-turbo", "gpt-neo-2.7B", "gpt2-xl"};
  std::string method = "MMD-MP";
  std::filesystem::path checkpoint = "mmd-mp.safetensors", input;
  bool resume = false;
  std::uint64_t seed = 1;
  // evaluate
  bool quick = false, synthetic = false, must_be_right = false;
  std::filesystem::path json, pictures;
};

/// The settings that were fixed before the results in the README were made.
[[nodiscard]] options default_options();

/// The frozen encoder: MiniLM where its weights are found (or asked for), else random word vectors; says which on stderr.
struct chosen_encoder {
  std::unique_ptr<text_encoder> encoder;
  std::string kind;
};
[[nodiscard]] chosen_encoder choose_encoder(const options& o);

[[nodiscard]] corpus load_corpus(const options& o);
/// All sentences of the corpus, encoded.
[[nodiscard]] encoded_text encode_corpus(const corpus& all, const text_encoder& encoder, const options& o);

[[nodiscard]] int run_train(const options& o);
[[nodiscard]] int run_test(const options& o);
[[nodiscard]] int run_score(const options& o);
[[nodiscard]] int run_evaluate(const options& o);

}  // namespace mmd_mp
