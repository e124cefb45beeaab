// Sorting, scans, selection and random access on a Thrust host system: the host engine on its threads, hence the bits of cpu.
#include "dispar/backend/thrust.hpp"
#include "dispar/metrics/roc.hpp"
#include "sort_checks.hpp"

using namespace sort_workload;

TEST_CASE("sort, order statistics, select and gather on a Thrust system") {
  const dispar::on_thrust<dispar::DISPAR_TEST_SYSTEM> b;
  for (const dispar::index size : {dispar::index{1000}, dispar::index{300007}}) {
    check_sort<float>(b, size, 4000000000u, sort_order::descending);
    check_order_statistics<double>(b, size, 4000000000u);
    check_select<float>(b, size);
    check_integer_scan<std::int32_t, std::int64_t>(b, size);
    CHECK(check_real_scan<float>(b, size) == check_real_scan<float>(dispar::cpu{}, size));
  }
  check_gather(b, 997, 70, 20000);
}

TEST_CASE("auroc and roc_curve on a Thrust system: those of cpu") {
  const dispar::on_thrust<dispar::DISPAR_TEST_SYSTEM> b;
  std::vector<float> negatives(3000), positives(2000);
  for (std::size_t i = 0; i < negatives.size(); ++i)
    negatives[i] = static_cast<float>(dispar::bounded({8, 0}, static_cast<dispar::index>(i), 500));
  for (std::size_t i = 0; i < positives.size(); ++i)
    positives[i] = static_cast<float>(dispar::bounded({8, 1}, static_cast<dispar::index>(i), 600));
  CHECK(dispar::metrics::auroc(b, negatives, positives) == dispar::metrics::auroc(negatives, positives));
  CHECK(dispar::metrics::roc_curve(b, negatives, positives).threshold ==
        dispar::metrics::roc_curve(negatives, positives).threshold);
}
