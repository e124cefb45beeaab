#pragma once

#include "dispar/contrastive/pair_bands.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

namespace detail {

/// Element e % features of thing e / features.
template<class E, class T>
struct mean_over_tokens {
  const E* x;
  index by_thing, by_token, by_feature, tokens, features;
  strided<T> out;
  DISPAR_FN void operator()(index e) const {
    const index i = e / features, k = e % features;
    double sum = 0;
    for (index t = 0; t < tokens; ++t) sum += in_double(x[i * by_thing + t * by_token + k * by_feature]);
    out(i, k) = static_cast<T>(sum / static_cast<double>(tokens));
  }
};
template<class T>
struct share_among_tokens {
  strided<const T> by_mean;
  index tokens, features;
  T* out;
  index by_thing, by_token, by_feature;
  DISPAR_FN void operator()(index e) const {
    const index i = e / features, k = e % features;
    const T share = static_cast<T>(static_cast<double>(by_mean(i, k)) / static_cast<double>(tokens));
    for (index t = 0; t < tokens; ++t) out[i * by_thing + t * by_token + k * by_feature] = share;
  }
};

/// The shapes of tokens and of their means.
template<class E, memory_space S, class T, memory_space R>
void require_tokens(const tensor_view<E, 3, S>& tokens, const matrix_view<T, R>& means) {
  const auto number = [](index n) { return static_cast<double>(n); };
  require(tokens.extent(1) > 0, "token_means: tokens", "must be at least 1", number(tokens.extent(1)));
  require(means.rows() == tokens.extent(0), "token_means: rows of means", "must be one per thing", number(means.rows()));
  require(means.cols() == tokens.extent(2), "token_means: columns of means", "must be the features", number(means.cols()));
}

}  // namespace detail

/// One embedding per thing from those of its tokens: out(i, k) = mean_t x(i, t, k), summed in double.
///
///     contrastive::token_means(cpu{}, tokens, pooled);   // things x tokens x features, things x features
///
/// On a GPU it returns at once. Any strides. NaN in gives NaN out. Time O(things tokens features), no memory.
/// Throws `invalid_argument` for no tokens and for shapes that differ.
template<backend B, class E, memory_space S, class T, memory_space R>
void token_means(const B& b, const tensor_view<E, 3, S>& x, const matrix_view<T, R>& out) {
  static_assert(reachable<S, typename B::space> && reachable<R, typename B::space>,
                "dispar: this backend cannot reach that memory");
  detail::require_tokens(x, out);
  for_each_index(b, out.size(), static_cast<double>(x.size()),
                 detail::mean_over_tokens<std::remove_const_t<E>, T>{x.data(), x.stride(0), x.stride(1), x.stride(2), x.extent(1),
                                                                     x.extent(2), dispar::detail::strided_of(out)});
}

/// The gradient by the tokens from that by their means: by_x(i, t, k) = by_mean(i, k) / tokens.
///
///     contrastive::token_means_gradient(cpu{}, by_pooled, by_tokens);
///
/// Else as `token_means`.
template<backend B, class G, class T, memory_space S, memory_space R>
void token_means_gradient(const B& b, const matrix_view<G, R>& by_mean, const tensor_view<T, 3, S>& by_x) {
  static_assert(reachable<S, typename B::space> && reachable<R, typename B::space>,
                "dispar: this backend cannot reach that memory");
  static_assert(std::same_as<std::remove_const_t<G>, T>, "dispar: both gradients must have the same element type");
  detail::require_tokens(by_x, by_mean);
  for_each_index(b, by_mean.size(), static_cast<double>(by_x.size()),
                 detail::share_among_tokens<T>{{by_mean.data(), by_mean.stride(0), by_mean.stride(1)},
                                               by_x.extent(1),
                                               by_x.extent(2),
                                               by_x.data(),
                                               by_x.stride(0),
                                               by_x.stride(1),
                                               by_x.stride(2)});
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
