#pragma once

#include "dispar/core/rounding_fence.hpp"
#include "dispar/mmd/estimate.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// Where gradients go; a null view is not computed. One matrix per channel of the kernel, rows and columns those of the
/// sample; `parameters` has one entry per kernel parameter, in the order of `theta()`.
template<class T, int Channels = 1, memory_space S = host>
struct gradients {
  std::array<matrix_view<T, S>, static_cast<std::size_t>(Channels)> x{};  ///< by the rows of x
  std::array<matrix_view<T, S>, static_cast<std::size_t>(Channels)> y{};  ///< by the rows of y
  vector_view<double> parameters{};                                       ///< on the host, whatever the backend
  double factor = 1;        ///< the upstream derivative: every gradient is multiplied with it
  bool accumulate = false;  ///< add to what the views hold instead of overwriting it
};

/// The gradients of a kernel on samples like X, so that braces are enough: `{.x = {gx}, .factor = -1}`.
template<sample_like X, pair_function K>
using gradients_of = gradients<typename sample_type<X>::value_type, K::channels, typename sample_type<X>::space>;

namespace detail {

/// Upstream derivative d loss / d k_ij as a constant per block, times the weights of both rows where there are weights.
template<class T, bool Weighted>
struct constant_upstream {
  static constexpr int operands = Weighted ? 1 : 0;
  vec<T, 3> per_block;
  T matched = 0;  ///< added for the matched pairs across

  template<class V, class At>
  DISPAR_FN V operator()(const At& at) const {
    V u = V(per_block[at.block]) + select(at.matched, V(matched), V(0));
    return weigh(u, at);
  }
  /// How much the pair counts in the sums of k.
  template<class V, class At>
  DISPAR_FN static V weigh(V value, const At& at) {
    if constexpr (Weighted)
      return value * at.row[0] * at.col[0];
    else
      return value;
  }
};

/// Outputs 0 .. C-1: upstream dk/dd_c. Output C: k. Then upstream dk/dconstant, one per constant of the kernel.
template<pair_function K, class T, class Upstream>
struct kernel_gradient {
  static constexpr int channels = K::channels, constants = constants_of<K>;
  static constexpr int outputs = 1 + channels + constants, operands = Upstream::operands;
  vec<T, constants> constant;
  Upstream upstream;

  kernel_gradient(const K& k, const Upstream& u) : constant(narrowed_constants<K, T>(k)), upstream(u) {}

