#include <cstdio>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "bytes.hpp"
#include "checkpoint.hpp"
#include "options.hpp"
#include "sentences.hpp"

namespace mmd_mp {
namespace {

std::string read_input(const options& o) {
  if (!o.input.empty() && o.input != "-") return read_bytes(o.input);
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

/// Sentences as the detector was trained on them; those that are too short to be cut are left out.
std::vector<std::string> usable(const std::vector<std::string>& sentences, std::size_t words) {
  std::vector<std::string> cut;
  for (const std::string& s : sentences)
    if (count_words(s) >= std::max<std::size_t>(words, 6)) cut.push_back(words > 0 ? first_words(s, words) : s);
  return cut;
}

/// A trained detector and the text in front of it.
struct examined {
  checkpoint trained;
  detector best;
  std::vector<std::string> sentences;
  encoded_text text;
  std::vector<std::int64_t> rows, reference_rows;

  [[nodiscard]] sentence_rows all() const { return {&text, rows}; }
  [[nodiscard]] sentence_rows reference() const { return {&trained.reference, reference_rows}; }
};

examined examine(const options& o, bool lines, selection by) {
  checkpoint c = load_checkpoint(o.checkpoint, o.device == "cuda");
  options as_trained = o;
  as_trained.encoder = c.encoder_kind;
  as_trained.tokens = c.reference.tokens;
  const chosen_encoder encoder = choose_encoder(as_trained);
  if (encoder.encoder->description() != c.encoder)
    throw std::invalid_argument(o.checkpoint.string() + " was trained on features of another encoder: " + c.encoder);
  const std::string input = plain_typography(read_input(o));
  std::vector<std::string> sentences;
  if (lines) {
    for (std::size_t first = 0; first < input.size();) {
      const std::size_t end = std::min(input.find('\n', first), input.size());
      sentences.push_back(input.substr(first, end - first));
      first = end + 1;
    }
  } else {
    sentences = split_sentences(input);
  }
  const std::size_t given = sentences.size();
  sentences = usable(sentences, c.words);
  if (sentences.size() < given)
    std::fprintf(stderr, "mmd-mp: %zu of %zu sentences have fewer than %zu words and are left out\n", given - sentences.size(),
                 given, std::max<std::size_t>(c.words, 6));
  if (sentences.empty()) throw std::invalid_argument("no sentence that is long enough");
  encoded_text text{std::ssize(sentences), encoder.encoder->tokens(), encoder.encoder->width(), {}};
  text.values.resize(static_cast<std::size_t>(text.sentences * text.row_size()));
  encoder.encoder->encode(sentences, text.values.data());
  std::vector<std::int64_t> rows(sentences.size()), reference(static_cast<std::size_t>(c.reference.sentences));
  std::iota(rows.begin(), rows.end(), 0);
  std::iota(reference.begin(), reference.end(), 0);
  detector best = best_of(c.state, by, o.device == "cuda");
  return {std::move(c), std::move(best), std::move(sentences), std::move(text), std::move(rows), std::move(reference)};
}

}  // namespace

int run_test(const options& o) {
  const examined x = examine(o, false, selection::power);
  if (x.sentences.size() < 2) throw std::invalid_argument("a test takes at least two sentences; `score` takes single ones");
  bag_settings how = o.experiment.bags;
  how.seed = o.seed;
  how.permutations = std::max<std::int64_t>(how.permutations, 999);
  if (x.best.settings().goal == objective::cross_entropy)
    throw std::invalid_argument("`test` takes a detector with a kernel: MMD-MP, MMD-D or MMD-O");
  const auto r = test_against(embed(x.best, x.reference()), embed(x.best, x.all()), x.best.kernel(), how);
  std::printf("%zu sentences against %td human ones: MMD^2 = %.5f, threshold %.5f, p = %.3f: %s\n", x.sentences.size(),
              x.trained.reference.sentences, r.statistic, r.threshold, r.p_value,
              r.reject ? "not like the human reference" : "no evidence against human text");
  std::printf(
      "The sentences of one text share its topic, so human texts are rejected more often than the level says: see README.md.\n");
  if (!o.json.empty())
    write_bytes(o.json, nlohmann::json{{"sentences", x.sentences.size()},
                                       {"reference", x.trained.reference.sentences},
                                       {"mmd2", r.statistic},
                                       {"threshold", r.threshold},
                                       {"p_value", r.p_value},
                                       {"reject", r.reject}}
                                .dump(2) +
                            "\n");
  return o.must_be_right && r.reject ? 1 : 0;
}

int run_score(const options& o) {
  const examined x = examine(o, true, selection::auroc);
  const auto values = machine_scores(x.best, x.reference(), x.all());
  nlohmann::json all = nlohmann::json::array();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool machine = values[i] > x.trained.threshold;
    std::printf("%9.5f  %-7s  %s\n", values[i], machine ? "machine" : "", x.sentences[i].c_str());
    all.push_back({{"score", values[i]}, {"machine", machine}, {"sentence", x.sentences[i]}});
  }
  std::printf("Above %.5f (marked) lay 5 %% of the human sentences in validation.\n", x.trained.threshold);
  if (!o.json.empty()) write_bytes(o.json, nlohmann::json{{"threshold", x.trained.threshold}, {"sentences", all}}.dump(2) + "\n");
  return 0;
}

}  // namespace mmd_mp
