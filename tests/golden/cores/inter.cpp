// Interactions of image and text: inter/harsanyi, inter_step, vcd_step, decode_loop, pope_scores.

#include "dispar/decoding/inter.hpp"

#include "dispar/decoding/cad.hpp"
#include "dispar/decoding/harsanyi.hpp"
#include "dispar/metrics/pope.hpp"
#include "next_token.hpp"

namespace golden {
namespace {

// Interactions are sums of four logits that are rounded to float, 6e-8 of their size of up to 20.
constexpr double tolerance_of_float_interactions = 1e-5;

struct harsanyi {
  static constexpr const char* name = "inter/harsanyi";
  static constexpr double float_tolerance = tolerance_of_float_interactions;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> v(c, "v");
    matrix<T> dividends(v.rows(), v.view().cols()), shapley(c.integer("players"), v.view().cols());
    decoding::harsanyi(b, v.view(), dividends.view());
    decoding::shapley(b, dividends.view(), shapley.view());
    b.wait();
    out.put("dividends", dividends.data());
    out.put("shapley", shapley.data());
  }
};

struct inter_step {
  static constexpr const char* name = "inter/inter_step";
  static constexpr double float_tolerance = tolerance_of_float_interactions;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    (void)c.text("variance", {"unbiased (divisor V-1) over all V vocabulary entries"});
    const matrix<T> full(c, "logits_full"), no_image(c, "logits_image_masked"), no_text(c, "logits_text_masked"),
        neither(c, "logits_both_masked");
    const dispar::index rows = full.rows(), cols = full.view().cols();
    matrix<T> merged(rows, cols), interaction(rows, cols);
    row_numbers variance(rows), gate(rows);
    decoding::inter(b, full.view(), no_image.view(), no_text.view(), neither.view(), merged.view(),
                    {.k = c.number("k", 1),
                     .plausibility = c.number("plausibility_beta", 0.1),
                     .variance = variance.view(),
                     .gate = gate.view(),
                     .interaction = interaction.view()});
    b.wait();
    out.put("interaction", interaction.data());
    out.put("variance", variance.data());
    out.put("gate", gate.data());
    std::vector<double> gated;
    for (dispar::index i = 0; i < rows; ++i)
      for (dispar::index j = 0; j < cols; ++j) gated.push_back(gate[i] > 0 ? static_cast<double>(interaction.view()(i, j)) : 0);
    out.put("gated_interaction", gated);
    out.put("keep", kept(merged));
    out.put("combined", merged.data());
    out.put("probs", softmax(merged).data());
    out.put("greedy", best_tokens(merged));
  }
};

struct vcd_step {
  static constexpr const char* name = "inter/vcd_step";
  static constexpr double float_tolerance = tolerance_of_float_interactions;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> clean(c, "logits_clean"), distorted(c, "logits_distorted");
    matrix<T> merged(clean.rows(), clean.view().cols());
    decoding::vcd(b, clean.view(), distorted.view(), merged.view(),
                  {.alpha = c.number("alpha", 1), .plausibility = c.number("plausibility_beta", 0.1)});
    b.wait();
    out.put("combined", merged.data());
    out.put("probs", softmax(merged).data());
  }
};

struct inter_decode_loop {
  static constexpr const char* name = "inter/decode_loop";
  static constexpr double float_tolerance = tolerance_of_float_interactions;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> full(c, "table_full"), no_image(c, "table_image_masked"), no_text(c, "table_text_masked"),
        neither(c, "table_both_masked");
    const auto u = vector<double>(c, "u");
    const dispar::index steps = c.integer("steps");
    std::vector<double> tokens, variances, gates, lengths;
    for (const std::string& mode : c.texts("modes")) {
      if (mode != "INTER sampling" && mode != "INTER greedy" && mode != "plain sampling from softmax(full)")
        throw std::runtime_error("parameter 'modes' has the unknown value '" + mode + "'");
      std::vector<double> of_steps(static_cast<std::size_t>(steps), 0.0), open = of_steps;
      const auto found = decode(c, [&](dispar::index last, dispar::index step) {
        const auto at = static_cast<std::size_t>(step);
        const auto of = [last](const matrix<T>& table) { return table.view().slice(last, 1); };
        matrix<T> merged(1, full.view().cols());
        row_numbers variance(1), gate(1), uniform(1);
        decoding::inter(b, of(full), of(no_image), of(no_text), of(neither), merged.view(),
                        {.k = c.number("k", 1),
                         .plausibility = c.number("plausibility_beta", 0.1),
                         .variance = variance.view(),
                         .gate = gate.view()});
        b.wait();
        of_steps[at] = variance[0];
        open[at] = gate[0];
        if (mode == "INTER greedy") return best_tokens(merged).front();
        uniform.view()(0) = u.at(at);
        const auto source = mode == "INTER sampling" ? std::as_const(merged).view() : of(full);
        return take(decoding::chain{decoding::categorical{}}, source, {.uniforms = uniform.view()}).front();
      });
      append(tokens, found);
      tokens.insert(tokens.end(), static_cast<std::size_t>(steps) - found.size(), -1.0);
      append(variances, of_steps);
      append(gates, open);
      lengths.push_back(static_cast<double>(found.size()));
    }
    out.put("tokens", tokens);
    out.put("variance", variances);
    out.put("gate", gates);
    out.put("length", lengths);
  }
};

struct pope_scores {
  static constexpr const char* name = "inter/pope_scores";
  static constexpr bool host_only = true;
  static constexpr double float_tolerance = 0;  // counts

  template<class T, class B>
  static void run(const B&, const fixture& c, outputs& out) {
    const array label = c.input("label"), yes = c.input("contains_yes"), no = c.input("contains_no");
    dispar::metrics::pope scores;
    for (std::size_t i = 0; i < label.size(); ++i) scores.add(label.at(i) > 0, yes.at(i) > 0, no.at(i) > 0);
    out.put("accuracy", scores.accuracy());
    out.put("precision", scores.precision());
    out.put("recall", scores.recall());
    out.put("f1", scores.f1());
    out.put("yes_rate", scores.yes_rate());
    out.put("counts", std::vector<std::int64_t>{scores.true_positives, scores.false_positives, scores.true_negatives,
                                                scores.false_negatives});
  }
};

const registration<harsanyi> registered_harsanyi;
const registration<inter_step> registered_inter;
const registration<vcd_step> registered_vcd;
const registration<inter_decode_loop> registered_loop;
const registration<pope_scores> registered_pope;

}  // namespace
}  // namespace golden
