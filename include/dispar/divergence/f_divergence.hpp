#pragma once
/// \file
/// The template of all f-divergences on rows: what a user's functor is asked, and the row program made of it.

#include "dispar/backend/rows.hpp"
#include "dispar/core/dual.hpp"

DISPAR_NAMESPACE_BEGIN

namespace divergence {

namespace detail {
struct probe_kind {
  using V = lane<double>;
};
}  // namespace detail

/// A divergence D(P, Q) = sum_v q_v f(p_v / q_v), as a functor of one token:
///
///     struct kullback_leibler {
///       static constexpr bool infinite_without_q = true;
///       template<class V> DISPAR_FN V value(V p, V q, V log_ratio) const { return p * log_ratio - p + q; }
///     };
///
/// `value` is q f(p / q), with log_ratio = log p - log q, finite even where p or q underflows or is 0: return something that is
/// right for p = 0 and for q = 0 when multiplied out, such as p * log_ratio. V is a `pack`, a `lane` or a `dual`: literals are
/// `V(c)`, branches `select`, functions unqualified. Gradients follow from this body.
///
/// Optional members:
/// - `value_and_slopes(p, q, log_ratio)`: `vec<V, 3>` of the value, p d value / d p and q d value / d q, where it is cheaper so.
/// - `infinite_without_q`, `infinite_without_p` (static constexpr bool): infinite as soon as one of them is 0 and the other not.
/// - `without_logarithm` (static constexpr bool): a number that has no unit; `unit` does not concern it.
/// - `of_sum(double sum)` and `of_sum_slope(double sum)`: the divergence as a function of the sum, and its derivative (Renyi).
/// - `check()`: throws `invalid_argument` for parameters out of range.
template<class F>
concept f_divergence = std::is_trivially_copyable_v<F> && requires(const F f, detail::probe_kind::V v) {
  { f.value(v, v, v) } -> std::same_as<detail::probe_kind::V>;
};

/// Other sums over tokens, of the logarithms themselves: `value_and_slopes(p, q, log_p, log_q)` gives the value of a token and
/// its derivatives by log p and log q. `row_nothing` is the logarithm of 0. Optional members as above.
template<class F>
concept token_sum = std::is_trivially_copyable_v<F> && requires(const F f, detail::probe_kind::V v) {
  { f.value_and_slopes(v, v, v, v) } -> std::same_as<vec<detail::probe_kind::V, 3>>;
};

namespace detail {
/// Whether a divergence is one of some tokens of a row: see `top_k`.
template<class F>
inline constexpr bool restricts_tokens = false;
}  // namespace detail

/// What can be computed of two aligned rows.
template<class F>
concept divergence_of_rows = f_divergence<F> || token_sum<F> || detail::restricts_tokens<F>;

/// The unit of information: the natural logarithm or the one of base 2. Numbers without a logarithm (total variation) are not
/// concerned.
enum class unit { nats, bits };

namespace detail {

template<class F>
inline constexpr bool needs_q = requires {
  requires F::infinite_without_q;
};
template<class F>
inline constexpr bool needs_p = requires {
  requires F::infinite_without_p;
};

template<class F>
inline constexpr bool has_unit = !requires {
  requires F::without_logarithm;
};

inline constexpr double log2_e = 1.44269504088896340735992468100;

/// Whether matrices hold logits or probabilities.
enum class row_kind { logits, probabilities };

/// What a token is: probabilities and their logarithms, not below `row_nothing`.
template<class V>
struct token {
  V p, q, log_p, log_q, log_ratio;
  double lost_p = 0, lost_q = 0;  ///< what rounding took from the logarithms
};

template<class F, class V>
[[nodiscard]] DISPAR_FN vec<V, 3> value_and_slopes(const F& f, const token<V>& t) {
  if constexpr (token_sum<F>) {
    return f.value_and_slopes(t.p, t.q, t.log_p + V(t.lost_p), t.log_q + V(t.lost_q));
  } else if constexpr (requires { f.value_and_slopes(t.p, t.q, t.log_ratio); }) {
    return f.value_and_slopes(t.p, t.q, t.log_ratio);
  } else {
    // Variables are log p and log q: no derivative is divided by a probability.
    using D = dual<V, 2>;
    D p(t.p), q(t.q), log_ratio(t.log_ratio);
    p.d[0] = t.p;
    q.d[1] = t.q;
    log_ratio.d[0] = V(1);
    log_ratio.d[1] = V(-1);
    const D value = f.value(p, q, log_ratio);
    return {{value.value, value.d[0], value.d[1]}};
  }
}

/// Sums over a row: the value; with gradients the slopes; with `needs_q` the mass of p where q is 0, and so on; of
/// probabilities the number of negative ones.
template<class F, row_kind Kind, bool Gradient>
struct divergence_pass {
  static constexpr int maxima = 0;
  static constexpr int without_q = Gradient ? 3 : 1;
  static constexpr int without_p = without_q + needs_q<F>;
  static constexpr int negative = without_p + needs_p<F>;
  static constexpr int sums = negative + (Kind == row_kind::probabilities);
  F f;

