#pragma once

#include <cstring>
#include <vector>

#include "dispar/backend/strided_vector.hpp"
#include "dispar/core/rounding_fence.hpp"
#include "dispar/mmd/estimate.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// Where gradients go; a null view is not computed. One matrix per channel of the kernel, rows and columns those of the
/// sample; `parameters` has one entry per kernel parameter, in the order of `theta()`: on the host for forms that return a value
/// (P = host), in the backend's memory for forms that write to an output.
template<class T, int Channels = 1, memory_space S = host, memory_space P = host>
struct gradients {
  std::array<matrix_view<T, S>, static_cast<std::size_t>(Channels)> x{};  ///< by the rows of x
  std::array<matrix_view<T, S>, static_cast<std::size_t>(Channels)> y{};  ///< by the rows of y
  vector_view<double, P> parameters{};                                    ///< by the kernel's parameters
  double factor = 1;                        ///< the upstream derivative: every gradient is multiplied with it
  bool accumulate = false;                  ///< add to what the views hold instead of overwriting it
  scalar_view<const double, S> upstream{};  ///< one more factor, read where the samples are; the null view: 1
};

/// The gradients of a kernel on samples like X, so that braces are enough: `{.x = {gx}, .factor = -1}`.
template<sample_like X, pair_function K>
using gradients_of = gradients<typename sample_type<X>::value_type, K::channels, typename sample_type<X>::space>;
/// The same for forms that write to memory of the backend `B`, parameters included.
template<backend B, sample_like X, pair_function K>
using gradients_on =
    gradients<typename sample_type<X>::value_type, K::channels, typename sample_type<X>::space, typename B::space>;

namespace detail {

/// Upstream derivative d loss / d k_ij as a constant per block.
template<class T>
struct upstream_constants {
  vec<T, 3> per_block;
  T matched = 0;  ///< added for the matched pairs across
};

/// The same as part of an operation; times the weights of both rows where there are weights. The constants then depend on them
/// and are read where the weights are.
template<class T, bool Weighted>
struct constant_upstream {
  static constexpr int operands = Weighted ? 1 : 0;
  std::conditional_t<Weighted, const upstream_constants<T>*, upstream_constants<T>> constants;

