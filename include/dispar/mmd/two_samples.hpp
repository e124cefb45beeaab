#pragma once
/// \file
/// Two samples made ready for the pairwise primitive: packed once, used for every pass over the pairs.

#include <array>
#include <vector>

#include "dispar/backend/operations.hpp"

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

template<class B, class T>
using weights_view = vector_view<const T, typename B::space>;

/// Packed data of two segments, with the weights of their rows (empty where unweighted).
template<class Data, class T>
struct two_samples {
  Data data;
  std::vector<T> weights;
  vec<double, 2> weight{}, square_weight{};

  [[nodiscard]] index n() const { return data.count(0); }
  [[nodiscard]] index m() const { return data.count(1); }
  [[nodiscard]] bool weighted() const { return !weights.empty(); }
};

template<backend B, class T, int C, class S>
void append_weights(const B& b, const sample<T, C, S>& x, std::vector<computed_type<T>>& weights) {
  std::vector<computed_type<T>> own(static_cast<std::size_t>(x.rows()), 1);
  if (x.weights) {
    if constexpr (std::is_same_v<S, host> || std::is_same_v<typename B::space, host>)
      for (index i = 0; i < x.rows(); ++i) own[static_cast<std::size_t>(i)] = x.weights(i);
    else
      own = host_vector(b, x.weights);
  }
  for (const auto w : own) {
    require(!is_special(w) && w >= 0, "weighted: weights", "must be finite and not negative", static_cast<double>(w));
    weights.push_back(w);
  }
}

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
  std::vector<T> weights;
  if (segments[0].weights || segments[1].weights)
    for (const auto& s : segments) append_weights(b, s, weights);
  auto data = pack_samples<Metric>(b, segments);
  two_samples<decltype(data), T> result{std::move(data), std::move(weights)};
  for (int s = 0; s < 2; ++s) {
    if (!result.weighted()) {
      result.weight[s] = result.square_weight[s] = static_cast<double>(result.data.count(s));
      continue;
    }
    for (index i = 0; i < result.data.count(s); ++i) {
      const auto w = static_cast<double>(result.weights[static_cast<std::size_t>(result.data.first(s) + i)]);
      result.weight[s] += w;
      result.square_weight[s] += w * w;
    }
    require(result.weight[s] > 0, "weighted: weights", "must not all be 0", result.weight[s]);
  }
  return result;
}

template<backend B, class T, class S>
[[nodiscard]] auto make_two_samples(const B& b, const given_gram<T, S>& g) {
  auto data = given_samples(b, g.matrix, std::array<index, 2>{g.n, g.matrix.rows() - g.n});
  two_samples<decltype(data), T> result{std::move(data), {}};
  for (int s = 0; s < 2; ++s) result.weight[s] = result.square_weight[s] = static_cast<double>(result.data.count(s));
  return result;
}

}  // namespace detail

}  // namespace mmd

DISPAR_NAMESPACE_END
