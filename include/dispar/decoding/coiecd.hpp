#pragma once
/// \file
/// COIECD: a contrast only for the tokens outside the band of information that the context allows.

#include "dispar/decoding/contrast.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

/// Options of `coiecd`, and where it writes its masks. `T`, `S`: as the logits.
template<class T, memory_space S = host>
struct coiecd_options {
  double alpha = 1;             ///< weight of the contrast, as released
  double ratio = 4;             ///< how many times more or less likely than the extremes a token must be, above 1
  matrix_view<T, S> typical{};  ///< 1 where T_v, else 0; null: not wanted
  matrix_view<T, S> rare{};     ///< 1 where U_v, else 0; null: not wanted
};

namespace detail {

/// log-sum-exp of both rows, and the least logit with context of the tokens that can occur.
struct extremes_pass {
  static constexpr int maxima = 3, sums = 2;
  template<class V, class Row>
  DISPAR_FN static vec<V, 3> shifts(const vec<V, 2>& x, const Row&) {
    return {{x[0], x[1], select(is_excluded(x[0]), V(row_nothing<typename V::scalar>), -x[0])}};
  }
  template<class V, class Row>
  DISPAR_FN static vec<V, 2> terms(const vec<V, 2>& x, const vec<V, 3>& maximum, const Row& row) {
    return log_sum_exp_pass<2>::terms(x, vec<V, 2>{{maximum[0], maximum[1]}}, row);
  }
  DISPAR_FN static void rescale(vec<double, 2>& sum, const vec<double, 3>& drop) {
    log_sum_exp_pass<2>::rescale(sum, vec<double, 2>{{drop[0], drop[1]}});
  }
};

/// What the steps of the released code make of a logit with context, in its order. `Row`: with log_sum, least, entropy and
/// log_sum_of_information.
template<class V, class Row>
[[nodiscard]] DISPAR_FN V log_probability(V x, double log_sum, const Row&) {
  return rounding_fence(x - V(log_sum));
}
template<class V, class Row>
[[nodiscard]] DISPAR_FN V information(V x, const Row& row) {
  const V possible = select(is_excluded(x), V(row.least), x);
  return rounding_fence(-log_probability(possible, row.log_sum[0], row) - V(row.entropy));
}
template<class V, class Row>
[[nodiscard]] DISPAR_FN V band_position(V x, const Row& row) {
  return rounding_fence(information(x, row) - V(row.log_sum_of_information));
}

/// The entropy without context, and the sum of exp(I - max I).
struct information_pass {
  static constexpr int maxima = 0, sums = 2;
  template<class V, class Row>
  DISPAR_FN static vec<V, 0> shifts(const vec<V, 2>&, const Row&) {
    return {};
  }
  template<class V, class Row>
  DISPAR_FN static vec<V, 2> terms(const vec<V, 2>& x, const vec<V, 0>&, const Row& row) {
    const V per_log2(1.44269504088896340735992468100), nothing(row_nothing<typename V::scalar>);
    const V log_q = dispar::detail::lower_bounded(log_probability(x[1], row.log_sum[1], row), nothing);
    const V possible = select(is_excluded(x[0]), V(row.least), x[0]);
    return {{-exp2_nonpositive(log_q * per_log2) * log_q, exp2_nonpositive((V(row.least) - possible) * per_log2)}};
  }
  DISPAR_FN static void rescale(vec<double, 2>&, const vec<double, 0>&) {}
};

/// How many tokens are below the band.
struct below_band_pass {
  static constexpr int maxima = 0, sums = 1;
  double log_ratio;
  template<class V, class Row>
  DISPAR_FN static vec<V, 0> shifts(const vec<V, 2>&, const Row&) {
    return {};
  }
  template<class V, class Row>
  DISPAR_FN vec<V, 1> terms(const vec<V, 2>& x, const vec<V, 0>&, const Row& row) const {
    return {{select(band_position(x[0], row) < lower_end<V>(row), V(1), V(0))}};
  }
  DISPAR_FN static void rescale(vec<double, 1>&, const vec<double, 0>&) {}

  /// min r + log ratio, max r - log ratio: r falls as the logit rises, rounding or not.
  template<class V, class Row>
  [[nodiscard]] DISPAR_FN V lower_end(const Row& row) const {
    return band_position(V(row.highest), row) + V(log_ratio);
  }
  template<class V, class Row>
  [[nodiscard]] DISPAR_FN V upper_end(const Row& row) const {
    return band_position(V(row.least), row) - V(log_ratio);
  }
};

struct band_program {
  static constexpr int inputs = 2, outputs = 3, results = 0, passes = 3, operands = 0;
  double alpha;
  below_band_pass band;

