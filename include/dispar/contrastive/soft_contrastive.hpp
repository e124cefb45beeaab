#pragma once

#include "dispar/contrastive/infonce.hpp"
#include "dispar/contrastive/soft_match.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// The soft contrastive loss, its parts and its derivatives by the two learnt numbers, times the upstream factor; these are 0
/// unless gradients are wanted.
struct soft_contrastive_loss {
  double value;      ///< the loss
  double matched;    ///< its part from items that match
  double unmatched;  ///< and from all others
  double by_scale;   ///< by the negative scale
  double by_shift;   ///< by the shift
};

/// How the soft contrastive loss is made.
struct soft_contrastive_options {
  index samples = 1;                  ///< embeddings of an item, rows that follow one another
  reduction reduce = reduction::sum;  ///< over all pairs in both directions, as the released code; the mean divides by 2 N^2
  index band_rows = 0;                ///< rows worked on at a time; 0: as many as fit. Changes last bits
};

namespace detail {

/// Bytes of distances and terms of two bands of items with several embeddings.
inline constexpr double block_bytes = 67108864.0;

/// Rows of a band of whole items.
template<class T, class Space>
[[nodiscard]] index rows_of_items(index features, const soft_contrastive_options& o) {
  const double pair = static_cast<double>(o.samples * o.samples) * sizeof(T) + sizeof(soft_terms);
  const auto fitting = static_cast<index>(std::sqrt(block_bytes / pair));
  const index rows = o.band_rows > 0 ? o.band_rows : rows_per_band<Space>(features);
  const index items = rows / o.samples < fitting ? rows / o.samples : fitting;
  return (items > 0 ? items : 1) * o.samples;
}

struct finish_soft_contrastive {
  const double* matched;    ///< `soft_terms` of items that match
  const double* unmatched;  ///< and of all others
  double each, factor;
  const double* upstream;
  bool slopes;
  soft_contrastive_loss* out;
  DISPAR_FN void operator()() const {
    const double f = slopes ? each * (upstream ? factor * *upstream : factor) : 0;
    const auto sum = [&](int k) { return slopes ? f * (matched[k] + unmatched[k]) : 0; };
    *out = {each * (matched[0] + unmatched[0]), each * matched[0], each * unmatched[0], -sum(2), sum(1)};
  }
};

/// Terms of pairs as rows of numbers, which `column_sums` adds up.
template<class Space>
[[nodiscard]] matrix_view<const double, Space> numbers_of(const soft_terms* terms, index count) {
  static_assert(sizeof(soft_terms) == 3 * sizeof(double));
  return {&terms->loss, count, 3};
}

/// Items that do not match, with one embedding each: on the pairwise engine. Adds to `sums` and to the gradients.
template<backend B, class E, similarity Similarity, class Targets>
void unmatched_single(const B& b, const std::array<embeddings<E, B>, 3>& matrices, const Similarity& how,
                      const distance_logit& logit, double each, bool slopes, index band_rows, const Targets& targets,
                      double* sums) {
  using T = computed_type<E>;
  using space = typename B::space;
  const std::array<meeting, 1> met{{{0, 1, true}}};
  const std::span<const vector_view<const T, space>> no_operands;
  array<double, 2, B> part(b, {1, 3});
  for_each_band_pair<sq_euclidean>(
      b, matrices, how, met, band_rows, [&](const auto& data, const auto& blocks, const band& r, const band& c, bool apart) {
        const embedding_logits<T> logits(logit);
        if (slopes)
          pairwise(b, data, unmatched_embeddings<T>{logits, static_cast<T>(each), apart}, blocks, no_operands,
                   total<1, 3, space>{part.view()}, feature_gradient<0, 0, T, 2, space>{{targets.of(r), targets.of(c)}, 1, true});
        else
          pairwise(b, data, unmatched_embedding_losses<T>{logits, apart}, blocks, no_operands,
                   total<0, 1, space>{matrix_view<double, space>(part.data(), 1, 1)});
        for_each_index(b, slopes ? 3 : 1, add_numbers{part.data(), sums});
      });
}

/// The same with several embeddings each: distances of two bands of items are stored, and become the slopes there.
template<backend B, class E, similarity Similarity, class Targets>
void unmatched_several(const B& b, const std::array<embeddings<E, B>, 3>& matrices, const Similarity& how,
                       const distance_logit& logit, double each, const soft_contrastive_options& o, const Targets& targets,
                       double* sums) {
  using T = computed_type<E>;
  using space = typename B::space;
  const std::array<meeting, 1> met{{{0, 1, true}}};
  const std::span<const vector_view<const T, space>> no_operands;
  const index features = matrices[0].rows.cols(), band_rows = rows_of_items<T, space>(features, o);
  array<double, 1, B> part(b, {3});
  for_each_band_pair<sq_euclidean>(
      b, matrices, how, met, band_rows, [&](const auto& data, const auto& blocks, const band& r, const band& c, bool apart) {
        array<T, 2, B> squares(b, {r.count, c.count});
        const index pairs = r.count / o.samples * (c.count / o.samples);
        array<soft_terms, 1, B> terms(b, {pairs});
        const double work = static_cast<double>(squares.view().size());
        pairwise(b, data, unscaled_squares<T>{}, blocks, no_operands, store_across<0, T, space>{squares.view()});
        for_each_index(b, pairs, 64 * work,
                       unmatched_items<T>{embedding_logits<double>(logit), dispar::detail::strided_of(squares.view()), o.samples,
                                          c.count / o.samples, apart, each, terms.data()});
        column_sums(b, numbers_of<space>(terms.data(), pairs), part.view());
        for_each_index(b, 3, add_numbers{part.data(), sums});
        const auto gradient = [&](const band& own, const band& other, const strided<const T>& slopes, int side) {
          const auto to = targets.of(own);
          if (!to) return;
          const auto& m = matrices[static_cast<std::size_t>(own.of)];
          const auto& n = matrices[static_cast<std::size_t>(other.of)];
          for_each_index(b, own.count * add_gaps<E, T, Similarity>::parts(features), work * static_cast<double>(features),
                         add_gaps<E, T, Similarity>{dispar::detail::strided_of(m.rows.slice(own.first, own.count)),
                                                    dispar::detail::strided_of(n.rows.slice(other.first, other.count)),
                                                    m.norm.data() + own.first, n.norm.data() + other.first, features, other.count,
                                                    how, side, slopes, dispar::detail::strided_of(to)});
        };
        gradient(r, c, {squares.data(), c.count, 1}, 0);
        gradient(c, r, {squares.data(), 1, c.count}, 1);
      });
}

}  // namespace detail

