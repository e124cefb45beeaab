#pragma once

#include "dispar/divergence/rows.hpp"

DISPAR_NAMESPACE_BEGIN

namespace divergence {

/// Jensen-Shannon as AdaCAD's released program computes it, to reproduce its numbers: probabilities that vanish are replaced
/// before the logarithm. If any p of the row underflows to 0, all p below `floor` become `floor`; the same for q; and for the
/// mixture (p + q) / 2 if p + q is 0 anywhere. Nothing is normalized afterwards, so that disjoint tokens give 0.69314716 and not
/// log 2, and values depend on the type: a float underflows earlier. `jensen_shannon` is the exact one; they agree where nothing
/// vanishes.
///
///     divergence::rows(cpu{}, a, b, divergence::clamped_jensen_shannon{}, values);
///
/// For `rows`, of logits, and `mean`, where one vanishing token concerns all rows, as in the released function. A masked token
/// vanishes. No gradients.
/// HanNight/AdaCAD, get_jsd; arXiv 2409.07394.
struct clamped_jensen_shannon {
  double floor = 1e-9;  ///< the least probability, above 0

  /// Throws `invalid_argument` for a floor that is not positive.
  void check() const { require(floor > 0 && floor < 1, "clamped_jensen_shannon: floor", "must lie between 0 and 1", floor); }
};

namespace detail {

/// Below it a probability is 0: half of the least subnormal number.
template<class T>
inline constexpr double log_of_vanishing = sizeof(T) == 4 ? -103.97207708399179 : -745.13321910194122;

/// How many p vanish, how many q, and how many of both at once.
struct vanishing_pass {
  static constexpr int maxima = 0, sums = 3;
  template<class V, class Row>
  DISPAR_FN static vec<V, 0> shifts(const vec<V, 2>&, const Row&) {
    return {};
  }
  template<class V, class Row>
  DISPAR_FN static vec<V, 3> terms(const vec<V, 2>& x, const vec<V, 0>&, const Row& row) {
    const V least(log_of_vanishing<typename V::scalar>), one(1), zero(0);
    const V p = select(x[0] - V(row.log_sum[0]) < least, one, zero), q = select(x[1] - V(row.log_sum[1]) < least, one, zero);
    return {{p, q, p * q}};
  }
  DISPAR_FN static void rescale(vec<double, 3>&, const vec<double, 0>&) {}
};

/// Sums of p log(p / m) + q log(q / m), nothing below its floor.
struct clamped_pass {
  static constexpr int maxima = 0, sums = 1;
  template<class V, class Row>
  DISPAR_FN static vec<V, 0> shifts(const vec<V, 2>&, const Row&) {
    return {};
  }
  template<class V, class Row>
  DISPAR_FN static vec<V, 1> terms(const vec<V, 2>& x, const vec<V, 0>&, const Row& row) {
    using T = typename V::scalar;
    const V p = exp2_nonpositive((x[0] - V(row.log_sum[0])) * V(log2_e));
    const V q = exp2_nonpositive((x[1] - V(row.log_sum[1])) * V(log2_e));
    const auto at_least = [](V value, double least) { return dispar::detail::lower_bounded(value, V(least)); };
    const auto safe_log = [](V value) { return log(dispar::detail::lower_bounded(value, V(row_least<T>))); };
    const V of_p = at_least(p, row.floor[0]), of_q = at_least(q, row.floor[1]);
    const V log_m = safe_log(at_least(V(0.5) * (p + q), row.floor[2]));
    return {{V(0.5) * (of_p * (safe_log(of_p) - log_m) + of_q * (safe_log(of_q) - log_m))}};
  }
  DISPAR_FN static void rescale(vec<double, 1>&, const vec<double, 0>&) {}
};

/// Results: the value, then 1 where a p vanishes, a q, both at once.
struct clamped_program {
  static constexpr int inputs = 2, outputs = 0, results = 4, passes = 3, operands = 0;
  double floor, per_nat;
  bool vanishing[3] = {false, false, false};  ///< somewhere else in the batch

  struct row {
    double log_sum[2], value, floor[3];
    bool vanishing[3];
  };

