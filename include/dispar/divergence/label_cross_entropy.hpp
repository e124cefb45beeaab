#pragma once
/// \file
/// Cross-entropy of rows of logits with the tokens that should have been: the loss of language models and classifiers.

#include "dispar/backend/step.hpp"
#include "dispar/divergence/rows.hpp"

DISPAR_NAMESPACE_BEGIN

namespace divergence {

/// Options of `label_cross_entropy`. The first three are those of `row_options`.
template<memory_space S = host>
struct label_options {
  unit in = unit::nats;                          ///< of the result and of what its gradients are derivatives of
  vector_view<const std::int64_t, S> lengths{};  ///< tokens of each row that count, the first ones; null: all
  matrix_view<const std::uint8_t, S> mask{};     ///< tokens where it is 0 do not take part
  double label_smoothing = 0;                    ///< e: the share of the target that is spread over all tokens, in [0, 1)
  std::int64_t ignore_index = -100;              ///< rows of this label do not count; the default is PyTorch's
  vector_view<const double, S> weights{};        ///< of rows, such as those of their classes; null: all 1
};

namespace detail {

/// Sums of e = exp(x - m), and, to spread a share of the target, of x - m and of 1 over the tokens that can occur.
template<bool Smooth>
struct label_pass {
  static constexpr int maxima = 1, sums = Smooth ? 3 : 1;
  template<class V, class Row>
  DISPAR_FN static vec<V, 1> shifts(const vec<V, 1>& x, const Row&) {
    return x;
  }
  template<class V, class Row>
  DISPAR_FN static vec<V, sums> terms(const vec<V, 1>& x, const vec<V, 1>& maximum, const Row&) {
    vec<V, sums> s;
    const V below = x[0] - maximum[0];
    s[0] = exp2_nonpositive(below * V(log2_e));
    if constexpr (Smooth) {
      const auto absent = x[0] <= V(row_nothing<typename V::scalar>);
      s[1] = select(absent, V(0), below);
      s[2] = select(absent, V(0), V(1));
    }
    return s;
  }
  DISPAR_FN static void rescale(vec<double, sums>& sum, const vec<double, 1>& drop) {
    sum[0] *= std::exp(drop[0]);
    if constexpr (Smooth)
      if (sum[2] > 0) sum[1] += drop[0] * sum[2];
  }
};

template<bool Smooth>
struct label_program {
  static constexpr int inputs = 1, outputs = 1, results = 1, passes = 1, operands = 2;
  dispar::detail::strided_vector<const std::int64_t> labels;
  std::int64_t ignored;
  double smoothing, per_nat, factor;

