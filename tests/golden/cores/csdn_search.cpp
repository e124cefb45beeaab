// Search for persons: csdn/eval_regdb, eval_sysu.

#include "backend_under_test.hpp"
#include "dispar/metrics/reidentification.hpp"

namespace golden {
namespace {

inline void put_search(outputs& out, const dispar::metrics::reidentification_score& score) {
  out.put("cmc", score.cmc);
  out.put("mAP", score.map);
  out.put("mINP", score.minp);
}

struct search_of_regdb {
  static constexpr const char* name = "csdn/eval_regdb";
  static constexpr double float_tolerance = 1e-6;
  static constexpr bool host_only = true;

  template<class T, class B>
  static void run(const B&, const fixture& c, outputs& out) {
    const matrix_in<T, host_memory> distances(c, "dist");
    tensor_in<std::int64_t, host_memory> of_query(c, "q_pid"), of_gallery(c, "g_pid");
    put_search(out, dispar::metrics::reidentification(distances.view(), of_query.vector(), of_gallery.vector(),
                                                      {.max_rank = c.integer("max_rank", 20)}));
  }
};

struct search_of_sysu {
  static constexpr const char* name = "csdn/eval_sysu";
  static constexpr double float_tolerance = 1e-6;
  static constexpr bool host_only = true;

  template<class T, class B>
  static void run(const B&, const fixture& c, outputs& out) {
    const matrix_in<T, host_memory> distances(c, "dist");
    tensor_in<std::int64_t, host_memory> of_query(c, "q_pid"), of_gallery(c, "g_pid"), seen_by(c, "q_cam"), taken_by(c, "g_cam");
    const auto query_camera = seen_by.vector(), gallery_camera = taken_by.vector();
    put_search(out, dispar::metrics::reidentification(
                        distances.view(), of_query.vector(), of_gallery.vector(),
                        {.max_rank = c.integer("max_rank", 20), .by_identity = true},
                        [&](dispar::index i, dispar::index j) { return query_camera(i) == 3 && gallery_camera(j) == 2; }));
  }
};

const registration<search_of_regdb> registered_search_of_regdb;
const registration<search_of_sysu> registered_search_of_sysu;

}  // namespace
}  // namespace golden