  DISPAR_FN row begin(const vec<double, 0>&) const { return {}; }
  template<int Pass>
  DISPAR_FN auto pass() const {
    if constexpr (Pass == 0)
      return log_sum_exp_pass<2>{};
    else if constexpr (Pass == 1)
      return vanishing_pass{};
    else
      return clamped_pass{};
  }
  template<int Pass, int M, int S>
  DISPAR_FN void finish(const row_state<M, S>& s, row& r) const {
    if constexpr (Pass == 0) {
      for (int i = 0; i < 2; ++i) r.log_sum[i] = log_sum_exp_of(s, i);
    } else if constexpr (Pass == 1) {
      for (int i = 0; i < 3; ++i) {
        r.vanishing[i] = s.sum[i] > 0;
        r.floor[i] = r.vanishing[i] || vanishing[i] ? floor : 0;
      }
    } else {
      r.value = is_nan(r.log_sum[0]) || is_nan(r.log_sum[1]) ? quiet_nan<double>() : per_nat * s.sum[0];
    }
  }
  template<class V>
  DISPAR_FN static vec<V, 0> write(const vec<V, 2>&, const row&) {
    return {};
  }
  DISPAR_FN static vec<double, 4> result(const row& r) {
    return {{r.value, r.vanishing[0] ? 1.0 : 0.0, r.vanishing[1] ? 1.0 : 0.0, r.vanishing[2] ? 1.0 : 0.0}};
  }
};

template<class B, sample_matrix A, sample_matrix Q, class R>
void run_clamped(const B& b, const A& a, const Q& q, const clamped_program& p, std::array<vector_view<double, R>, 4> results,
                 const row_options<space_of<A>>& o) {
  using T = value_type_of<A>;
  using S = space_of<A>;
  run_rows(b, p, row_inputs<T, 2, S>{.x = {view_of(a), view_of(q)}, .lengths = o.lengths, .mask = o.mask},
           row_outputs<T, 0, 4, S, R>{.results = results});
}

}  // namespace detail

/// As for the divergences that are functors: see `f_divergence.hpp`. Every row by itself.
[[nodiscard]] inline auto value_program(const clamped_jensen_shannon& f, unit in = unit::nats) {
  f.check();
  return detail::clamped_program{f.floor, in == unit::bits ? detail::log2_e : 1.0};
}

/// See `clamped_jensen_shannon`: every row by itself. Time twice that of `jensen_shannon`. Errors as there.
template<backend B, sample_matrix A, sample_matrix Q, class Values>
void rows(const B& b, const A& a, const Q& q, const clamped_jensen_shannon& f, Values&& values,
          const row_options<space_of<A>>& o = {}) {
  const auto out = view_of(values);
  detail::run_clamped<B, A, Q, typename decltype(out)::space>(b, a, q, value_program(f, o.in), {out}, o);
}

/// The mean over rows, "batchmean": a token that vanishes in one row has all rows clamped. Waits twice.
template<backend B, sample_matrix A, sample_matrix Q>
[[nodiscard]] double mean(const B& b, const A& a, const Q& q, const clamped_jensen_shannon& f,
                          const row_options<space_of<A>>& o = {}) {
  detail::clamped_program p = value_program(f, o.in);
  const index n = detail::row_count(a);
  array<double, 2, B> numbers(b, {4, n});
  std::array<vector_view<double, typename B::space>, 4> results;
  for (index k = 0; k < 4; ++k)
    results[static_cast<std::size_t>(k)] = vector_view<double, typename B::space>(numbers.data() + k * n, n);
  detail::run_clamped(b, a, q, p, results, o);
  const auto there = to_host(b, numbers);
  for (int k = 0; k < 3; ++k)
    for (index i = 0; i < n; ++i) p.vanishing[k] = p.vanishing[k] || there.data()[(k + 1) * n + i] > 0;
  array<double, 1, B> values(b, {n});
  detail::run_clamped<B, A, Q, typename B::space>(b, a, q, p, {values.view()}, o);
  return detail::mean_of(b, values);
}

}  // namespace divergence

DISPAR_NAMESPACE_END
