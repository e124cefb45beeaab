#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/contrastive/finite_rows.hpp"
#include "dispar/contrastive/labelled_rows.hpp"
#include "dispar/contrastive/row_extrema.hpp"
#include "dispar/contrastive/softmax_terms.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// How ranks are counted.
template<memory_space S = host>
struct retrieval_options {
  /// Of equal similarities the lower row number comes first; else only larger similarities count, and equals do no harm.
  bool ties_by_number = true;
  vector_view<double, S> similarities{};  ///< where to write the similarity to the best correct item; not wanted by default
  index band_rows = 0;                    ///< rows worked on at a time; 0: as many as `band_bytes` hold
};

namespace detail {

/// Similarities as they are ordered: those beyond a sixteenth of the largest finite number are alike, NaN of an overflow comes
/// last.
template<class T, class V>
[[nodiscard]] DISPAR_FN V ordered_similarity(V similarity) {
  constexpr T most = largest_finite<T> / 16;
  return select(similarity > V(-most), select(similarity < V(most), similarity, V(most)), V(-most));
}

/// The similarity of rows of one class; the operand is the class.
template<class T>
struct similarity_within_class {
  static constexpr int channels = 1, outputs = 1, operands = 1;
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(const vec<V, 1>& similarity, const At& at) const {
    const V s = ordered_similarity<T>(similarity[0]);
    return {{select(at.row[0] == at.col[0], s, V(-largest_finite<T>))}};
  }
};

/// 1 where a wrong row of the gallery comes before the best correct one; correct rows never do, and need no comparison that
/// rounding could turn. Operands: that similarity; its number, or a row's own; the class.
template<class T>
struct placed_before {
  static constexpr int channels = 1, outputs = 1, operands = 3;
  bool ties_by_number;
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(const vec<V, 1>& similarity, const At& at) const {
    const V none(0), one(1), best = at.row[0], s = ordered_similarity<T>(similarity[0]);
    const V tie = ties_by_number ? select(at.col[1] < at.row[1], one, none) : none;
    const V before = select(s > best, one, select(s == best, tie, none));
    return {{select(at.row[2] == at.col[2], none, before)}};
  }
};

/// Operands of a band: of queries their best correct item, of the gallery's rows their numbers; and the classes of both.
template<class T>
struct placing_operands {
  const folds::ranked<double>* best;  ///< of the band's queries
  const T* query_classes;
  const T* gallery_classes;
  index queries, rows, first;  ///< rows of the band; number of the first of the gallery
  T* out;                      ///< 3 x rows
  DISPAR_FN void operator()(index i) const {
    const bool query = i < queries;
    out[i] = query ? static_cast<T>(best[i].value) : T(0);
    out[rows + i] = static_cast<T>(query ? static_cast<index>(best[i].at) : first + i - queries);
    out[2 * rows + i] = query ? query_classes[i] : gallery_classes[i - queries];
  }
};

struct finish_ranks {
  const folds::ranked<double>* best;
  const double* before;
  strided_vector<index> ranks;
  strided_vector<double> similarities;
  DISPAR_FN void operator()(index i) const {
    const bool found = best[i].at >= 0;
    ranks(i) = found ? static_cast<index>(before[i]) : -1;
    if (similarities.data) similarities(i) = found ? best[i].value : 0;
  }
};

}  // namespace detail

