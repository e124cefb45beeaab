#include "options.hpp"

#include <cstdio>
#include <stdexcept>

#include "data_folder.hpp"
#include "feature_cache.hpp"

namespace mmd_mp {

options default_options() {
  options o;
  o.data = data_folder() / "text-human-machine";
  o.cache = cache_folder();
  experiment_settings& e = o.experiment;
  e.network.net = {.heads = 4, .intermediate = 128, .layers = 1, .hidden = 16, .output = 24};
  e.network.sigma0 = 40;
  e.network.learning_rate = 2e-3;
  e.network.batch = 100;
  e.sigma_factor = 30;
  e.training = {.epochs = 12, .validation = {.size = 20, .tests = 100, .permutations = 99}};
  e.bags = {.size = 20, .tests = 200, .permutations = 199};
  e.seeds = {1, 2, 3};
  return o;
}

chosen_encoder choose_encoder(const options& o) {
  if (o.encoder != "words") {
    const auto weights = find_minilm(o.encoder_weights);
    if (!weights.empty()) return {make_minilm(weights, o.tokens, o.device == "cuda"), "minilm"};
    if (o.encoder == "minilm") throw std::invalid_argument("no weights of MiniLM found; " + how_to_get_minilm());
    std::fprintf(stderr, "mmd-mp: no weights of MiniLM found, so words get random vectors; %s\n", how_to_get_minilm().c_str());
  }
  constexpr std::ptrdiff_t word_vector_width = 32;
  return {make_word_vectors(o.tokens, word_vector_width), "words"};
}

corpus load_corpus(const options& o) {
  return o.corpus_kind == "generators" ? load_generators(o.data, o.sentences) : load_chatgpt_csv(o.data, o.sentences);
}

encoded_text encode_corpus(const corpus& all, const text_encoder& encoder, const options& o) {
  std::vector<std::string> sentences;
  for (const sentence& s : all.sentences) sentences.push_back(s.text);
  return encode_cached(encoder, sentences, o.cache);
}

}  // namespace mmd_mp
