// Ranks of what queries look for: creamfl/recall, ubp/retrieval.

#include "backend_under_test.hpp"
#if defined(DISPAR_GOLDEN_GPU)
#include "dispar/backend/gpu/sort.hpp"
#endif
#include "dispar/contrastive/retrieval_ranks.hpp"
#include "dispar/metrics/retrieval.hpp"

namespace golden {
namespace {

using ranks_under_test = std::vector<dispar::index, memory_under_test::allocator<dispar::index>>;
[[nodiscard]] inline auto view_of_ranks(ranks_under_test& ranks) {
  return dispar::vector_view<dispar::index, memory_under_test::space>(ranks.data(), static_cast<dispar::index>(ranks.size()));
}

struct recall_of_captions {
  static constexpr const char* name = "creamfl/recall";
  static constexpr double float_tolerance = 1e-6;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> images(c, "image"), texts(c, "text");
    tensor<std::int64_t> image_labels(c, "image_label"), text_labels(c, "text_label");
    const auto scores = [&](bool by_image, dispar::index folds) {
      const auto& queries = by_image ? images : texts;
      const auto& gallery = by_image ? texts : images;
      const auto query_label = (by_image ? image_labels : text_labels).vector();
      const auto gallery_label = (by_image ? text_labels : image_labels).vector();
      std::vector<double> mean(6);
      for (dispar::index f = 0; f < folds; ++f) {
        const dispar::index n = queries.rows() / folds, m = gallery.rows() / folds;
        ranks_under_test ranks(static_cast<std::size_t>(n));
        dispar::contrastive::retrieval_ranks(b, queries.view().slice(f * n, n), query_label.slice(f * n, n),
                                             gallery.view().slice(f * m, m), gallery_label.slice(f * m, m),
                                             dispar::contrastive::inner_product{}, view_of_ranks(ranks));
        b.wait();
        const auto s = dispar::metrics::retrieval_scores(ranks);
        const double all[] = {100 * s.recall_1,  100 * s.recall_5,
                              100 * s.recall_10, 100 * (s.recall_1 + s.recall_5 + s.recall_10),
                              s.median_rank,     s.mean_rank};
        for (std::size_t k = 0; k < mean.size(); ++k) mean[k] += all[k] / static_cast<double>(folds);
      }
      return mean;
    };
    const dispar::index folds = c.integer("n_folds");
    out.put("i2t", scores(true, 1));
    out.put("t2i", scores(false, 1));
    out.put("fold_i2t", scores(true, folds));
    out.put("fold_t2i", scores(false, folds));
  }
};

struct zero_shot_retrieval {
  static constexpr const char* name = "ubp/retrieval";
  static constexpr double float_tolerance = 1e-6;

  template<class T, class B>
  static void run(const B& b, const fixture& c, outputs& out) {
    const matrix<T> queries(c, "brain"), gallery(c, "image");
    const dispar::index n = queries.rows();
    tensor<std::int64_t> labels({n});
    matrix<double> matched(n, 1);
    for (dispar::index i = 0; i < n; ++i) labels.data()[static_cast<std::size_t>(i)] = i;
    ranks_under_test ranks(static_cast<std::size_t>(n));
    dispar::contrastive::retrieval_ranks(b, queries.view(), labels.vector(), gallery.view(), labels.vector(),
                                         dispar::contrastive::cosine{}, view_of_ranks(ranks),
                                         {.ties_by_number = false, .similarities = {matched.view().data(), n}});
    b.wait();
    const auto s = dispar::metrics::retrieval_scores(ranks);
    double similarity = 0;
    for (const double v : matched.data()) similarity += v / static_cast<double>(n);
    out.put("rank", std::vector<double>(ranks.begin(), ranks.end()));
    out.put("top1", s.recall_1);
    out.put("top5", s.recall_5);
    out.put("mAP", s.mean_reciprocal_rank);
    out.put("similarity", similarity);
  }
};

const registration<recall_of_captions> registered_recall_of_captions;
const registration<zero_shot_retrieval> registered_zero_shot_retrieval;

}  // namespace
}  // namespace golden
