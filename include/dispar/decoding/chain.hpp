#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "dispar/backend/array.hpp"
#include "dispar/decoding/step.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

namespace detail {

/// Runs the steps on a row and writes its token.
template<class... Steps>
struct take_tokens {
  step_list<Steps...> steps;
  state_of_rows known;
  dispar::detail::strided_vector<std::int64_t> tokens;

  template<class Ranked>
  DISPAR_FN void operator()(Ranked& ranked) const {
    token_row<Ranked> row{ranked, known};
    steps.template run<true>(row);
    if (ranked.leads()) tokens(row.number()) = row.valid ? static_cast<std::int64_t>(row.token) : -1;
  }
};

/// Whether those that change logits come before all others.
template<class... Steps>
[[nodiscard]] constexpr bool in_order() {
  bool ordered = true, others = false;
  ((ordered = ordered && !(changes_logits<Steps> && others), others = others || !changes_logits<Steps>), ...);
  return ordered;
}
/// Whether the last one takes a token, and only that.
template<class... Steps>
[[nodiscard]] constexpr bool ends_with_token() {
  int taken = 0;
  bool last = false;
  ((taken += takes_token<Steps> ? 1 : 0, last = takes_token<Steps>), ...);
  return taken == 1 && last;
}

/// The state as it is read where the steps run. Throws for shapes that differ.
template<memory_space S>
[[nodiscard]] state_of_rows check_state(index rows, const state<S>& known) {
  const auto per_row = [rows](const auto& v, const char* name) {
    if (v) require(v.size() == rows, name, "must have one entry per row", static_cast<double>(v.size()));
  };
  if (known.history)
    require(known.history.rows() == rows, "decoding: history", "must have the rows of the logits",
            static_cast<double>(known.history.rows()));
  per_row(known.lengths, "decoding: lengths");
  per_row(known.steps, "decoding: steps");
  per_row(known.uniforms, "decoding: uniforms");
  return {{dispar::detail::strided_of(known.history), dispar::detail::strided_of(known.lengths), known.history.cols()},
          known.step,
          dispar::detail::strided_of(known.steps),
          dispar::detail::strided_of(known.uniforms)};
}

/// Writes what the steps keep, or its probabilities.
template<bool Probabilities, class Out, class... Steps>
struct write_kept {
  step_list<Steps...> steps;
  state_of_rows known;
  dispar::detail::strided<Out> out;
  double fill;

  template<class Ranked>
  DISPAR_FN void operator()(Ranked& ranked) const {
    token_row<Ranked> row{ranked, known};
    steps.template run<false>(row);
    const auto best = ranked.best();
    using V = lane<std::remove_cvref_t<decltype(best.value)>>;
    const bool nothing = best.at < 0 || !row.valid;
    if constexpr (Probabilities) {
      const double log_sum = std::log(ranked.mass(row.inverse_temperature));
      const double scale = row.inverse_temperature, greatest = static_cast<double>(best.value);
      ranked.write(out, [=](V x, bool kept) {
        if (nothing) return V(quiet_nan<double>());
        return kept ? V(std::exp((static_cast<double>(x.value) - greatest) * scale - log_sum)) : V(0);
      });
    } else {
      const V scale(row.inverse_temperature), dropped(fill);
      ranked.write(out, [=](V x, bool kept) { return nothing ? V(quiet_nan<double>()) : kept ? x * scale : dropped; });
    }
  }
};

/// Runs a program made of steps. Those that count the history are told how long it is.
template<class... Steps, class B, class Program, class View>
void run_steps(const B& b, const Program& program, const View& logits, index history) {
  static_assert(in_order<Steps...>(), "dispar: steps that change logits (penalties, biases) come before all others in a chain");
  constexpr bool changes = (changes_logits<Steps> || ...);
  static_assert(!changes || !std::is_const_v<typename View::element_type>,
                "dispar: a chain with penalties or biases writes to the logits: pass a view of mutable elements");
  if constexpr (changes)
    run_ranked_rows(b, program, logits, history);
  else
    run_ranked_rows(b, program, matrix_view<const typename View::value_type, typename View::space>(logits));
}

}  // namespace detail

/// Steps one after the other on rows of logits: from logits to tokens.
///
///     const decoding::chain sampler{decoding::repetition_penalty{1.1}, decoding::temperature{0.8}, decoding::top_k{50},
///                                   decoding::top_p{0.95}, decoding::categorical{{.seed = 1}}};
///     sampler(b, logits, tokens, {.history = so_far, .step = t});      // writes one int64 per row; returns at once on a GPU
///
/// The order is the caller's: a filter sees the probabilities of what those before it kept, at the temperature of the steps
/// before it. All steps run on a row while it is in the cache, on a GPU in one kernel. A step that is turned off (k = 0, p = 1,
/// t = 1) costs nothing. Rows are independent of each other.
///
/// logits: rows x vocabulary, any strides, of float or double, on a GPU half and bfloat16 too. Only penalties and biases write to
/// them. **A row without a distribution** (NaN, plus infinity, or nothing but minus infinity) gets token -1; the form that
/// returns tokens throws `invalid_argument` naming the row.
template<step... Steps>
class chain {
  static_assert(sizeof...(Steps) > 0, "dispar: a chain needs at least one step");

public:
  /// Of the steps in this order.
  explicit constexpr chain(const Steps&... steps) : steps_(detail::list_steps(steps...)) {}