/// The pairwise soft contrastive loss of probabilistic embeddings: whether two items match is a logistic function of the
/// distances of their embeddings, of which an item has one or several,
///
///     s = -a d + b,    d = sqrt(|u - v|^2 + epsilon),    p(match) = sigmoid(2 s),
///     NLL_ij = -log mean_kl sigmoid(2 m_ij s_kl),    m_ij = 1 where i = j, else -1,
///     L = 2 sum_ij NLL_ij,
///
/// over all embeddings k of item i of x and l of item j of y; twice, since images are compared with texts and texts with images.
/// u, v are the rows as the similarity scales them (`inner_product`: as they are; `cosine`: unit rows). Gradients are by the rows
/// as they are given, and by a and b. With one embedding NLL is softplus(-2 m s).
///
///     auto loss = contrastive::soft_contrastive(cpu{}, images, texts, contrastive::inner_product{}, {.scale = a, .shift = b},
///                                               {.x = gi, .y = gt}, {.samples = 7});    // loss.value, .by_scale, .by_shift
///
/// x, y: (N K) x d of one type, any strides; the K rows of an item follow one another. Defaults: a = b = 15, epsilon 1e-6, K = 1,
/// the sum, as the released code. `temperature` of the gradients asks for the derivatives by a and b alone; `negatives` and
/// `pairs` are not for this loss and must be null. Of the optional terms of the paper, `uniformity` is a loss of its own.
///
/// Items that match are computed in double. Accuracy in float: 1e-5 of the largest, unless unmatched rows are nearly equal.
///
/// Time: (N K)^2 d multiply-adds for the value, three times that with gradients. Memory: K numbers per row and bands of rows as
/// `infonce`; for K > 1 64 MiB of distances more (`block_bytes`). The bits depend on shapes only, not on the number of threads.
///
/// Throws `invalid_argument` as `infonce`, for numbers that are not finite, and rows that are no multiple of `samples`. Chun, Oh,
/// Rezende, Kalantidis & Larlus, CVPR 2021, section 3.2; Yu, Liu, Wang, Xu & Liu (CreamFL), ICLR 2023.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity = inner_product>
[[nodiscard]] soft_contrastive_loss soft_contrastive(const B& b, const X& x, const Y& y, const Similarity& how = {},
                                                     const distance_logit& logit = {}, const gradients_of<X>& g = {},
                                                     const soft_contrastive_options& o = {}) {
  result<soft_contrastive_loss, B> loss(b);
  soft_contrastive(b, x, y, how, logit, loss.view(), g, o);
  return loss.get();
}

