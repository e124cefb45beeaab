// Contrasts of logits: adacad/adacad_step, cad_step, coiecd_step, contrastive_decoding, decode_loop.

#include "dispar/decoding/adacad.hpp"
#include "dispar/decoding/cad.hpp"
#include "dispar/decoding/coiecd.hpp"
#include "dispar/decoding/contrastive.hpp"
#include "dispar/decoding/top_p.hpp"
#include "next_token.hpp"

namespace golden {
namespace {

// Logits are rounded to float, 6e-8 of their size of up to 20, and multiplied by up to 2.
constexpr double tolerance_of_float_merges = 1e-5;

const dispar::divergence::clamped_jensen_shannon released;

struct adacad_step {
  static constexpr const char* name = "adacad/adacad_step";
  static constexpr double float_tolerance = tolerance_of_float_merges;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    (void)c.text("log_base", {"e"});
    const matrix<T> with(c, "logits_context"), without(c, "logits_no_context");
    const dispar::index rows = with.rows(), cols = with.view().cols();
    // The filters come after the divergence of what is not filtered.
    matrix<T> filtered(rows, cols), filtered_prior(rows, cols), merged(rows, cols);
    decoding::chain{decoding::nucleus{c.number("filter_top_p", 1)}}.filter(b, with.view(), filtered.view(), -1000);
    decoding::chain{decoding::nucleus{c.number("filter_top_p_prior", 1)}}.filter(b, without.view(), filtered_prior.view(), 1000);
    std::vector<double> raw, weights, all, probabilities, tokens;
    for (const double floor : c.numbers("lambda", {0})) {
      row_numbers alpha(rows), of_rows(rows);
      decoding::adacad(b, with.view(), without.view(), released, merged.view(),
                       {.floor = floor, .alpha = alpha.view(), .divergences = of_rows.view()});
      decoding::cad(b, filtered.view(), filtered_prior.view(), merged.view(), {.alpha = alpha.view()});
      b.wait();
      append(raw, of_rows.data());
      append(weights, alpha.data());
      append(all, merged.data());
      append(probabilities, softmax(merged).data());
      append(tokens, best_tokens(merged));
    }
    out.put("alpha_raw", raw);
    out.put("alpha", weights);
    out.put("merged", all);
    out.put("probs", probabilities);
    out.put("greedy", tokens);
  }
};

struct cad_step {
  static constexpr const char* name = "adacad/cad_step";
  static constexpr double float_tolerance = tolerance_of_float_merges;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> with(c, "logits_context"), without(c, "logits_no_context");
    matrix<T> merged(with.rows(), with.view().cols());
    std::vector<double> all, probabilities, tokens;
    for (const double alpha : c.numbers("alpha", {1})) {
      decoding::cad(b, with.view(), without.view(), merged.view(), {.alpha = alpha});
      b.wait();
      append(all, merged.data());
      append(probabilities, softmax(merged).data());
      append(tokens, best_tokens(merged));
    }
    out.put("merged", all);
    out.put("probs", probabilities);
    out.put("greedy", tokens);
  }
};

struct coiecd_step {
  static constexpr const char* name = "adacad/coiecd_step";
  static constexpr double float_tolerance = tolerance_of_float_merges;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> with(c, "logits_context"), without(c, "logits_no_context");
    const dispar::index rows = with.rows(), cols = with.view().cols();
    matrix<T> merged(rows, cols), typical(rows, cols), rare(rows, cols);
    decoding::coiecd(
        b, with.view(), without.view(), merged.view(),
        {.alpha = c.number("alpha", 1), .ratio = c.number("threshold_ratio", 4), .typical = typical.view(), .rare = rare.view()});
    b.wait();
    out.put("merged", merged.data());
    out.put("typical_mask", typical.data());
    out.put("rare_mask", rare.data());
    out.put("greedy", best_tokens(merged));
  }
};

struct contrastive_decoding {
  static constexpr const char* name = "adacad/contrastive_decoding";
  static constexpr double float_tolerance = tolerance_of_float_merges;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> expert(c, "logits_expert"), amateur(c, "logits_amateur");
    matrix<T> ratio(expert.rows(), expert.view().cols()), logits(expert.rows(), expert.view().cols());
    decoding::contrastive_options o{.plausibility = c.number("plausibility", 0.1),
                                    .beta = c.number("beta", 0.5),
                                    .amateur_temperature = c.number("amateur_temperature", 1)};
    decoding::contrastive(b, expert.view(), amateur.view(), ratio.view(), o);
    o.form = decoding::contrastive_form::logits;
    decoding::contrastive(b, expert.view(), amateur.view(), logits.view(), o);
    b.wait();
    out.put("keep", kept(ratio));
    out.put("score_log_ratio", ratio.data());
    out.put("score_logit_form", logits.data());
    out.put("greedy_log_ratio", best_tokens(ratio));
    out.put("greedy_logit_form", best_tokens(logits));
  }
};

struct adacad_decode_loop {
  static constexpr const char* name = "adacad/decode_loop";
  static constexpr double float_tolerance = tolerance_of_float_merges;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> with(c, "table_context"), without(c, "table_no_context");
    const dispar::index steps = c.integer("steps");
    std::vector<double> tokens, weights, lengths;
    for (const std::string& text : c.texts("methods")) {
      std::vector<double> of_steps(static_cast<std::size_t>(steps), 0.0);
      const auto found = decode(c, [&](dispar::index last, dispar::index step) {
        matrix<T> merged(1, with.view().cols());
        of_steps[static_cast<std::size_t>(step)] =
            merge<T>(b, text, with.view().slice(last, 1), without.view().slice(last, 1), merged.view());
        return best_tokens(merged).front();
      });
      append(tokens, found);
      tokens.insert(tokens.end(), static_cast<std::size_t>(steps) - found.size(), -1.0);
      append(weights, of_steps);
      lengths.push_back(static_cast<double>(found.size()));
    }
    out.put("tokens", tokens);
    out.put("alpha", weights);
    out.put("length", lengths);
  }
  /// METHOD_NUMBER, or greedy; returns the weight, 0 where there is none.
  template<class T, class B, class X, class Y>
  static double merge(const B& b, const std::string& text, const X& with, const X& without, const Y& merged) {
    const std::size_t dash = text.rfind('_');
    const std::string method = text.substr(0, dash);
    const double parameter = dash == std::string::npos ? 0 : std::stod(text.substr(dash + 1));
    row_numbers alpha(1);
    if (method == "adacad") {
      decoding::adacad(b, with, without, released, merged, {.floor = parameter, .alpha = alpha.view()});
    } else if (method == "coiecd") {
      decoding::coiecd(b, with, without, merged, {.alpha = parameter});
    } else if (method == "cad" || method == "greedy") {
      decoding::cad(b, with, without, merged, {.alpha = parameter});
      return parameter;
    } else {
      throw std::runtime_error("parameter 'methods' has the unknown value '" + text + "'");
    }
    b.wait();
    return alpha[0];
  }
};

const registration<adacad_step> registered_adacad;
const registration<cad_step> registered_cad;
const registration<coiecd_step> registered_coiecd;
const registration<contrastive_decoding> registered_contrastive;
const registration<adacad_decode_loop> registered_loop;

}  // namespace
}  // namespace golden
