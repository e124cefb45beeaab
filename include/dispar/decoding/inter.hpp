#pragma once
/// \file
/// INTER: guidance by the interaction of image and text, where it varies between tokens.

#include "dispar/decoding/contrast.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

/// The tokens whose interactions have the variance that opens the gate.
enum class variance_over {
  vocabulary,  ///< all that can occur: the released code
  plausible    ///< those that the cut leaves: how the paper's figure can be read
};

/// Options of `inter`, and where it writes the numbers of rows. `T`, `S`: as the logits.
template<class T, memory_space S = host>
struct inter_options {
  double k = 1;                                    ///< the gate opens at this variance; 1 is the released default
  double plausibility = 0.1;                       ///< beta: tokens below this share of the best are cut; 0: none is
  variance_over over = variance_over::vocabulary;  ///< of what the variance is taken
  vector_view<double, S> variance{};               ///< of every row, NaN below two tokens; null: not wanted
  vector_view<double, S> gate{};                   ///< 1 where the row is guided, else 0; null: not wanted
  matrix_view<T, S> interaction{};                 ///< before the gate, 0 for tokens that cannot occur; null: not wanted
};

namespace detail {

/// The interaction of a token: given as the second of two rows, or that of a pair of players, as the Harsanyi dividend of both.
template<class V>
[[nodiscard]] DISPAR_FN V interaction_of(const vec<V, 2>& x) {
  return x[1];
}
template<class V>
[[nodiscard]] DISPAR_FN V interaction_of(const vec<V, 4>& x) {
  return rounding_fence(rounding_fence(rounding_fence(x[0] - x[1]) - x[2]) + x[3]);
}

/// The maximum of the logits; the sum of the interactions, and of how many.
template<int N>
struct mean_interaction_pass : maximum_pass<N> {
  static constexpr int sums = 2;
  template<class V, class Row>
  DISPAR_FN static vec<V, 2> terms(const vec<V, N>& x, const vec<V, 1>&, const Row&) {
    const auto out = is_excluded(x[0]);
    return {{select(out, V(0), interaction_of(x)), select(out, V(0), V(1))}};
  }
  DISPAR_FN static void rescale(vec<double, 2>&, const vec<double, 1>&) {}
};

/// Count, sum and sum of squares of what is above that mean, among the tokens that count.
template<int N>
struct variance_pass {
  static constexpr int maxima = 0, sums = 3;
  template<class V, class Row>
  DISPAR_FN static vec<V, 0> shifts(const vec<V, N>&, const Row&) {
    return {};
  }
  template<class V, class Row>
  DISPAR_FN static vec<V, 3> terms(const vec<V, N>& x, const vec<V, 0>&, const Row& row) {
    const V zero(0), apart = interaction_of(x) - V(row.mean);
    const V one = select(x[0] < V(row.least_that_counts), zero, select(is_excluded(x[0]), zero, V(1)));
    return {{one, select(one > zero, apart, zero), select(one > zero, apart * apart, zero)}};
  }
  DISPAR_FN static void rescale(vec<double, 3>&, const vec<double, 0>&) {}
};

template<int N>
struct guidance_program {
  static constexpr int inputs = N, outputs = 2, results = 2, passes = 2, operands = 0;
  double k;
  plausibility plausible;
  bool count_plausible;

