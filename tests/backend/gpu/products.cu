// Products of float rows on tensor cores against double: sizes around tiles, fragments and slices, precisions, offsets; what
// `store` mirrors.
#include "backend/gpu/product_checks.hpp"

namespace {

using namespace dispar;
using namespace gpu_tests;

const gpu exact{&context()}, fast{&context(), precision::tf32};
constexpr double u = 0x1p-24;

/// The bounds of dispar::precision.
double bound(const gpu& b, double d) { return b.precision == precision::exact ? (60 + d / 16) * u : 0x1p-10 + 3 * d * u; }
double norm_bound(const gpu& b) {
  // Rounding moves a row: that error of a norm is met by the same one in the products only where rows are equal.
  return 3 * u + (b.precision == precision::exact ? 0 : 0x1p-10);
}

template<class Metric>
void check(dispar::index n, dispar::index m, dispar::index d, double offset = 0) {
  CAPTURE(n);
  CAPTURE(m);
  CAPTURE(d);
  const auto x = normal_rows<float>(n, d, 1, offset), y = normal_rows<float>(m, d, 2, offset + 0.3);
  for (const gpu& b : {exact, fast}) {
    CAPTURE(static_cast<int>(b.precision));
    const auto found = distances<Metric>(b, x, y, d);
    CHECK(largest_error<Metric>(found, as_double(x), as_double(y), d, bound(b, static_cast<double>(d)), norm_bound(b)) <= 1);
    CHECK(distances<Metric>(b, x, y, d) == found);
  }
}

/// The operands of both rows, which tell (i, j) from (j, i).
struct row_minus_tenth_of_col {
  static constexpr int channels = 1, outputs = 1, operands = 1;
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(vec<V, 1>, const At& at) const {
    return {{at.row[0] - V(0.1f) * at.col[0]}};
  }
};

}  // namespace

TEST_CASE("gpu, store: in a square of a segment with itself the mirrored pair is one of its own") {
  const dispar::index n = 130;
  const auto x = normal_rows<float>(n, 3, 1), w = normal_rows<float>(n, 1, 2);
  const auto gx = to(exact, as_matrix(x, n, 3));
  const std::array<sample<float, 1, device>, 1> segments{as_sample(gx)};
  const auto data = pack_samples<sq_euclidean>(exact, segments);
  std::vector<float> stored(static_cast<std::size_t>(n * n), -1);
  const std::array<pair_block, 1> square{{{0, 0, false}}};
  const std::array<vector_view<const float>, 1> operands{view_of(w)};
  pairwise(exact, data, row_minus_tenth_of_col{}, square, std::span<const vector_view<const float>>(operands),
           store<0, float>{as_matrix(stored, n, n)});
  for (std::size_t i = 0; i < w.size(); ++i)
    for (std::size_t j = 0; j < w.size(); ++j)
      REQUIRE(stored[i * w.size() + j] == doctest::Approx(w[i] - 0.1f * w[j]).epsilon(1e-6));
}

TEST_CASE("gpu, products: rows and columns around warps, tiles and segments") {
  for (const dispar::index n : {1, 8, 17, 64, 65, 127, 129})
    for (const dispar::index m : {1, 33, 128, 130}) check<sq_euclidean>(n, m, 3);
}

TEST_CASE("gpu, products: features around steps and slices, and many") {
  for (const dispar::index d : {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65, 768}) {
    check<sq_euclidean>(5, 9, d);
    check<dot>(9, 5, d);
  }
}

TEST_CASE("gpu, products: an offset of 1000 is taken off distances, not off inner products") {
  check<sq_euclidean>(20, 30, 40, 1000);
  check<dot>(20, 30, 40, 1000);
}

TEST_CASE("gpu, products: three products of rounded parts are as accurate as multiply-adds in float") {
  const dispar::index d = 256;
  const auto x = normal_rows<float>(40, d, 1), y = normal_rows<float>(40, d, 2);
  const auto error = [&](const std::vector<double>& found) {
    return largest_error<dot>(found, as_double(x), as_double(y), d, u, 0);
  };
  std::vector<double> plain;
  for (std::size_t i = 0; i < 40; ++i)
    for (std::size_t j = 0; j < 40; ++j) {
      float sum = 0;
      for (std::size_t k = 0; k < 256; ++k) sum = std::fma(x[i * 256 + k], y[j * 256 + k], sum);
      plain.push_back(static_cast<double>(sum));
    }
  const double of_exact = error(distances<dot>(exact, x, y, d)), of_fast = error(distances<dot>(fast, x, y, d));
  CAPTURE(of_exact);
  CAPTURE(of_fast);
  CHECK(of_exact <= 2 * error(plain));
  CHECK(of_fast >= 50 * of_exact);
}

TEST_CASE("gpu, products: equal rows are apart by rounding at most") {
  const auto x = normal_rows<float>(30, 100, 1);
  for (const gpu& b : {exact, fast}) {
    const auto found = distances<sq_euclidean>(b, x, x, 100);
    for (std::size_t i = 0; i < 30; ++i) {
      CHECK(found[i * 31] >= 0);
      CHECK(found[i * 31] <= (b.precision == precision::exact ? 1e-4 : 1e-3));  // of squared norms around 100
    }
  }
}