/// The same, written to `out` in memory of the backend. On a GPU it returns at once.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity, class R>
void soft_contrastive(const B& b, const X& x, const Y& y, const Similarity& how, const distance_logit& logit,
                      const scalar_view<soft_contrastive_loss, R>& out, const gradients_of<X>& g = {},
                      const soft_contrastive_options& o = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  const auto number = [](index n) { return static_cast<double>(n); };
  logit.check();
  require(o.samples >= 1, "soft_contrastive: samples", "must be at least 1", number(o.samples));
  require(view_of(x).rows() % o.samples == 0, "soft_contrastive: rows of x", "must be a multiple of samples",
          number(view_of(x).rows()));
  require(!g.negatives && !g.pairs, "soft_contrastive: gradients", "must have no negatives and no factors of pairs");
  const auto matrices = detail::matched_embeddings<R>(b, x, y, {}, temperature{1}, out, g, {}, o.band_rows);
  const index rows = matrices[0].count(), features = matrices[0].rows.cols(), items = rows / o.samples;
  const double each = o.reduce == reduction::sum ? 2 : 1 / (number(items) * number(items));
  const bool slopes = g.x || g.y || g.temperature;
  const auto strided_x = dispar::detail::strided_of(matrices[0].rows), strided_y = dispar::detail::strided_of(matrices[1].rows);
  const double work = number(rows) * number(o.samples) * number(features);

  array<detail::soft_terms, 1, B> terms(b, {items});
  array<double, 1, B> matched(b, {rows * o.samples}), sums(b, {3}), others(b, {3});
  for_each_index(b, items, work,
                 detail::matched_items<E, Similarity>{
                     {strided_x, strided_y, features, matrices[0].norm.data(), matrices[1].norm.data(), how},
                     detail::embedding_logits<double>(logit),
                     o.samples,
                     each,
                     terms.data(),
                     matched.data()});
  column_sums(b, detail::numbers_of<typename B::space>(terms.data(), items), sums.view());
  for_each_index(b, 1, detail::clear_rows<double>{{others.data(), 3, 1}, 3});
  const detail::gradient_targets<B, T, space_of<X>, 2> targets(b, {g.x, g.y}, g.accumulate);
  if (o.samples == 1)
    detail::unmatched_single(b, matrices, how, logit, each, slopes, o.band_rows, targets, others.data());
  else
    detail::unmatched_several(b, matrices, how, logit, each, o, targets, others.data());
  for (int side = 0; side < 2; ++side) {
    const auto to = targets.of({side, 0, rows});
    if (!to) continue;
    for_each_index(
        b, rows, work,
        detail::add_matched_gaps<E, T, Similarity>{side == 0 ? strided_x : strided_y, side == 0 ? strided_y : strided_x,
                                                   matrices[static_cast<std::size_t>(side)].norm.data(),
                                                   matrices[static_cast<std::size_t>(1 - side)].norm.data(), features, o.samples,
                                                   how, side, matched.data(), dispar::detail::strided_of(to)});
  }
  targets.finish(b, matrices, how, nullptr, g.factor, g.upstream.data());
  in_order(b, detail::finish_soft_contrastive{sums.data(), others.data(), each, g.factor, g.upstream.data(), slopes, out.data()});
}