  /// The token, given what is subtracted from logits.
  template<class V, class Row>
  [[nodiscard]] DISPAR_FN static token<V> token_of(const vec<V, 2>& x, const Row& row) {
    using T = typename V::scalar;
    const V nothing(row_nothing<T>);
    if constexpr (Kind == row_kind::logits) {
      const V log_p = dispar::detail::lower_bounded(rounding_fence(x[0] - V(row.log_sum[0])), nothing);
      const V log_q = dispar::detail::lower_bounded(rounding_fence(x[1] - V(row.log_sum[1])), nothing);
      const double lost_p = lost<T>(row.log_sum[0]), lost_q = lost<T>(row.log_sum[1]);
      return {exp2_nonpositive(fma(log_p, V(log2_e), V(lost_p * log2_e))),
              exp2_nonpositive(fma(log_q, V(log2_e), V(lost_q * log2_e))),
              log_p,
              log_q,
              log_p - log_q + V(lost_p - lost_q),
              lost_p,
              lost_q};
    } else {
      const V log_p = dispar::detail::lower_bounded(log(x[0]), nothing),
              log_q = dispar::detail::lower_bounded(log(x[1]), nothing);
      return {x[0], x[1], log_p, log_q, log_p - log_q};
    }
  }
  /// What rounding takes from a logarithm that is subtracted from every logit: all probabilities would be off by a factor.
  template<class T>
  [[nodiscard]] DISPAR_FN static double lost(double log_sum) {
    return static_cast<double>(static_cast<T>(log_sum)) - log_sum;
  }

  template<class V, class Row>
  DISPAR_FN vec<V, 0> shifts(const vec<V, 2>&, const Row&) const {
    return {};
  }
  template<class V, class Row>
  DISPAR_FN vec<V, sums> terms(const vec<V, 2>& x, const vec<V, 0>&, const Row& row) const {
    using T = typename V::scalar;
    const token<V> t = token_of(x, row);
    vec<V, sums> s;
    if constexpr (Gradient) {
      const vec<V, 3> v = detail::value_and_slopes(f, t);
      s[0] = v[0], s[1] = v[1], s[2] = v[2];
    } else if constexpr (token_sum<F>) {
      s[0] = detail::value_and_slopes(f, t)[0];
    } else {
      s[0] = f.value(t.p, t.q, t.log_ratio);
    }
    // Where it would be infinite it is left out and counted apart.
    const V nothing(row_nothing<T>), zero(0);
    if constexpr (needs_q<F>) {
      const auto absent = t.log_q <= nothing;
      DISPAR_UNROLL
      for (int i = 0; i < without_q; ++i) s[i] = select(absent, zero, s[i]);
      s[without_q] = select(absent, t.p, zero);
    }
    if constexpr (needs_p<F>) {
      const auto absent = t.log_p <= nothing;
      DISPAR_UNROLL
      for (int i = 0; i < without_q; ++i) s[i] = select(absent, zero, s[i]);
      s[without_p] = select(absent, t.q, zero);
    }
    if constexpr (Kind == row_kind::probabilities) s[negative] = select(x[0] < zero, V(1), select(x[1] < zero, V(1), zero));
    return s;
  }
  DISPAR_FN static void rescale(vec<double, sums>&, const vec<double, 0>&) {}
};

/// The row program of an f-divergence.
template<class F, row_kind Kind, bool Gradient>
struct divergence_program {
  static constexpr bool from_logits = Kind == row_kind::logits;
  static constexpr int inputs = 2, outputs = Gradient ? 2 : 0, results = 1, operands = Gradient ? 1 : 0;
  static constexpr int passes = from_logits ? 2 : 1;
  using sums_pass = divergence_pass<F, Kind, Gradient>;
  F f;
  double per_nat = 1;  ///< what a nat is in the unit asked for
  double factor = 1;   ///< of gradients

  struct row {
    double log_sum[2];  ///< of logits
    double value;
    double scale, mean_slope[2];  ///< of gradients
  };

