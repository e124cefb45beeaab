// Extrema of rows on the GPU against the host's: tiles of either size, ties across tiles, triangles, pairs left out, NaN,
// merging.
#include "backend/gpu/product_checks.hpp"
#include "dispar/backend/cpu.hpp"

namespace {

using namespace dispar;
using gpu_tests::context;
const gpu device_backend{&context()};

/// The inner product, and with two outputs a second number; nothing for rows of one class, NaN between rows of two classes.
template<int Outputs, class Order, class T>
struct products_between_classes {
  static constexpr int channels = 1, outputs = Outputs, operands = 1;
  double bad;
  template<class V, class At>
  DISPAR_FN vec<V, Outputs> operator()(vec<V, 1> d, const At& at) const {
    const V sum = at.row[0] + at.col[0];
    vec<V, Outputs> out;
    for (int o = 0; o < Outputs; ++o)
      out[o] = select(at.row[0] == at.col[0], V(row_extremum<0, Order>::template bound<T>),
                      select(sum == V(static_cast<T>(bad)), V(quiet_nan<T>()), d[0] + V(static_cast<T>(o)) * at.row[0]));
    return out;
  }
};

template<class B, class Operation, class Sink, class T>
std::vector<typename Sink::state> extrema(const B& b, const Operation& operation, Sink sink, const std::vector<T>& x,
                                          const std::vector<T>& y, const std::vector<T>& classes) {
  using state = typename Sink::state;
  using space = typename B::space;
  const dispar::index d = 3, n = static_cast<dispar::index>(x.size()) / d, m = static_cast<dispar::index>(y.size()) / d;
  const auto gx = to(b, as_matrix(x, n, d)), gy = to(b, as_matrix(y, m, d));
  const std::array<sample<T, 1, space>, 2> segments{as_sample(gx), as_sample(gy)};
  const auto data = pack_samples<dot>(b, segments);
  const std::array<pair_block, 3> blocks{{{0, 0, true, 0}, {0, 1, false, 1}, {1, 1, false, 0}}};
  const std::array<vector_view<const T>, 1> operands{view_of(classes)};
  std::vector<state> out(classes.size() * 2, state{5, 2});
  sink.out = matrix_view<state>(out.data(), n + m, 2);
  pairwise(b, data, operation, blocks, std::span<const vector_view<const T>>(operands), sink);
  return out;
}

template<int Outputs, class Order, class T>
void check(dispar::index n, dispar::index m, double bad, bool accumulate) {
  CAPTURE(n);
  CAPTURE(m);
  const auto small_integers = [](dispar::index count, std::uint64_t seed, std::uint32_t below) {
    std::vector<T> numbers;
    for (dispar::index i = 0; i < count; ++i)
      numbers.push_back(
          static_cast<T>(static_cast<std::uint32_t>(i * i + 7 * i + static_cast<dispar::index>(seed)) * 2654435761u % below));
    return numbers;
  };
  const auto x = small_integers(n * 3, 1, 4), y = small_integers(m * 3, 2, 4), classes = small_integers(n + m, 3, 5);
  const products_between_classes<Outputs, Order, T> operation{bad};
  const row_extremum<Outputs - 1, Order> sink{{}, accumulate};
  const auto expected = extrema(cpu{}, operation, sink, x, y, classes);
  const auto found = extrema(device_backend, operation, sink, x, y, classes);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    REQUIRE(found[i].at == expected[i].at);
    REQUIRE((is_nan(found[i].value) ? is_nan(expected[i].value) : found[i].value == expected[i].value));
  }
}

}  // namespace

TEST_CASE("gpu, row extrema: as on the host, with large and small tiles") {
  check<1, folds::largest_first, float>(300, 140, -1, false);
  check<2, folds::smallest_first, float>(131, 70, -1, true);
  check<1, folds::smallest_first, double>(70, 33, -1, false);
  check<1, folds::smallest_first, float>(1, 1, -1, false);
}

TEST_CASE("gpu, row extrema: NaN comes first, the lowest row among several") {
  check<1, folds::largest_first, float>(150, 10, 7, false);
  check<1, folds::smallest_first, double>(70, 33, 7, true);
}