  /// tokens(i) = the token of row i, or -1.
  /// Throws `invalid_argument` for parameters out of range and shapes that differ, before any work.
  template<backend B, class Logits, class Tokens>
  requires viewable<std::remove_reference_t<Logits>> && viewable<std::remove_reference_t<Tokens>>
  void operator()(const B& b, Logits&& logits, Tokens&& tokens, const state<space_of<Logits>>& known = {}) const {
    static_assert(detail::ends_with_token<Steps...>(),
                  "dispar: the last step of a chain, and only that, takes a token: greedy or categorical");
    const auto x = view_of(logits);
    const auto out = view_of(tokens);
    static_assert(std::same_as<typename decltype(out)::element_type, std::int64_t>, "dispar: tokens are std::int64_t");
    const auto read = checked<typename B::space>(x, known);
    require(out.size() == x.rows(), "decoding: tokens", "must have one entry per row", static_cast<double>(out.size()));
    detail::run_steps<Steps...>(b, detail::take_tokens<Steps...>{steps_, read, dispar::detail::strided_of(out)}, x,
                                known.history.cols());
  }

  /// The tokens. Waits. Throws as above, and for a row that has no distribution.
  template<backend B, class Logits>
  requires viewable<std::remove_reference_t<Logits>>
  [[nodiscard]] std::vector<std::int64_t> operator()(const B& b, Logits&& logits,
                                                     const state<space_of<Logits>>& known = {}) const {
    array<std::int64_t, 1, B> tokens(b, {view_of(logits).rows()});
    (*this)(b, logits, tokens.view(), known);
    const auto there = to_host(b, tokens);
    std::vector<std::int64_t> result(there.data(), there.data() + there.extents()[0]);
    for (std::size_t i = 0; i < result.size(); ++i)
      if (result[i] < 0)
        throw invalid_argument(
            "dispar: decoding: row " + std::to_string(i) +
            " has no token: its logits hold NaN or plus infinity, or are all minus infinity, or a parameter is "
            "out of range");
    return result;
  }

  /// What the steps keep: out(i, v) = x(i, v) / t, and `fill` for tokens that are dropped (minus infinity unless told otherwise).
  /// The last step may take a token or not: it does not run. out may be the logits themselves. A row without a distribution
  /// becomes NaN. Throws as above.
  ///
  ///     decoding::chain{decoding::top_p{0.9}}.filter(b, logits, out, -1000);
  template<backend B, class Logits, class Out>
  requires viewable<std::remove_reference_t<Logits>> && viewable<std::remove_reference_t<Out>>
  void filter(const B& b, Logits&& logits, Out&& out, double fill = -std::numeric_limits<double>::infinity(),
              const state<space_of<Logits>>& known = {}) const {
    write<false>(b, view_of(logits), view_of(out), fill, known);
  }

  /// The distribution that the chain draws from: out(i, v) = p_v, 0 for dropped tokens. Else as `filter`.
  template<backend B, class Logits, class Out>
  requires viewable<std::remove_reference_t<Logits>> && viewable<std::remove_reference_t<Out>>
  void probabilities(const B& b, Logits&& logits, Out&& out, const state<space_of<Logits>>& known = {}) const {
    write<true>(b, view_of(logits), view_of(out), 0, known);
  }

private:
  template<bool Probabilities, class B, class X, class Y, class S>
  void write(const B& b, const X& x, const Y& out, double fill, const state<S>& known) const {
    using T = typename Y::element_type;
    static_assert(std::same_as<T, typename X::value_type>, "dispar: what is kept has the type of the logits");
    const auto read = checked<typename B::space>(x, known);
    require(out.rows() == x.rows(), "decoding: out", "must have the rows of the logits", static_cast<double>(out.rows()));
    require(out.cols() == x.cols(), "decoding: out", "must have the columns of the logits", static_cast<double>(out.cols()));
    detail::run_steps<Steps...>(
        b, detail::write_kept<Probabilities, T, Steps...>{steps_, read, dispar::detail::strided_of(out), fill}, x,
        known.history.cols());
  }
  template<memory_space Space, class X, class S>
  [[nodiscard]] state_of_rows checked(const X& x, const state<S>& known) const {
    static_assert(X::rank == 2, "dispar: logits are a matrix, rows x vocabulary");
    static_assert(reachable<S, Space>, "dispar: this backend cannot read the memory that the logits are in");
    steps_.template check<Space>(x.rows(), x.cols());
    return detail::check_state(x.rows(), known);
  }

  detail::step_list<Steps...> steps_;
};

}  // namespace decoding

DISPAR_NAMESPACE_END