  struct row {
    index label;  ///< -1: none
    double weight, scale, logit, log_sum, value, spread;
  };
  DISPAR_FN row begin(const vec<double, 2>& of_row) const {
    row r{};
    r.label = -1;
    r.weight = per_nat * of_row[1];
    r.scale = factor * of_row[0] * r.weight;
    return r;
  }
  DISPAR_FN bool skips(index i) const { return labels(i) == ignored; }
  template<class X>
  DISPAR_FN void gather(index i, const X& x, row& r) const {
    if (skips(i)) {
      r.weight = 0;
      return;
    }
    const std::int64_t label = labels(i);
    if (label < 0 || label >= static_cast<std::int64_t>(x.length)) {
      r.logit = r.scale = quiet_nan<double>();
      return;
    }
    r.label = static_cast<index>(label);
    r.logit = x(0, r.label);
  }
  template<int>
  DISPAR_FN static label_pass<Smooth> pass() {
    return {};
  }
  template<int, int M, int S>
  DISPAR_FN void finish(const row_state<M, S>& s, row& r) const {
    if (r.label < 0) {  // a row that does not count, or one that has no such token
      r.value = is_nan(r.logit) ? r.logit : 0;
      return;
    }
    const bool none = is_special(s.sum[0]) || !(s.sum[0] > 0);
    r.log_sum = none ? quiet_nan<double>() : s.maximum[0] + std::log(s.sum[0]);
    r.value = (1 - smoothing) * surprise(r, none);
    if constexpr (Smooth) {
      r.spread = smoothing / s.sum[2];
      r.value += smoothing * (r.log_sum - s.maximum[0] - s.sum[1] / s.sum[2]);
    }
    r.value = none ? quiet_nan<double>() : r.weight * r.value;
    if (none) r.scale = r.log_sum;
  }
  /// scale (p_j - e / n), n being the number of tokens that can occur.
  template<class V>
  DISPAR_FN static vec<V, 1> write(const vec<V, 1>& x, const row& r) {
    V slope = exp_below(x[0], r.log_sum);
    if constexpr (Smooth) slope = slope - select(x[0] <= V(row_nothing<typename V::scalar>), V(0), V(r.spread));
    return {{V(r.scale) * slope}};
  }
  template<class Y>
  DISPAR_FN void scatter(index, const Y& y, const row& r) const {
    if (r.label < 0) return;
    const double p = std::exp(r.logit - r.log_sum) - (r.logit > row_nothing<double> ? r.spread : 0);
    y.replace(0, r.label, r.scale * p, r.scale * (p - (1 - smoothing)));
  }
  DISPAR_FN static vec<double, 1> result(const row& r) { return {{r.value}}; }

private:
  /// -log p of the label; infinity where it cannot occur.
  DISPAR_FN static double surprise(const row& r, bool none) {
    if (!none && !is_nan(r.logit) && is_special(r.logit)) return positive_infinity<double>();
    return r.log_sum - r.logit;
  }
};

/// What a row counts in a mean; NaN for a label outside of the vocabulary.
struct weigh_labels {
  dispar::detail::strided_vector<const std::int64_t> labels;
  dispar::detail::strided_vector<const double> weights;
  std::int64_t ignored, tokens;
  double* out;
  DISPAR_FN void operator()(index i) const {
    const std::int64_t label = labels(i);
    const double weight = weights.data ? weights(i) : 1;
    out[i] = label == ignored ? 0 : label < 0 || label >= tokens ? quiet_nan<double>() : weight;
  }
};

template<class T, class B, class S, class L, class O, class Out, class G>
void run_labels(const B& b, const matrix_view<const T, S>& a, const vector_view<const std::int64_t, L>& labels, const O& o,
                const Out& values, const G& g) {
  static_assert(reachable<L, typename B::space>, "dispar: this backend cannot read the memory of the labels");
  const double e = o.label_smoothing;
  require(e >= 0 && e < 1, "label_cross_entropy: label_smoothing", "must lie in [0, 1)", e);
  require(labels.size() == a.rows(), "label_cross_entropy: labels", "must have one entry per row",
          static_cast<double>(labels.size()));
  const auto run = [&](auto program) {
    program.labels = dispar::detail::strided_of(labels);
    program.ignored = o.ignore_index;
    program.smoothing = e;
    program.per_nat = o.in == unit::bits ? log2_e : 1.0;
    program.factor = g.factor;
    run_rows(b, program, row_inputs<T, 1, S, 2>{.x = {a}, .lengths = o.lengths, .operands = {g.rows, o.weights}, .mask = o.mask},
             row_outputs<T, 1, 1, S, typename Out::space>{.y = {g.a}, .results = {values}, .accumulate = g.accumulate});
  };
  if (e > 0)
    run(label_program<true>{});
  else
    run(label_program<false>{});
}

}  // namespace detail

/// The cross-entropy of every row with the token that should have been, l_i = w_i (log sum_v exp a_iv - a_iy), y = labels(i), and
/// where a gradient is wanted (`g.a`) dl / da_j = w_i (p_j - [j = y]). One pass, and one to write; softmax is never stored, and
/// rows that do not count are not read. With label smoothing e the target is (1 - e) [j = y] + e / n over the n tokens that can
/// occur: those with a logit above minus infinity (PyTorch: over all, which makes the loss infinite where one cannot).
///
///     divergence::label_cross_entropy(cpu{}, logits, labels, values);                                // one double per row
///     divergence::label_cross_entropy(cpu{}, logits, labels, values, {.label_smoothing = 0.1}, {.a = gradient});
///
/// logits: rows x vocabulary; labels: `std::int64_t` per row, in memory that the backend reads; values: doubles, may be the null
/// view. The gradient may overwrite the logits. Rows of label `ignore_index` have value 0 and gradient 0. NaN: a label outside of
/// the vocabulary or behind the row's length, and what has no softmax (see `divergence::rows`). A label that cannot occur has an
/// infinite value and a finite gradient. Returns at once on a GPU. Throws `invalid_argument` as `rows` does, for as many labels
/// as there are not rows, and for a smoothing outside [0, 1).
/// Label smoothing: Szegedy et al., CVPR 2016, eq. 7 and below.
template<backend B, sample_matrix A, class Labels, class Values>
void label_cross_entropy(const B& b, const A& a, const Labels& labels, Values&& values, const label_options<space_of<A>>& o = {},
                         const gradients<value_type_of<A>, space_of<A>>& g = {}) {
  const auto label = view_of(labels);
  detail::run_labels<value_type_of<A>>(b, matrix_view<const value_type_of<A>, space_of<A>>(view_of(a)),
                                       vector_view<const std::int64_t, typename decltype(label)::space>(label), o,
                                       view_of(values), g);
}

/// The weighted mean over the rows that count, sum_i w_i l_i / sum_i w_i, with its gradient where one is wanted:
///
///     double loss = divergence::mean_label_cross_entropy(cpu{}, logits, labels, {.label_smoothing = 0.1}, {.a = gradient});
///
/// Waits twice on a GPU. Throws as `label_cross_entropy`, before any work for a label outside of the vocabulary and for weights
/// whose sum is not positive (no row counts), and for a row without a softmax.
template<backend B, sample_matrix A, class Labels>
double mean_label_cross_entropy(const B& b, const A& a, const Labels& labels, const label_options<space_of<A>>& o = {},
                                gradients<value_type_of<A>, space_of<A>> g = {}) {
  const auto label = view_of(labels);
  const vector_view<const std::int64_t, typename decltype(label)::space> of_rows(label);
  const index n = detail::row_count(a), tokens = view_of(a).cols();
  require(of_rows.size() == n, "label_cross_entropy: labels", "must have one entry per row", static_cast<double>(of_rows.size()));
  if (o.weights)
    require(o.weights.size() == n, "label_cross_entropy: weights", "must have one entry per row",
            static_cast<double>(o.weights.size()));
  array<double, 1, B> numbers(b, {n});
  for_each_index(b, n,
                 detail::weigh_labels{dispar::detail::strided_of(of_rows), dispar::detail::strided_of(o.weights), o.ignore_index,
                                      static_cast<std::int64_t>(tokens), numbers.data()});
  double total = 0;
  {
    const auto weights = to_host(b, numbers);
    for (index i = 0; i < n; ++i) {
      if (is_nan(weights.data()[i]))
        throw invalid_argument("dispar: label_cross_entropy: labels: that of row " + std::to_string(i) +
                               " is not in the vocabulary, or its weight is NaN");
      total += weights.data()[i];
    }
  }
  require(total > 0, "label_cross_entropy: sum of the weights of rows that count", "must be positive", total);
  g.factor /= total;
  label_cross_entropy(b, a, labels, numbers.view(), o, g);
  return detail::mean_of(b, numbers) * static_cast<double>(n) / total;
}

}  // namespace divergence

DISPAR_NAMESPACE_END
