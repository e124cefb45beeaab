#pragma once
/// \file
/// Divergences of two rows in which all tokens outside of a mask are one: three passes over the rows, and two to write.

#include "dispar/divergence/rows.hpp"

DISPAR_NAMESPACE_BEGIN

namespace divergence::detail {

/// log(sum of exp) of both rows; minus infinity where there is no token.
struct log_sums_program {
  static constexpr int inputs = 2, outputs = 0, results = 2, passes = 1, operands = 0;
  struct row {
    double log_sum[2];
  };
  DISPAR_FN static row begin(const vec<double, 0>&) { return {}; }
  template<int>
  DISPAR_FN static log_sum_exp_pass<2> pass() {
    return {};
  }
  template<int>
  DISPAR_FN static void finish(const row_state<2, 2>& s, row& r) {
    for (int i = 0; i < 2; ++i)
      r.log_sum[i] = !is_special(s.sum[i]) && s.sum[i] <= 0 ? negative_infinity<double>() : log_sum_exp_of(s, i);
  }
  template<class V>
  DISPAR_FN static vec<V, 0> write(const vec<V, 2>&, const row&) {
    return {};
  }
  DISPAR_FN static vec<double, 2> result(const row& r) { return {{r.log_sum[0], r.log_sum[1]}}; }
};

/// log(exp x + exp y), y possibly minus infinity.
[[nodiscard]] DISPAR_FN double log_of_both(double x, double y) {
  if (is_nan(x) || is_nan(y)) return quiet_nan<double>();
  if (is_special(y)) return x;
  if (is_special(x)) return y;
  const double larger = x > y ? x : y, smaller = x > y ? y : x;
  return larger + std::log1p(std::exp(smaller - larger));
}

/// The divergence of the tokens under the mask and of one more, whose logits are operands. With gradients the results are, behind
/// the value, the normalizers of both rows and the factors of p_j and q_j in the gradients of the tokens that are lumped.
template<class F, bool Gradient>
struct lumped_program : divergence_program<F, row_kind::logits, Gradient> {
  using whole = divergence_program<F, row_kind::logits, Gradient>;
  using sums_pass = typename whole::sums_pass;
  static constexpr int results = Gradient ? 5 : 1, operands = 3;

  struct row : whole::row {
    double rest[2];
    double factor_of_rest[2];
  };