/// The same on the default backend.
template<backend B = default_backend, sample_matrix X, sample_matrix Y, similarity Similarity = inner_product>
[[nodiscard]] soft_contrastive_loss soft_contrastive(const X& x, const Y& y, const Similarity& how = {},
                                                     const distance_logit& logit = {}, const gradients_of<X>& g = {},
                                                     const soft_contrastive_options& o = {}) {
  return soft_contrastive(B{}, x, y, how, logit, g, o);
}

/// The probabilities themselves that items match, mean_kl sigmoid(2 s_kl), for those who want to see them: the loss never stores
/// them.
///
///     contrastive::match_probability(cpu{}, queries, gallery, contrastive::inner_product{}, {}, p, 7);
///
/// x: (N K) x d, y: (M K) x d, p: N x M in double, in memory of the backend; K is `samples`. Computed in double, from
/// differences; returns at once on a GPU. Time O(N M K^2 d), no memory. Throws `invalid_argument` as `soft_contrastive`, and for
/// a p of another shape.
template<backend B, sample_matrix X, sample_matrix Y, similarity Similarity, class P>
void match_probability(const B& b, const X& rows_of_x, const Y& rows_of_y, const Similarity& how, const distance_logit& logit,
                       P&& probabilities, index samples = 1) {
  using E = value_type_of<X>;
  static_assert(std::same_as<E, value_type_of<Y>>, "dispar: both matrices must have the same element type");
  const auto x = view_of(rows_of_x);
  const auto y = view_of(rows_of_y);
  const auto p = detail::reached<B>(view_of(probabilities));
  const auto number = [](index n) { return static_cast<double>(n); };
  logit.check();
  require(samples >= 1, "match_probability: samples", "must be at least 1", number(samples));
  require(x.rows() > 0 && x.cols() > 0, "match_probability: x", "must have rows and columns", number(x.rows()));
  require(y.rows() > 0 && y.cols() == x.cols(), "match_probability: y", "must have rows, and the columns of x", number(y.cols()));
  require(x.rows() % samples == 0, "match_probability: rows of x", "must be a multiple of samples", number(x.rows()));
  require(y.rows() % samples == 0, "match_probability: rows of y", "must be a multiple of samples", number(y.rows()));
  const index items = x.rows() / samples, met = y.rows() / samples;
  require(p.rows() == items, "match_probability: rows of p", "must be the items of x", number(p.rows()));
  require(p.cols() == met, "match_probability: columns of p", "must be the items of y", number(p.cols()));
  const detail::embeddings<E, B> of_x(b, detail::reached<B>(matrix_view<const E, space_of<X>>(x)));
  const detail::embeddings<E, B> of_y(b, detail::reached<B>(matrix_view<const E, space_of<Y>>(y)));
  detail::require_finite(of_x, "x");
  detail::require_finite(of_y, "y");
  for_each_index(
      b, items * met, number(x.size()) * number(y.rows()),
      detail::write_probability<E, Similarity>{{dispar::detail::strided_of(of_x.rows), dispar::detail::strided_of(of_y.rows),
                                                x.cols(), of_x.norm.data(), of_y.norm.data(), how},
                                               detail::embedding_logits<double>(logit),
                                               samples,
                                               met,
                                               dispar::detail::strided_of(p)});
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
