#pragma once
/// \file
/// Two samples made ready for the pairwise primitive: packed once, used for every pass over the pairs.

#include <array>
#include <vector>

#include "dispar/backend/operations.hpp"
#include "dispar/backend/step.hpp"
#include "dispar/mmd/statistic.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// A kernel matrix that the caller has, over the rows of X (first `n`) and then Y: `given(gram, n)` takes the place of two
/// samples and a kernel. Symmetric; the block above the diagonal is read.
template<class T, memory_space S>
struct given_gram {
  matrix_view<const T, S> matrix;  ///< (n + m) x (n + m)
  index n;                         ///< rows of X
};

/// The kernel matrix `gram` over n rows of X, then those of Y: `mmd::estimate(cpu{}, mmd::given(gram, n))`.
/// Throws `invalid_argument` unless it is square and leaves rows for both samples. No element is copied.
template<matrix_like G>
[[nodiscard]] auto given(const G& gram, index n) {
  const auto view = view_of(gram);
  require(view.rows() == view.cols(), "given: gram", "must be square", static_cast<double>(view.rows()));
  require(n > 0 && n < view.rows(), "given: n", "must leave rows for both samples", static_cast<double>(n));
  return given_gram<value_type_of<G>, space_of<G>>{view, n};
}

namespace detail {

using dispar::detail::scalar_pack;

/// Pairs of a row with itself: p is row p of x and y together, with the block of its sample. Made where they are needed.
struct self_pairs {
  static constexpr bool on_device = true;
  index n;  ///< rows of x
  DISPAR_FN row_pair operator()(index p) const { return {p, p, p < n ? 0 : 1}; }
};

/// Packed data of two segments, with the weights of their rows (empty where unweighted).
template<class Data, class T, backend B>
struct two_samples {
  using space = typename B::space;
  Data data;
  array<T, 1, B> weights;
  array<double, 1, B> weight_sums;           ///< of x and y, then of their squares, where weighted
  vec<double, 2> weight{}, square_weight{};  ///< the same on the host; numbers of rows where that is not the backend's memory

  [[nodiscard]] index n() const { return data.count(0); }
  [[nodiscard]] index m() const { return data.count(1); }
  [[nodiscard]] bool weighted() const { return weights.data() != nullptr; }
};

/// What an operation reads by row: the weights.
template<bool Weighted, backend B, class T, class Samples>
[[nodiscard]] auto weight_operands(const Samples& samples) {
  std::array<vector_view<const T, typename B::space>, Weighted ? 1 : 0> operands{};
  if constexpr (Weighted) operands[0] = samples.weights.view();
  return operands;
}

template<backend B, class T, int C, class S, class Target>
void append_weights(const B& b, const sample<T, C, S>& x, int number, computed_type<T>* target, const Target& sums) {
  if constexpr (!std::is_same_v<typename B::space, host>) {
    copy_weights(b, x.weights, x.rows(), number, target, sums);
  } else {
    vec<double, 2> sum{};
    for (index i = 0; i < x.rows(); ++i) {
      const auto w = x.weights ? x.weights(i) : computed_type<T>(1);
      require(!is_special(w) && w >= 0, "weighted: weights", "must be finite and not negative", static_cast<double>(w));
      target[i] = w;
      sum[0] += static_cast<double>(w);
      sum[1] += static_cast<double>(w) * static_cast<double>(w);
    }
    require(sum[0] > 0, "weighted: weights", "must not all be 0", sum[0]);
    for (int power = 0; power < 2; ++power) sums(power) = sum[power];
  }
}

/// The weights of both samples, row after row, and the sums of them and of their squares.
template<class T, backend B>
struct row_weights {
  array<T, 1, B> by_row;
  array<double, 1, B> sums;

  template<class S>
  row_weights(const B& b, const std::array<S, 2>& segments) : by_row(b, {segments[0].rows() + segments[1].rows()}), sums(b, {4}) {
    for (int s = 0; s < 2; ++s)
      append_weights(b, segments[static_cast<std::size_t>(s)], s, by_row.data() + (s == 0 ? 0 : segments[0].rows()),
                     vector_view<double, typename B::space>(sums.data() + s, {2}, {2}));
  }
  row_weights() = default;
};

template<metric Metric, backend B, sample_like X, sample_like Y>
[[nodiscard]] auto make_two_samples(const B& b, const X& x, const Y& y) {
  static_assert(has_pairwise<B>, "dispar: this backend cannot compute over pairs of rows: it has no member has_pairwise = true");
  using S = sample_type<X>;
  static_assert(std::is_same_v<S, sample_type<Y>>,
                "dispar: both samples must have the same element type, number of channels and memory space");
  using T = typename S::value_type;
  const std::array<S, 2> segments{as_sample(x), as_sample(y)};
  for (int s = 0; s < 2; ++s)
    require(segments[static_cast<std::size_t>(s)].rows() > 0, s == 0 ? "mmd: rows of x" : "mmd: rows of y", "must be at least 1",
            static_cast<double>(segments[static_cast<std::size_t>(s)].rows()));
  row_weights<T, B> weights;
  if (segments[0].weights || segments[1].weights) weights = row_weights<T, B>(b, segments);
  auto data = pack_samples<Metric>(b, segments);
  two_samples<decltype(data), T, B> result{std::move(data), std::move(weights.by_row), std::move(weights.sums)};
  for (int s = 0; s < 2; ++s) {
    result.weight[s] = result.square_weight[s] = static_cast<double>(result.data.count(s));
    if constexpr (std::is_same_v<typename B::space, host>)
      if (result.weighted()) {
        result.weight[s] = result.weight_sums.data()[s];
        result.square_weight[s] = result.weight_sums.data()[2 + s];
      }
  }
  return result;
}

template<backend B, class T, class S>
[[nodiscard]] auto make_two_samples(const B& b, const given_gram<T, S>& g) {
  auto data = given_samples(b, g.matrix, std::array<index, 2>{g.n, g.matrix.rows() - g.n});
  two_samples<decltype(data), T, B> result{std::move(data), {}, {}};
  for (int s = 0; s < 2; ++s) result.weight[s] = result.square_weight[s] = static_cast<double>(result.data.count(s));
  return result;
}

/// `require_form` for these samples.
template<class Samples>
void require_form(const Samples& samples, const options& o) {
  require_form(o, samples.n(), samples.m());
  // Weights of 0 and 1 leave it defined, where the host knows them.
  const bool counts = std::is_same_v<typename Samples::space, host> && samples.square_weight[0] == samples.weight[0] &&
                      samples.square_weight[1] == samples.weight[1];
  require(o.form != estimator::one_sample || !samples.weighted() || counts, "mmd: one-sample form", "takes no weights");
}

/// An output of an asynchronous form.
template<backend B, class T, class S>
void require_output(const scalar_view<T, S>& out, const char* name) {
  static_assert(
      reachable<S, typename B::space>,
      "dispar: this backend cannot write to that memory; take memory of the backend, or the form that returns the value");
  require(static_cast<bool>(out), name, "must not be the null view");
}

}  // namespace detail

}  // namespace mmd

DISPAR_NAMESPACE_END
