// Products of half and bfloat16 rows on tensor cores against double: the numbers as they are, odd numbers of features.
#include "backend/gpu/product_checks.hpp"

namespace {

using namespace dispar;
using namespace gpu_tests;

const gpu g{&context()};
constexpr double u = 0x1p-24;

template<class H>
std::vector<H> rounded_rows(dispar::index n, dispar::index d, std::uint64_t stream, double mean) {
  std::vector<H> rows;
  for (const float x : normal_rows<float>(n, d, stream, mean)) rows.push_back(H(x));
  return rows;
}

template<class Metric, class H>
void check(dispar::index n, dispar::index m, dispar::index d, double offset = 0) {
  CAPTURE(n);
  CAPTURE(m);
  CAPTURE(d);
  const auto x = rounded_rows<H>(n, d, 1, offset), y = rounded_rows<H>(m, d, 2, offset + 0.3);
  const auto found = distances<Metric>(g, x, y, d);
  const double bound = 3 * static_cast<double>(d) * u;
  CHECK(largest_error<Metric>(found, as_double(x), as_double(y), d, bound, 3 * u, false) <= 1);
  CHECK(distances<Metric>(gpu{&context(), precision::tf32}, x, y, d) == found);
}

}  // namespace

TEST_CASE_TEMPLATE("gpu, products of 16-bit numbers: sizes, features, an offset", H, half, bfloat16) {
  for (const auto& [n, m] : {std::array<dispar::index, 2>{1, 1}, {17, 33}, {64, 65}, {127, 129}}) check<sq_euclidean, H>(n, m, 5);
  for (const dispar::index d : {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 47, 65, 768}) {
    check<sq_euclidean, H>(5, 9, d);
    check<dot, H>(9, 5, d);
  }
  check<sq_euclidean, H>(20, 30, 41, 10);
}