/// Where queries find what belongs to them: for every query the 0-based rank of its best-placed gallery row with the same label,
/// by decreasing similarity; -1 where the gallery has none. `metrics::retrieval_scores` makes recall and mean ranks of them.
///
///     contrastive::retrieval_ranks(cpu{}, images, image_labels, texts, text_labels, contrastive::inner_product{}, ranks);
///
/// queries: n x d, gallery: m x d of one type, any strides; labels as in `triplet`; ranks: n of `index` in memory of the backend.
/// Similarities are those of the type of the rows; where they overflow they are alike, NaN of an overflow comes last. On a GPU it
/// returns at once; include `dispar/backend/gpu/sort.hpp` there.
///
/// Time: 2 n m d multiply-adds; half of that on the host where all similarities fit `kept_bytes`. Memory: some numbers per row
/// and bands of rows, as `infonce`. The ranks do not depend on the number of threads. Throws `invalid_argument` for matrices
/// without rows or columns, shapes that differ, more than 2^24 rows in float, and NaN or infinity in a row (on a GPU at the next
/// wait).
template<backend B, sample_matrix X, label_vector LX, sample_matrix Y, label_vector LY, similarity Similarity, class R>
void retrieval_ranks(const B& b, const X& rows_of_queries, const LX& labels_of_queries, const Y& rows_of_gallery,
                     const LY& labels_of_gallery, const Similarity& how, const vector_view<index, R>& ranks,
                     const retrieval_options<space_of<X>>& o = {}) {
  using E = value_type_of<X>;
  using T = computed_type<E>;
  using S = space_of<X>;
  using space = typename B::space;
  static_assert(has_pairwise<B>, "dispar: this backend cannot compute over pairs of rows: it has no member has_pairwise = true");
  static_assert(std::same_as<E, value_type_of<Y>> && std::same_as<S, space_of<Y>>,
                "dispar: both matrices must have the same element type and memory space");
  static_assert(std::same_as<value_type_of<LX>, value_type_of<LY>>, "dispar: both vectors of labels must have the same type");
  static_assert(reachable<R, space>, "dispar: this backend cannot write to that memory");
  const matrix_view<const E, S> x = view_of(rows_of_queries), y = view_of(rows_of_gallery);
  const auto number = [](index n) { return static_cast<double>(n); };
  const auto query_label = detail::labels_of<B>(x, labels_of_queries, "retrieval_ranks: queries");
  const auto gallery_label = detail::labels_of<B>(y, labels_of_gallery, "retrieval_ranks: gallery");
  require(y.cols() == x.cols(), "retrieval_ranks: columns of gallery", "must be those of queries", number(y.cols()));
  require(ranks.size() == x.rows(), "retrieval_ranks: ranks", "must have one entry per query", number(ranks.size()));
  require(o.band_rows >= 0, "retrieval_ranks: band_rows", "must not be negative", number(o.band_rows));
  if (o.similarities)
    require(o.similarities.size() == x.rows(), "retrieval_ranks: similarities", "must have one entry per query",
            number(o.similarities.size()));
  const std::array<detail::embeddings<E, B>, 2> matrices{detail::embeddings<E, B>(b, detail::reached<B>(x)),
                                                         detail::embeddings<E, B>(b, detail::reached<B>(y))};
  detail::require_finite(matrices[0], "queries");
  detail::require_finite(matrices[1], "gallery");

  const index n = x.rows(), m = y.rows();
  const std::array<vector_view<const value_type_of<LX>, space>, 2> labels{query_label[0], gallery_label[0]};
  const detail::row_classes<B> classes(b, labels);
  const array<T, 1, B> class_numbers = classes.template operand<T>(b);
  array<folds::ranked<double>, 1, B> best(b, {n}), unused(b, {m});
  array<double, 1, B> before(b, {n});
  for_each_index(b, n, detail::clear_extrema<folds::largest_first>{best.data()});
  for_each_index(b, m, detail::clear_extrema<folds::largest_first>{unused.data()});
  for_each_index(b, n, detail::clear_numbers{before.data()});
  const std::array<detail::meeting, 1> met{{{0, 1}}};
  auto passes = detail::passes_over_bands(b, matrices, how, met, o.band_rows, true);
  passes.for_each([&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool) {
    const index rows = data.rows();
    array<T, 1, B> own(b, {rows});
    for_each_index(
        b, rows,
        detail::gather_operands<T>{class_numbers.data() + r.first, class_numbers.data() + n + c.first, r.count, own.data()});
    const std::array<vector_view<const T, space>, 1> by_row{{{own.data(), rows}}};
    array<folds::ranked<double>, 2, B> found(b, {rows, 1});
    pairwise(b, data, detail::similarity_within_class<T>{}, blocks, std::span<const vector_view<const T, space>>(by_row),
             row_extremum<0, folds::largest_first, space>{found.view()});
    for_each_index(b, rows,
                   detail::merge_extrema<folds::largest_first>{found.data(), best.data() + r.first, unused.data() + c.first,
                                                               r.count, r.first, c.first});
  });
  passes.for_each([&](const auto& data, const auto& blocks, const detail::band& r, const detail::band& c, bool) {
    const index rows = data.rows();
    array<T, 2, B> own(b, {3, rows});
    for_each_index(b, rows,
                   detail::placing_operands<T>{best.data() + r.first, class_numbers.data() + r.first,
                                               class_numbers.data() + n + c.first, r.count, rows, c.first, own.data()});
    const std::array<vector_view<const T, space>, 3> by_row{
        {{own.data(), rows}, {own.data() + rows, rows}, {own.data() + 2 * rows, rows}}};
    array<double, 2, B> counted(b, {rows, 1});
    pairwise(b, data, detail::placed_before<T>{o.ties_by_number}, blocks, std::span<const vector_view<const T, space>>(by_row),
             row_sums<0, space>{counted.view()});
    for_each_index(b, r.count, detail::add_numbers{counted.data(), before.data() + r.first});
  });
  for_each_index(b, n,
                 detail::finish_ranks{best.data(), before.data(), dispar::detail::strided_of(ranks),
                                      dispar::detail::strided_of(o.similarities)});
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