  DISPAR_FN row begin(const vec<double, 3>& of_row) const {
    row r{};
    if constexpr (Gradient)
      static_cast<typename whole::row&>(r) = whole::begin({{of_row[2]}});
    else
      static_cast<typename whole::row&>(r) = whole::begin({});
    for (int i = 0; i < 2; ++i) r.rest[i] = of_row[i];
    return r;
  }
  template<int Pass, int M, int S>
  DISPAR_FN void finish(row_state<M, S> s, row& r) const {
    if constexpr (Pass == 0) {
      // A row whose tokens under the mask cannot occur is all rest; a row without any is none.
      for (int i = 0; i < 2; ++i) {
        const double of_tokens = !is_special(s.sum[i]) && s.sum[i] <= 0 ? negative_infinity<double>() : log_sum_exp_of(s, i);
        r.log_sum[i] = log_of_both(of_tokens, r.rest[i]);
        if (is_special(r.log_sum[i])) r.log_sum[i] = quiet_nan<double>();
      }
    } else {
      const vec<V, 2> rest{{V(r.rest[0]), V(r.rest[1])}};
      const auto of_rest = sums_pass{this->f}.terms(rest, {}, r);
      for (int i = 0; i < S; ++i) s.sum[i] += number_in(of_rest[i]);
      whole::template finish<Pass>(s, r);
      if constexpr (Gradient) {
        const auto t = sums_pass::token_of(rest, r);
        const double mass[2] = {number_in(t.p), number_in(t.q)};
        for (int i = 0; i < 2; ++i)
          r.factor_of_rest[i] = r.scale * ((mass[i] > 0 ? number_in(of_rest[1 + i]) / mass[i] : 0) - r.mean_slope[i]);
      }
    }
  }
  DISPAR_FN vec<double, results> result(const row& r) const {
    if constexpr (Gradient)
      return {{r.value, r.log_sum[0], r.log_sum[1], r.factor_of_rest[0], r.factor_of_rest[1]}};
    else
      return {{r.value}};
  }

private:
  /// One number as a functor sees it.
  using V = dispar::detail::scalar_pack<double>;
  [[nodiscard]] DISPAR_FN static double number_in(V x) {
    double number;
    x.store(&number);
    return number;
  }
};

/// Gradients of the tokens that are lumped: their share of what the one token has.
struct lumped_gradient_program {
  static constexpr int inputs = 2, outputs = 2, results = 0, passes = 0, operands = 4;
  struct row {
    double log_sum[2], factor[2];
  };
  DISPAR_FN static row begin(const vec<double, 4>& of_row) { return {{of_row[0], of_row[1]}, {of_row[2], of_row[3]}}; }
  template<int>
  DISPAR_FN static log_sum_exp_pass<2> pass() {
    return {};
  }
  template<class V>
  DISPAR_FN static vec<V, 2> write(const vec<V, 2>& x, const row& r) {
    return {{V(r.factor[0]) * exp_below(x[0], r.log_sum[0]), V(r.factor[1]) * exp_below(x[1], r.log_sum[1])}};
  }
  DISPAR_FN static vec<double, 0> result(const row&) { return {}; }
};

/// `mask`: 0 for the tokens that are lumped.
template<bool Gradient, class B, class T, class S, class F, class Out, class G, class O, class M>
void run_lumped(const B& b, const matrix_view<const T, S>& a, const matrix_view<const T, S>& q, const F& f, const Out& values,
                const G& g, const O& o, const M& mask) {
  using space = typename B::space;
  using R = typename Out::space;
  const index n = a.rows();
  const matrix_view<const std::uint8_t, S> tokens(mask.data(), n, a.cols());
  array<double, 2, B> numbers(b, {Gradient ? 7 : 2, n});
  const auto number = [&](index k) { return vector_view<double, space>(numbers.data() + k * n, n); };
  // The same memory where inputs read it.
  const auto operand = [&](index k) { return vector_view<const double, S>(numbers.data() + k * n, n); };
  run_rows(b, log_sums_program{}, row_inputs<T, 2, S>{.x = {a, q}, .mask = tokens, .mask_excludes = true},
           row_outputs<T, 0, 2, S, space>{.results = {number(0), number(1)}});

  using program = lumped_program<F, Gradient>;
  const program p{{f, has_unit<F> && o.in == unit::bits ? log2_e : 1.0, g.factor}};
  row_inputs<T, 2, S, 3> in{.x = {a, q}, .operands = {operand(0), operand(1)}, .mask = tokens};
  if constexpr (!Gradient) {
    run_rows(b, p, in, row_outputs<T, 0, 1, S, R>{.results = {values}});
  } else {
    in.operands[2] = g.rows;
    row_outputs<T, 2, 5, S, space> out{.y = {g.a, g.b}, .accumulate = g.accumulate, .keep_masked = true};
    if (values) out.results[0] = vector_view<double, space>(values.data(), values.extents(), values.strides());
    for (index k = 1; k < 5; ++k) out.results[static_cast<std::size_t>(k)] = number(2 + k);
    run_rows(b, p, in, out);
    if (!g.a && !g.b) return;
    row_inputs<T, 2, S, 4> rest{.x = {a, q}, .operands = {operand(3), operand(4), operand(5), operand(6)}, .mask = tokens};
    rest.mask_excludes = true;
    run_rows(b, lumped_gradient_program{}, rest,
             row_outputs<T, 2, 0, S, space>{.y = {g.a, g.b}, .accumulate = g.accumulate, .keep_masked = true});
  }
}

}  // namespace divergence::detail

DISPAR_NAMESPACE_END