  template<class V, class At>
  DISPAR_FN vec<V, outputs> operator()(vec<V, channels> d, const At& at) const {
    using D = dual<V, channels + constants>;
    vec<D, channels> distance;
    vec<D, constants> c;
    DISPAR_UNROLL
    for (int i = 0; i < channels; ++i) distance[i] = D::variable(d[i], i);
    DISPAR_UNROLL
    for (int i = 0; i < constants; ++i) c[i] = D::variable(V(constant[i]), channels + i);
    const D k = K::value(distance, c);
    const V u = upstream.template operator()<V>(at);
    vec<V, outputs> out;
    DISPAR_UNROLL
    for (int i = 0; i < channels; ++i) out[i] = u * k.d[i];
    out[channels] = Upstream::weigh(k.value, at);
    DISPAR_UNROLL
    for (int i = 0; i < constants; ++i) out[channels + 1 + i] = u * k.d[channels + i];
    return out;
  }
};

/// Adds sum_c (d loss / d constant_c) (d constant_c / d parameter_p) to the view of parameter gradients.
template<pair_function K, class G>
void write_parameter_gradient(const K& k, const vec<double, constants_of<K>>& by_constant, const G& out) {
  const auto jacobian = dispar::detail::constants_jacobian(k);
  for (int p = 0; p < K::parameters; ++p) {
    double g = 0;
    for (int c = 0; c < constants_of<K>; ++c) g += by_constant[c] * jacobian[c][p];
    g *= out.factor;
    out.parameters(p) = out.accumulate ? out.parameters(p) + g : g;
  }
}

/// What rounding to T made of a factor, to be undone in double: c / T(c).
template<class T>
[[nodiscard]] double undo_rounding(double c) {
  const auto rounded = static_cast<double>(static_cast<T>(c));
  return rounded > 0 || rounded < 0 ? c / rounded : 1;
}

/// By block, what sums over pairs and over diagonals are multiplied with. Blocks cancel in a parameter's gradient: there, factors
/// rounded to float are an error of 6e-8 of the terms, a thousand times that of the estimate.
struct block_corrections {
  vec<double, 3> pairs{{1, 1, 1}};
  vec<double, 3> diagonal{{1, 1, 1}};
};

/// One pass over the pairs: gradients for an upstream given by pair, `diagonal` for the pairs (z_i, z_i), and the sums of k
/// over the three blocks (i < j within X and within Y, all pairs across).
template<backend B, class Samples, pair_function K, class Upstream, class T, class S, std::size_t... C>
vec<double, 3> gradient_pass(const B& b, const Samples& samples, const K& k, const Upstream& upstream, const Upstream& diagonal,
                             std::span<const vector_view<const T>> operands, const gradients<T, K::channels, S>& out,
                             const block_corrections& correct, std::index_sequence<C...>) {
  using operation = kernel_gradient<K, T, Upstream>;
  constexpr int constants = constants_of<K>, summed = 1 + constants;
  if (out.parameters)
    require(out.parameters.size() == K::parameters, "gradients: parameters", "must have one entry per kernel parameter",
            static_cast<double>(out.parameters.size()));
  const std::array<pair_block, 3> blocks{{{0, 0, true}, {1, 1, true}, {0, 1, false}}};
  std::array<double, static_cast<std::size_t>(3 * summed)> by_block{};
  pairwise(
      b, samples.data, operation(k, upstream), blocks, operands,
      total<K::channels, summed>{matrix_view<double>(by_block.data(), 3, summed)},
      feature_gradient<static_cast<int>(C), static_cast<int>(C), T, 2, S>{{out.x[C], out.y[C]}, out.factor, out.accumulate}...);

  vec<double, constants> by_constant{};
  for (int block = 0; block < 3; ++block)
    for (int c = 0; c < constants; ++c)
      by_constant[c] += rounding_fence(correct.pairs[block] * by_block[static_cast<std::size_t>(block * summed + 1 + c)]);
  if (out.parameters) {
    const index n = samples.n(), rows = n + samples.m();
    std::vector<double> values(static_cast<std::size_t>(rows * operation::outputs));
    pair_list(
        b, samples.data, operation(k, diagonal), rows,
        [n](index p) {
          return row_pair{p, p, p < n ? 0 : 1};
        },
        operands, matrix_view<double>(values.data(), rows, operation::outputs));
    for (index i = 0; i < rows; ++i)
      for (int c = 0; c < constants; ++c)
        by_constant[c] += rounding_fence(correct.diagonal[i < n ? 0 : 1] *
                                         values[static_cast<std::size_t>(i * operation::outputs + K::channels + 1 + c)]);
    write_parameter_gradient(k, by_constant, out);
  }
  return {{by_block[0], by_block[static_cast<std::size_t>(summed)], by_block[static_cast<std::size_t>(2 * summed)]}};
}

template<bool Weighted, backend B, class Samples, pair_function K, class T, class S>
vec<double, 3> estimate_gradient(const B& b, const Samples& samples, const K& k, const factors& f,
                                 const gradients<T, K::channels, S>& out) {
  using upstream = constant_upstream<T, Weighted>;
  const upstream pairs{{{static_cast<T>(2 * f.k[0]), static_cast<T>(2 * f.k[1]), static_cast<T>(f.k[2])}},
                       static_cast<T>(f.diagonal[2])};
  const upstream diagonal{{{static_cast<T>(f.diagonal[0]), static_cast<T>(f.diagonal[1]), T(0)}}, T(0)};
  const auto operands = weight_operands<Weighted, T>(samples);
  block_corrections correct;
  for (int block = 0; block < 3; ++block) {
    correct.pairs[block] = undo_rounding<T>(f.k[block]);
    correct.diagonal[block] = undo_rounding<T>(f.diagonal[block]);
  }
  return gradient_pass(b, samples, k, pairs, diagonal, std::span<const vector_view<const T>>(operands), out, correct,
                       std::make_index_sequence<static_cast<std::size_t>(K::channels)>());
}

}  // namespace detail

/// The estimate and its gradients with respect to the rows of x and y and to the kernel's parameters, in one pass:
///
///     d MMD^2 / d x_i = sum_j 2 xx / (n (n - 1)) dk(x_i, x_j)/dx_i - sum_j xy / (n m) dk(x_i, y_j)/dx_i    (unbiased form)
///
/// `gx` is n x d, `gy` m x d, in the type of the data; the defaults of `o` are those of `estimate`.
///
///     double v = mmd::value_and_gradient(cpu{}, x, y, gaussian{2.0}, {.x = {gx}, .y = {gy}});
///
/// Time: about twice `estimate` for the gradient in one sample; memory: the packed copy and double accumulators of the
/// gradients asked for. At coincident points, where a kernel has a kink, the gradient is 0. Throws as `estimate`, and for
/// gradient views of a wrong shape. As a loss: Li, Swersky & Zemel, ICML 2015; Dziugaite, Roy & Ghahramani, UAI 2015.
template<backend B, sample_like X, sample_like Y, pair_function K>
double value_and_gradient(const B& b, const X& x, const Y& y, const K& k, const gradients_of<X, K>& out, const options& o = {}) {
  static_assert(K::metric::translation_invariant, "dispar: gradients are for kernels of a distance, not of an inner product");
  const auto samples = detail::make_two_samples<typename K::metric>(b, x, y);
  const factors f = statistic_factors(o, samples.n(), samples.m(), samples.weight, samples.square_weight);
  const auto k_sums = samples.weighted() ? detail::estimate_gradient<true>(b, samples, k, f, out)
                                         : detail::estimate_gradient<false>(b, samples, k, f, out);
  auto s = detail::diagonal_sums(b, samples, k, f);
  s.k = {{2 * k_sums[0], 2 * k_sums[1], k_sums[2]}};
  return statistic(s, samples.n(), samples.m(), o);
}

}  // namespace mmd

DISPAR_NAMESPACE_END
