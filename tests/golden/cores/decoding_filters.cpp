// Filters and penalties of chains: adacad/top_p_filter, adacad/nucleus_keep, inter/repetition_penalty.

#include "dispar/decoding/repetition_penalty.hpp"
#include "dispar/decoding/top_p.hpp"
#include "next_token.hpp"

namespace golden {
namespace {

// Logits are rounded to float, 6e-8 of their size, and divided or multiplied once.
constexpr double tolerance_of_float_filters = 1e-5;

/// The logits, and `fill` for tokens beyond the nucleus of p.
template<class T, class B>
[[nodiscard]] matrix<T> filtered(const B& b, const matrix<T>& logits, double p, double fill) {
  matrix<T> out(logits.rows(), logits.view().cols());
  decoding::chain{decoding::nucleus{p}}.filter(b, logits.view(), out.view(), fill);
  b.wait();
  return out;
}
template<class T, class B>
[[nodiscard]] std::vector<double> kept_by_nucleus(const B& b, const matrix<T>& logits, double p) {
  return kept(filtered(b, logits, p, -std::numeric_limits<double>::infinity()));
}

struct top_p_filter {
  static constexpr const char* name = "adacad/top_p_filter";
  static constexpr double float_tolerance = tolerance_of_float_filters;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> logits(c, "logits");
    std::vector<double> context, prior, keep;
    for (const double p : c.numbers("top_p", {1})) {
      append(context, filtered(b, logits, p, c.number("fill_context", -1000)).data());
      append(prior, filtered(b, logits, p, c.number("fill_prior", 1000)).data());
      append(keep, kept_by_nucleus(b, logits, p));
    }
    out.put("filtered_context", context);
    out.put("filtered_prior", prior);
    out.put("keep", keep);
  }
};

struct nucleus_keep {
  static constexpr const char* name = "adacad/nucleus_keep";
  static constexpr double float_tolerance = tolerance_of_float_filters;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> logits(c, "logits");
    std::vector<double> keep;
    for (const double p : c.numbers("top_p", {1})) append(keep, kept_by_nucleus(b, logits, p));
    out.put("keep", keep);
  }
};

struct repetition_penalty {
  static constexpr const char* name = "inter/repetition_penalty";
  static constexpr double float_tolerance = tolerance_of_float_filters;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    matrix<T> scores(c, "scores");
    const matrix<std::int64_t> history(c, "history");
    matrix<T> penalised(scores.rows(), scores.view().cols());
    decoding::chain{decoding::repetition_penalty{c.number("penalty")}}.filter(
        b, scores.view(), penalised.view(), -std::numeric_limits<double>::infinity(), {.history = history.view()});
    b.wait();
    out.put("penalised", penalised.data());
    out.put("probs", softmax(penalised).data());
  }
};

const registration<top_p_filter> registered_top_p_filter;
const registration<nucleus_keep> registered_nucleus_keep;
const registration<repetition_penalty> registered_repetition_penalty;

}  // namespace
}  // namespace golden