  /// What a masked token is.
  DISPAR_FN static double masked() { return from_logits ? negative_infinity<double>() : 0; }
  DISPAR_FN row begin(const vec<double, operands>& of_row) const {
    row r{};
    r.scale = factor * per_nat;
    if constexpr (Gradient) r.scale *= of_row[0];
    return r;
  }
  template<int Pass>
  DISPAR_FN auto pass() const {
    if constexpr (from_logits && Pass == 0)
      return log_sum_exp_pass<2>{};
    else
      return sums_pass{f};
  }
  template<int Pass, int M, int S>
  DISPAR_FN void finish(const row_state<M, S>& s, row& r) const {
    if constexpr (from_logits && Pass == 0) {
      for (int i = 0; i < 2; ++i) r.log_sum[i] = log_sum_exp_of(s, i);
    } else {
      double sum = s.sum[0];
      if constexpr (from_logits) {  // what NaN has become on its way is not for a compiler flag to decide
        if (is_nan(r.log_sum[0]) || is_nan(r.log_sum[1])) sum = quiet_nan<double>();
      } else {
        if (s.sum[sums_pass::negative] > 0) sum = quiet_nan<double>();
      }
      if constexpr (needs_q<F>)
        if (s.sum[sums_pass::without_q] > 0) sum = infinite_unless_nan(sum);
      if constexpr (needs_p<F>)
        if (s.sum[sums_pass::without_p] > 0) sum = infinite_unless_nan(sum);
      // NaN and infinity stay what they are, whatever a compiler flag says of comparisons with them.
      double slope = 1, d = sum;
      if constexpr (requires { f.of_sum(sum); }) {
        d = f.of_sum(sum);
        slope = f.of_sum_slope(sum);
      }
      r.value = is_special(sum) ? sum : per_nat * (d < 0 ? 0 : d);
      if constexpr (Gradient) {
        r.scale = is_special(r.value) ? quiet_nan<double>() : r.scale * slope;
        for (int i = 0; i < 2; ++i) r.mean_slope[i] = s.sum[1 + i];
      }
    }
  }
  /// By logits: p_j (slope_j - sum_k p_k slope_k). By probabilities: the slope, 0 where the probability is 0.
  template<class V>
  DISPAR_FN vec<V, outputs> write(const vec<V, 2>& x, const row& r) const {
    if constexpr (Gradient) {
      const token<V> t = sums_pass::token_of(x, r);
      const vec<V, 3> v = detail::value_and_slopes(f, t);
      return gradient_of(t, v[1], v[2], r);
    } else {
      return {};
    }
  }
  /// The same of slopes that were kept from the last pass.
  static constexpr int first_draft = 1;
  template<class V>
  DISPAR_FN vec<V, outputs> write(const vec<V, 2>& x, const vec<V, outputs>& slope, const row& r) const requires(Gradient) {
    return gradient_of(sums_pass::token_of(x, r), slope[0], slope[1], r);
  }
  DISPAR_FN vec<double, 1> result(const row& r) const { return {{r.value}}; }

private:
  template<class V>
  DISPAR_FN static vec<V, 2> gradient_of(const token<V>& t, V slope_p, V slope_q, const row& r) {
    const V scale(r.scale);
    if constexpr (from_logits) {
      return {{scale * (slope_p - t.p * V(r.mean_slope[0])), scale * (slope_q - t.q * V(r.mean_slope[1]))}};
    } else {
      const V zero(0), one(1);
      const auto some_p = t.p > zero, some_q = t.q > zero;
      return {{scale * select(some_p, slope_p / select(some_p, t.p, one), zero),
               scale * select(some_q, slope_q / select(some_q, t.q, one), zero)}};
    }
  }
  DISPAR_FN static double infinite_unless_nan(double x) { return is_nan(x) ? x : positive_infinity<double>(); }
};

}  // namespace detail

/// The row program (`backend/rows.hpp`) of D(softmax(x_0), softmax(x_1)), for programs that go on with its value: behind the last
/// of its passes it is in `row::value`, NaN where the rows have none. It has no outputs. Throws for parameters out of range.
///
///     template<dispar::row_program D>
///     struct my_program {
///       static constexpr int passes = D::passes;
///       struct row : D::row { double weight; };                                 // finish<passes - 1> makes it of value
template<f_divergence F>
[[nodiscard]] auto value_program(const F& f, unit in = unit::nats) {
  if constexpr (requires { f.check(); }) f.check();
  return detail::divergence_program<F, detail::row_kind::logits, false>{
      f, detail::has_unit<F> && in == unit::bits ? detail::log2_e : 1.0};
}

}  // namespace divergence

DISPAR_NAMESPACE_END