  struct row {
    double least, least_that_counts, mean, variance, gate;
  };
  DISPAR_FN static row begin(const vec<double, 0>&) { return {}; }
  template<int Pass>
  DISPAR_FN static auto pass() {
    if constexpr (Pass == 0)
      return mean_interaction_pass<N>{};
    else
      return variance_pass<N>{};
  }
  template<int Pass, int M, int S>
  DISPAR_FN void finish(const row_state<M, S>& s, row& r) const {
    if constexpr (Pass == 0) {
      r.least = plausible.least(s.maximum[0]);
      r.least_that_counts = count_plausible ? r.least : negative_infinity<double>();
      r.mean = s.sum[1] > 0 ? s.sum[0] / s.sum[1] : 0;
    } else {
      const double count = s.sum[0], rest = s.sum[1];
      if (count < 1.5) {
        r.variance = quiet_nan<double>();
        r.gate = 0;
      } else {
        const double squares = s.sum[2] - rest * (rest / count);
        r.variance = !is_nan(squares) && squares < 0 ? 0 : squares / (count - 1);
        r.gate = is_special(r.variance) ? quiet_nan<double>() : r.variance >= k ? 1 : 0;
      }
    }
  }
  template<class V>
  DISPAR_FN vec<V, 2> write(const vec<V, N>& x, const row& r) const {
    const auto out = is_excluded(x[0]);
    const V i = interaction_of(x), gate(r.gate);
    const V guided = select(gate == V(0), x[0], fma(gate, i, x[0]));
    return {{cut(x[0], r.least, select(out, excluded(x[0]), guided)), select(out, V(0), i)}};
  }
  DISPAR_FN static vec<double, 2> result(const row& r) { return {{r.variance, r.gate}}; }
};

template<class B, class T, std::size_t N, class S>
void guide(const B& b, const std::array<matrix_view<const T, S>, N>& x, const matrix_view<T, S>& merged,
           const inter_options<T, S>& o) {
  require(o.k >= 0 && !is_nan(o.k), "inter: k", "must be at least 0", o.k);
  const guidance_program<static_cast<int>(N)> p{o.k, plausibility(o.plausibility, "inter: plausibility"),
                                                o.over == variance_over::plausible};
  run_rows(b, p, row_inputs<T, static_cast<int>(N), S>{.x = x},
           row_outputs<T, 2, 2, S>{.y = {merged, o.interaction}, .results = {o.variance, o.gate}});
}

}  // namespace detail

/// Interaction guidance sampling (INTER) of an image-text model: four rows of logits, given image and text (`full`), and with the
/// image, the text, or both masked. What exists only because both are there, the Harsanyi dividend of the pair, is added where it
/// tells tokens apart; what the full logits make implausible is cut, at every step:
///
///     I = full - image_masked - text_masked + both_masked
///     D = 1/(V - 1) sum_v (I_v - mean I)^2,       gate = [D >= k]
///     merged = full + gate I      where full >= max full + log(plausibility),     else minus infinity
///
/// The best token of `full` always stays. Adding a constant to a row changes neither D nor softmax(merged).
///
///     decoding::inter(cpu{}, full, image_masked, text_masked, both_masked, merged, {.k = 0.5, .variance = d, .gate = open});
///
/// Three passes. Tokens that `full` excludes (minus infinity) are not counted in V. Below two tokens there is no variance, and
/// the gate is closed. A token that a masked row excludes and `full` does not, NaN and plus infinity give the variance NaN or
/// infinity, the gate NaN and NaN for all tokens that are not cut. Variances are computed around the mean in the logits' type and
/// summed in double beyond a tile: within about 1e-6, relatively, from float. Throws `invalid_argument` for shapes that differ, a
/// k that is negative or NaN and a plausibility outside [0, 1].
///
/// Dong et al., "INTER: Mitigating Hallucination in Large
/// Vision-Language Models by Interaction Guidance Sampling", ICCV 2025, arXiv 2507.05056.
template<backend B, sample_matrix F, sample_matrix I, sample_matrix X, sample_matrix A, class Out>
void inter(const B& b, const F& full, const I& image_masked, const X& text_masked, const A& both_masked, Out&& merged,
           const inter_options<value_type_of<F>, space_of<F>>& o = {}) {
  detail::guide(b, detail::merge_inputs(full, image_masked, text_masked, both_masked), detail::merge_output(full, merged), o);
}

/// The same guided by any interaction, such as a row of `harsanyi` of more players, in the place of I.
///
///     decoding::inter(cpu{}, full, dividend, merged);
template<backend B, sample_matrix F, sample_matrix I, class Out>
void inter(const B& b, const F& full, const I& interaction, Out&& merged,
           const inter_options<value_type_of<F>, space_of<F>>& o = {}) {
  detail::guide(b, detail::merge_inputs(full, interaction), detail::merge_output(full, merged), o);
}

}  // namespace decoding

DISPAR_NAMESPACE_END
