#pragma once

#include "dispar/backend/rows.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference::detail {

/// The sum of a row of doubles, times a factor; of two aligned rows, the first sum divided by the second.
template<int Inputs>
struct row_totals {
  static constexpr int inputs = Inputs, outputs = 0, results = 1, passes = 1, operands = 0;
  double factor = 1;

  struct row {
    double total;
  };
  struct sums_pass {
    static constexpr int maxima = 0, sums = Inputs;
    template<class V, class Row>
    DISPAR_FN static vec<V, 0> shifts(const vec<V, Inputs>&, const Row&) {
      return {};
    }
    template<class V, class Row>
    DISPAR_FN static vec<V, Inputs> terms(const vec<V, Inputs>& x, const vec<V, 0>&, const Row&) {
      return x;
    }
    DISPAR_FN static void rescale(vec<double, Inputs>&, const vec<double, 0>&) {}
  };
  DISPAR_FN static row begin(const vec<double, 0>&) { return {}; }
  template<int>
  DISPAR_FN static sums_pass pass() {
    return {};
  }
  template<int>
  DISPAR_FN void finish(const row_state<0, Inputs>& s, row& r) const {
    r.total = factor * s.sum[0];
    if constexpr (Inputs == 2) r.total /= s.sum[1];
  }
  template<class V>
  DISPAR_FN static vec<V, 0> write(const vec<V, Inputs>&, const row&) {
    return {};
  }
  DISPAR_FN static vec<double, 1> result(const row& r) { return {{r.total}}; }
};

/// out(i) = factor * sum_j x(i, j).
template<class B, class S, class R>
void sum_rows(const B& b, const matrix_view<const double, S>& x, const vector_view<double, R>& out, double factor = 1) {
  run_rows(b, row_totals<1>{factor}, row_inputs<double, 1, S>{.x = {x}}, row_outputs<double, 0, 1, S, R>{.results = {out}});
}
/// out(i) = sum_j x(i, j) / sum_j y(i, j).
template<class B, class S, class R>
void divide_row_sums(const B& b, const matrix_view<const double, S>& x, const matrix_view<const double, S>& y,
                     const vector_view<double, R>& out) {
  run_rows(b, row_totals<2>{}, row_inputs<double, 2, S>{.x = {x, y}}, row_outputs<double, 0, 1, S, R>{.results = {out}});
}

}  // namespace preference::detail

DISPAR_NAMESPACE_END