  template<class V, class At>
  DISPAR_FN V operator()(const At& at) const {
    const upstream_constants<T>& c = present();
    V u = V(c.per_block[at.block]) + select(at.matched, V(c.matched), V(0));
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

private:
  DISPAR_FN const upstream_constants<T>& present() const {
    if constexpr (Weighted)
      return *constants;
    else
      return constants;
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

/// What rounding to T made of a factor, to be undone in double: c / T(c).
template<class T>
[[nodiscard]] DISPAR_FN double undo_rounding(double c) {
  const auto rounded = static_cast<double>(static_cast<T>(c));
  return rounded > 0 || rounded < 0 ? c / rounded : 1;
}

/// By block, what sums over pairs and over diagonals are multiplied with. Blocks cancel in a parameter's gradient: there, factors
/// rounded to float are an error of 6e-8 of the terms, a thousand times that of the estimate.
struct block_corrections {
  vec<double, 3> pairs{{1, 1, 1}};
  vec<double, 3> diagonal{{1, 1, 1}};
};

/// The estimate's constants for its factors.
template<class T>
struct estimate_constants {
  upstream_constants<T> pairs, diagonal;
  block_corrections correct;
};
template<class T>
[[nodiscard]] DISPAR_FN_APART estimate_constants<T> constants_of_factors(const factors& f) {
  estimate_constants<T> c{};
  c.pairs = {{{static_cast<T>(2 * f.k[0]), static_cast<T>(2 * f.k[1]), static_cast<T>(f.k[2])}}, static_cast<T>(f.diagonal[2])};
  c.diagonal = {{{static_cast<T>(f.diagonal[0]), static_cast<T>(f.diagonal[1]), T(0)}}, T(0)};
  for (int block = 0; block < 3; ++block) {
    c.correct.pairs[block] = undo_rounding<T>(f.k[block]);
    c.correct.diagonal[block] = undo_rounding<T>(f.diagonal[block]);
  }
  return c;
}
/// The same as a step, where weights are on a device.
template<class T>
struct write_constants {
  estimate_constants<T>* out;
  options o;
  index n;
  const double* weight_sums;
  DISPAR_FN void operator()() const {
    *out = constants_of_factors<T>(factors_of(o, n, {{weight_sums[0], weight_sums[1]}}, {{weight_sums[2], weight_sums[3]}}));
  }
};

/// Adds up sum_c (d loss / d constant_c) (d constant_c / d parameter_p).
template<int Constants, int Parameters, int Outputs>
struct write_parameter_gradient {
  const double* by_block;  ///< [3][1 + constants]: k, then by constant
  const double* diagonal;  ///< [2][outputs] of the diagonals, the last by constant; null: none
  block_corrections correct;
  const block_corrections* corrections;  ///< in place of `correct`, or null
  vec<vec<double, Parameters>, Constants> jacobian;
  double factor;
  const double* upstream;  ///< or null
  bool accumulate;
  double* out;
  index stride;

  DISPAR_FN void operator()() const {
    const block_corrections& c = corrections ? *corrections : correct;
    for (int p = 0; p < Parameters; ++p) {
      double g = 0;
      for (int constant = 0; constant < Constants; ++constant) {
        double by_constant = 0;
        for (int block = 0; block < 3; ++block)
          by_constant += rounding_fence(c.pairs[block] * by_block[block * (1 + Constants) + 1 + constant]);
        for (int sample = 0; sample < 2 && diagonal; ++sample)
          by_constant += rounding_fence(c.diagonal[sample] * diagonal[sample * Outputs + Outputs - Constants + constant]);
        g += by_constant * jacobian[constant][p];
      }
      g *= upstream ? factor * *upstream : factor;
      out[p * stride] = accumulate ? out[p * stride] + g : g;
    }
  }
};

/// How a gradient pass is made: upstreams of the pairs and of the pairs (z_i, z_i), and what their constants left to rounding.
template<class Upstream>
struct gradient_upstream {
  Upstream pairs, diagonal;
  bool has_diagonal = true;
  block_corrections correct{};
  const block_corrections* corrections = nullptr;  ///< in place of `correct`
};

/// One pass over the pairs: gradients for an upstream given by pair. `by_block` becomes the sums of k, then by constant, over the
/// three blocks (i < j within X and within Y, all pairs across).
template<backend B, class Samples, pair_function K, class Upstream, class Operands, class T, class S, class P, std::size_t... C>
void gradient_pass(const B& b, const Samples& samples, const K& k, const gradient_upstream<Upstream>& upstream,
                   const Operands& operand_list, const gradients<T, K::channels, S, P>& out,
                   const matrix_view<double, typename B::space>& by_block, std::index_sequence<C...>) {
  using space = typename B::space;
  using operation = kernel_gradient<K, T, Upstream>;
  constexpr int constants = constants_of<K>, summed = 1 + constants;
  static_assert(reachable<P, space>, "dispar: gradients by parameters are written where the backend works");
  if (out.parameters)
    require(out.parameters.size() == K::parameters, "gradients: parameters", "must have one entry per kernel parameter",
            static_cast<double>(out.parameters.size()));
  const std::array<pair_block, 3> blocks{{{0, 0, true}, {1, 1, true}, {0, 1, false}}};
  const std::span<const vector_view<const T, space>> operands(operand_list);
  pairwise(b, samples.data, operation(k, upstream.pairs), blocks, operands, total<K::channels, summed, space>{by_block},
           feature_gradient<static_cast<int>(C), static_cast<int>(C), T, 2, S>{
               {out.x[C], out.y[C]}, out.factor, out.accumulate, out.upstream}...);
  if (!out.parameters) return;

  const index n = samples.n(), m = samples.m();
  array<double, 2, B> sums(b, {2, operation::outputs});
  if (upstream.has_diagonal) {
    array<double, 2, B> values(b, {n + m, operation::outputs});
    pair_list(b, samples.data, operation(k, upstream.diagonal), n + m, self_pairs{n}, operands, values.view());
    for (index sample = 0; sample < 2; ++sample)
      column_sums(b, std::as_const(values).view().slice(sample * n, sample == 0 ? n : m),
                  vector_view<double, space>(sums.data() + sample * operation::outputs, operation::outputs));
  }
  in_order(b, write_parameter_gradient<constants, K::parameters, operation::outputs>{
                  by_block.data(), upstream.has_diagonal ? sums.data() : nullptr, upstream.correct, upstream.corrections,
                  dispar::detail::constants_jacobian(k), out.factor, out.upstream.data(), out.accumulate, out.parameters.data(),
                  out.parameters.stride(0)});
}

/// The estimate at `value`, and its gradients.
template<bool Weighted, backend B, class Samples, pair_function K, class T, class S, class P>
void estimate_gradient(const B& b, const Samples& samples, const K& k, const options& o,
                       const gradients<T, K::channels, S, P>& out, double* value) {
  using upstream = constant_upstream<T, Weighted>;
  require_form(samples, o);
  array<double, 2, B> by_block(b, {3, 1 + constants_of<K>});
  gradient_upstream<upstream> how{};
  result<estimate_constants<T>, B> constants(b);
  if constexpr (Weighted) {
    estimate_constants<T>* const at = constants.view().data();
    in_order(b, write_constants<T>{at, o, samples.n(), samples.weight_sums.data()});
    how = {{&at->pairs}, {&at->diagonal}, true, {}, &at->correct};
  } else {
    const auto c = constants_of_factors<T>(factors_of(o, samples.n(), samples.weight, samples.square_weight));
    how = {{c.pairs}, {c.diagonal}, true, c.correct};
  }
  how.has_diagonal = o.form == estimator::biased;
  gradient_pass(b, samples, k, how, weight_operands<Weighted, B, T>(samples), out, by_block.view(),
                std::make_index_sequence<static_cast<std::size_t>(K::channels)>());
  result<sums, B> s(b);
  finish_from<Weighted>(b, samples, k, o, diagonals_of(o),
                        dispar::detail::strided_vector<const double>{by_block.data(), 1 + constants_of<K>}, s.view().data(),
                        value);
}

template<backend B, class Samples, pair_function K, class T, class S, class P>
void estimate_gradient(const B& b, const Samples& samples, const K& k, const options& o,
                       const gradients<T, K::channels, S, P>& out, double* value) {
  if (samples.weighted())
    estimate_gradient<true>(b, samples, k, o, out, value);
  else
    estimate_gradient<false>(b, samples, k, o, out, value);
}

struct write_zero {
  double* out;
  DISPAR_FN void operator()(index i) const { out[i] = 0; }
};

/// Runs `write(gradients in the backend's memory, value)` for a form that returns a `V`: the gradients by parameters come back to
/// the host together with it.
template<class V, backend B, class T, int C, class S, class Write>
[[nodiscard]] V returned(const B& b, const gradients<T, C, S>& out, index parameters, const Write& write) {
  using space = typename B::space;
  if (out.parameters)
    require(out.parameters.size() == parameters, "gradients: parameters", "must have one entry per kernel parameter",
            static_cast<double>(out.parameters.size()));
  constexpr auto head = static_cast<index>(sizeof(V) / sizeof(double));
  static_assert(sizeof(V) % sizeof(double) == 0 && std::is_trivially_copyable_v<V>);
  array<double, 1, B> there(b, {head + parameters});
  if constexpr (std::is_same_v<space, host>) {
    write(out, reinterpret_cast<V*>(there.data()));
  } else {
    gradients<T, C, S, space> on_device{out.x, out.y, {}, out.factor, out.accumulate, out.upstream};
    if (out.parameters) {
      on_device.parameters = vector_view<double, space>(there.data() + head, parameters);
      for_each_index(b, parameters, write_zero{there.data() + head});  // what the views hold is added on the host
    }
    write(on_device, reinterpret_cast<V*>(there.data()));
  }
  std::vector<double> here(static_cast<std::size_t>(head + (out.parameters ? parameters : 0)));
  read_back(b, there.data(), here.data(), static_cast<index>(here.size()));
  if constexpr (!std::is_same_v<space, host>)
    if (out.parameters)
      for (index p = 0; p < parameters; ++p) {
        const double g = here[static_cast<std::size_t>(head + p)];
        out.parameters(p) = out.accumulate ? out.parameters(p) + g : g;
      }
  V value;
  std::memcpy(&value, here.data(), sizeof value);
  return value;
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
  return detail::returned<double>(b, out, K::parameters, [&](const auto& there, double* value) {
    detail::estimate_gradient(b, detail::make_two_samples<typename K::metric>(b, x, y), k, o, there, value);
  });
}

/// The same, the value written to `value`: asynchronous as `estimate` with an output. Everything lies in memory of the backend,
/// the gradients by parameters and the factor `.upstream` too.
///
///     mmd::value_and_gradient(gpu, x, y, gaussian{2.0}, value, {.x = {gx}, .parameters = gk, .upstream = derivative});
///
/// Throws as above, and for the null view.
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void value_and_gradient(const B& b, const X& x, const Y& y, const K& k, const scalar_view<double, S>& value,
                        const gradients_on<B, X, K>& out, const options& o = {}) {
  static_assert(K::metric::translation_invariant, "dispar: gradients are for kernels of a distance, not of an inner product");
  detail::require_output<B>(value, "value_and_gradient: value");
  detail::estimate_gradient(b, detail::make_two_samples<typename K::metric>(b, x, y), k, o, out, value.data());
}

}  // namespace mmd

DISPAR_NAMESPACE_END
