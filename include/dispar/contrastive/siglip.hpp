#pragma once

#include "dispar/contrastive/infonce.hpp"
#include "dispar/core/logistic.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// The sigmoid loss and its derivatives by its two numbers, times the upstream factor; 0 unless gradients are wanted.
struct siglip_loss {
  double value;           ///< the loss
  double by_temperature;  ///< by the parameter of the logit scale
  double by_bias;         ///< by the bias
};

/// How the sigmoid loss is made.
struct siglip_options {
  double bias = -10;                   ///< added to every logit; learnt, -10 at first
  reduction reduce = reduction::mean;  ///< over the n pairs that belong together: the sum over all n^2, divided by n
  index band_rows = 0;                 ///< as in `infonce_options`
};

namespace detail {

/// Of pairs that do not belong together: dL / d similarity, softplus(z), dL / dz, (dL / dz) times the scaled similarity. Matched
/// pairs: 0.
template<class T>
struct unmatched_sigmoids {
  static constexpr int channels = 1, outputs = 4, operands = 0;
  T scale, bias, each;
  bool without_matched;
  template<class V, class At>
  DISPAR_FN vec<V, 4> operator()(const vec<V, 1>& similarity, const At& at) const {
    const V scaled = V(scale) * similarity[0], z = scaled + V(bias);
    const auto counts = [&](V x) { return without_matched ? select(at.matched, V(0), x) : x; };
    const V slope = counts(V(each) * sigmoid(z));
    return {{V(scale) * slope, counts(softplus(z)), slope, scaled * slope}};
  }
};
/// The loss alone.
template<class T>
struct unmatched_softplus {
  static constexpr int channels = 1, outputs = 1, operands = 0;
  T scale, bias;
  bool without_matched;
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(const vec<V, 1>& similarity, const At& at) const {
    const V loss = softplus(V(scale) * similarity[0] + V(bias));
    return {{without_matched ? select(at.matched, V(0), loss) : loss}};
  }
};

/// Of pair i, which belongs together: loss, dL / dz, (dL / dz) times the scaled similarity; dL / d similarity.
struct matched_sigmoids {
  const double* scaled;
  double scale, bias, each;
  double* terms;    ///< pairs x 3
  double* matched;  ///< pairs
  DISPAR_FN void operator()(index i) const {
    const double z = scaled[i] + bias, slope = -each * sigmoid(-z);
    terms[3 * i] = softplus(-z);
    terms[3 * i + 1] = slope;
    terms[3 * i + 2] = slope * scaled[i];
    matched[i] = scale * slope;
  }
};

template<logit_scale Scale>
struct finish_siglip {
  const double* sums;  ///< loss, dL / dz, (dL / dz) scaled similarity
  Scale scale;
  double each, factor;
  const double* upstream;
  bool slopes;
  siglip_loss* out;
  DISPAR_FN void operator()() const {
    const double f = slopes ? (upstream ? factor * *upstream : factor) : 0;
    *out = {each * sums[0], slopes ? f * scale.derivative(sums[2]) : 0, slopes ? f * sums[1] : 0};
  }
};

}  // namespace detail

/// The sigmoid loss of SigLIP: every pair is asked whether it belongs together,
///
///     z_ij = scale s(x_i, y_j) + bias,    L = 1/n sum_ij softplus(-y_ij z_ij),    y_ij = 1 where i = j, else -1.
///
/// No pair needs the others: one pass gives the value and the gradients, by the rows as they are given, the scale and the bias.
///
///     auto loss = contrastive::siglip(cpu{}, images, texts, contrastive::cosine{}, contrastive::exponential_scale{t},
///                                     {.x = gi, .y = gt}, {.bias = b});      // loss.value, .by_temperature, .by_bias
///
/// x, y: n x d of one type, any strides. Defaults of the paper: t = log 10, bias -10 (`exponential_scale`'s own default is
/// CLIP's). Matched pairs are computed in double. `negatives` and `pairs` of the gradients are not for this loss and must be
/// null.
///
/// Time: n^2 d multiply-adds for the value, three times that with gradients. Memory, bits and errors as `infonce`.
/// Zhai, Mustafa, Kolesnikov & Beyer, ICCV 2023, section 3.2.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity, logit_scale Scale>
[[nodiscard]] siglip_loss siglip(const B& b, const X& x, const Y& y, const Similarity& how, const Scale& scale,
                                 const gradients_of<X>& g = {}, const siglip_options& o = {}) {
  result<siglip_loss, B> loss(b);
  siglip(b, x, y, how, scale, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity, logit_scale Scale, class R>
void siglip(const B& b, const X& x, const Y& y, const Similarity& how, const Scale& scale, const scalar_view<siglip_loss, R>& out,
            const gradients_of<X>& g = {}, const siglip_options& o = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  using space = typename B::space;
  require(!is_special(o.bias), "siglip: bias", "must be finite", o.bias);
  require(!g.negatives && !g.pairs, "siglip: gradients", "must have no negatives and no factors of pairs");
  const auto matrices = detail::matched_embeddings<R>(b, x, y, {}, scale, out, g, {}, o.band_rows);
  const index n = matrices[0].count(), features = matrices[0].rows.cols();
  const double each = o.reduce == reduction::mean ? 1.0 / static_cast<double>(n) : 1.0, factor = scale.scale();
  const std::array<detail::meeting, 1> met{{{0, 1, true}}};
  const std::span<const vector_view<const T, space>> no_operands;
  const bool slopes = g.x || g.y || g.temperature;

  array<double, 1, B> scaled(b, {n}), matched(b, {n}), sums(b, {3});
  array<double, 2, B> terms(b, {n, 3}), part(b, {1, 3});
  for_each_index(b, n, static_cast<double>(n) * static_cast<double>(features),
                 detail::matched_logits<E, Similarity>{
                     dispar::detail::strided_of(matrices[0].rows), dispar::detail::strided_of(matrices[1].rows), features,
                     matrices[0].norm.data(), matrices[1].norm.data(), how, factor, scaled.data()});
  for_each_index(b, n, detail::matched_sigmoids{scaled.data(), factor, o.bias, each, terms.data(), matched.data()});
  column_sums(b, std::as_const(terms).view(), sums.view());
  const detail::gradient_targets<B, T, space_of<X>, 2> targets(b, {g.x, g.y}, g.accumulate);
  detail::for_each_band_pair(b, matrices, how, met, o.band_rows,
                             [&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool apart) {
                               const auto t = static_cast<T>(factor), bias = static_cast<T>(o.bias);
                               if (slopes)
                                 pairwise(b, data, detail::unmatched_sigmoids<T>{t, bias, static_cast<T>(each), apart}, blocks,
                                          no_operands, total<1, 3, space>{part.view()},
                                          feature_gradient<0, 0, T, 2, space>{{targets.of(r), targets.of(c)}, 1, true});
                               else
                                 pairwise(b, data, detail::unmatched_softplus<T>{t, bias, apart}, blocks, no_operands,
                                          total<0, 1, space>{matrix_view<double, space>(part.data(), 1, 1)});
                               for_each_index(b, slopes ? 3 : 1, detail::add_numbers{part.data(), sums.data()});
                             });
  targets.finish(b, matrices, how, matched.data(), g.factor, g.upstream.data());
  in_order(b, detail::finish_siglip<Scale>{sums.data(), scale, each, g.factor, g.upstream.data(), slopes, out.data()});
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