  struct row {
    double log_sum[2], highest, least, entropy, log_sum_of_information;
    bool one_dominates;
  };
  DISPAR_FN static row begin(const vec<double, 0>&) { return {}; }
  template<int Pass>
  DISPAR_FN auto pass() const {
    if constexpr (Pass == 0)
      return extremes_pass{};
    else if constexpr (Pass == 1)
      return information_pass{};
    else
      return band;
  }
  template<int Pass, int M, int S>
  DISPAR_FN static void finish(const row_state<M, S>& s, row& r) {
    if constexpr (Pass == 0) {
      const row_state<2, 2> both{{{s.maximum[0], s.maximum[1]}}, s.sum};
      for (int i = 0; i < 2; ++i) r.log_sum[i] = log_sum_exp_of(both, i);
      if (is_nan(r.log_sum[1])) r.log_sum[0] = r.log_sum[1];  // tokens that get l_c as well
      r.highest = s.maximum[0];
      r.least = -s.maximum[2];
    } else if constexpr (Pass == 1) {
      r.entropy = s.sum[0];
      r.log_sum_of_information = r.log_sum[0] - r.least - r.entropy + std::log(s.sum[1]);
    } else {
      r.one_dominates = s.sum[0] > 0.5 && s.sum[0] < 1.5;
    }
  }
  /// c l_c + (1 - c) l_n + alpha (l_c - l_n) = l_c + (alpha - 1 + c) (l_c - l_n).
  template<class V>
  DISPAR_FN vec<V, 3> write(const vec<V, 2>& x, const row& r) const {
    const V one(1), zero(0), position = band_position(x[0], r);
    const V typical = r.one_dominates ? one : select(position < band.template lower_end<V>(r), zero, one);
    const V rare = select(position > band.template upper_end<V>(r), one, zero);
    const V c = select(rare > zero, one, one - typical);
    const V with = select(is_excluded(x[0]), excluded(x[0]), log_probability(x[0], r.log_sum[0], r));
    const V merged = contrasted(with, log_probability(x[1], r.log_sum[1], r), V(alpha - 1) + c);
    return {{merged, typical, rare}};
  }
  DISPAR_FN static vec<double, 0> result(const row&) { return {}; }
};

}  // namespace detail

/// Decoding by constraint on contextual information entropy (COIECD). With log-softmax rows l_c and l_n, the entropy
/// H = -sum_v p_n log p_n, I_v = -l_c(v) - H and r = log_softmax(I) over v:
///
///     T_v = [r_v >= min r + log ratio],    U_v = [r_v > max r - log ratio]     (T_v = 1 for all v if exactly one r_v is below)
///     c_v = 1 - T_v,  then c_v = 1 where U_v
///     merged_v = c_v l_c(v) + (1 - c_v) l_n(v) + alpha (l_c(v) - l_n(v))
///
/// With alpha = 1 tokens outside the band get 2 l_c - l_n, others l_c; if one token alone dominates, all but the rare ones get
/// l_c. H and the normalizers cancel in the comparisons (T_v <=> p_c(v) <= max p_c / ratio, U_v <=> p_c(v) < ratio min p_c); they
/// are computed as in the released code all the same, whose rounding decides the borderline. "Exactly one" is counted in each
/// row, where the released code counts in the tensor, which it only calls with one row.
///
///     decoding::coiecd(cpu{}, with_context, without_context, merged);
///
/// Four passes. Where l_c is minus infinity (the released code gives NaN) the band is found with the lowest finite l_c instead,
/// and the merged row has minus infinity; other tokens as in `contrast.hpp`. NaN, plus infinity or nothing but minus infinity in
/// one of the rows gives a row of NaN, minus infinity where `with_context` has it. Throws `invalid_argument` for shapes that
/// differ, an alpha that is not finite and a ratio that is not above 1 and finite.
///
/// Yuan et al., "Discerning and Resolving
/// Knowledge Conflicts through Adaptive Decoding with Contextual Information-Entropy Constraint", Findings of ACL 2024;
/// Stacy027/COIECD, decoding.py.
template<backend B, sample_matrix C, sample_matrix N, class Out>
void coiecd(const B& b, const C& with_context, const N& without_context, Out&& merged,
            const coiecd_options<value_type_of<C>, space_of<C>>& o = {}) {
  using T = value_type_of<C>;
  using S = space_of<C>;
  require(!is_special(o.alpha), "coiecd: alpha", "must be finite", o.alpha);
  require(o.ratio > 1 && !is_special(o.ratio), "coiecd: ratio", "must be above 1 and finite", o.ratio);
  run_rows(b, detail::band_program{o.alpha, {std::log(o.ratio)}},
           row_inputs<T, 2, S>{.x = detail::merge_inputs(with_context, without_context)},
           row_outputs<T, 3, 0, S>{.y = {detail::merge_output(with_context, merged), o.typical, o.rare}});
}

}  // namespace decoding

DISPAR_NAMESPACE_END
