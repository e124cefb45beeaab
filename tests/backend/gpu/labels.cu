// w'Kw for labels of +1 and -1 on tensor cores, against sums in double of the same numbers.
#include "dispar/backend/host/labels.hpp"
#include "dispar/backend/operations.hpp"
#include "dispar/kernels/identity.hpp"
#include "mmd/gpu/device_rows.hpp"

namespace gpu_tests {

using namespace dispar;

constexpr double u = 0x1p-24;
const gpu g = device();
const std::array<pair_block, 3> all_pairs{{{0, 0, true}, {1, 1, true}, {0, 1, false}}};

template<class Data>
struct with_room_for_labels : Data {
  index bytes;
  with_room_for_labels(Data data, index room) : Data(std::move(data)), bytes(room) {}
  [[nodiscard]] index label_sums_bytes() const { return bytes; }
};

template<class Data, class Operation>
std::vector<double> forms(const Data& data, const Operation& k, const label_bits& labels) {
  using T = typename Data::value_type;
  const index members = members_of(k), count = labels.labels();
  std::vector<double> out(static_cast<std::size_t>(members * count), -7);
  pairwise(g, data, k, all_pairs, std::span<const vector_view<const T>>(),
           quadratic_forms<0, label_view>{labels.view(), as_matrix(out, members, count)});
  return out;
}

/// Largest error against the form of the numbers k(i, j), i < j, in units of sum |k_ij|.
template<class K>
double largest_error(const std::vector<double>& found, const K& k, const label_bits& labels) {
  double largest = 0;
  for (index p = 0; p < labels.labels(); ++p) {
    double sum = 0, size = 0;
    for (index i = 0; i < labels.rows(); ++i)
      for (index j = i + 1; j < labels.rows(); ++j) {
        sum += labels.view().at<double>(i, p) * labels.view().at<double>(j, p) * k(i, j);
        size += std::fabs(k(i, j));
      }
    const double error = std::fabs(found[static_cast<std::size_t>(p)] - sum);
    if (!(error >= 0)) return HUGE_VAL;
    largest = std::fmax(largest, error / size);
  }
  return largest;
}

label_bits random_labels(index rows, index count) {
  return draw_labels(tiled_host<serial>(), rows, count, subset_labels{{static_cast<std::uint64_t>(rows), 5}, rows, rows / 2});
}

/// The forms of a caller's matrix over n and the remaining rows.
std::vector<double> forms_of_matrix(const std::vector<float>& numbers, index rows, index n, const label_bits& labels) {
  const auto copy = to(g, as_matrix(numbers, rows, rows));
  const auto data = given_samples(g, matrix_view<const float, dispar::device>(copy.view()), std::array<index, 2>{n, rows - n});
  return forms(data, kernel_value<identity<>, float>({}), labels);
}

TEST_CASE("gpu, labels: integers come out exactly, for sizes around strips and tiles and any number of labels") {
  for (const auto& sizes :
       {std::array<index, 3>{1, 1, 1}, {31, 33, 15}, {32, 96, 16}, {64, 65, 17}, {127, 1, 33}, {129, 128, 130}, {5, 40, 257}}) {
    const index n = sizes[0], m = sizes[1], count = sizes[2];
    CAPTURE(n);
    CAPTURE(m);
    std::vector<float> x(static_cast<std::size_t>((n + m) * 3));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(static_cast<int>(i * i * 31 % 41) - 20);
    const auto copy = to(g, as_matrix(x, n + m, 3));
    const auto rows = copy.view();
    const std::array<sample<float, 1, dispar::device>, 2> segments{as_sample(std::as_const(rows).slice(0, n)),
                                                                   as_sample(std::as_const(rows).slice(n, m))};
    const label_bits labels = random_labels(n + m, count);
    const auto k = [&](index i, index j) {
      double sum = 0;
      for (index c = 0; c < 3; ++c)
        sum += static_cast<double>(x[static_cast<std::size_t>(i * 3 + c)] * x[static_cast<std::size_t>(j * 3 + c)]);
      return sum;
    };
    const kernel_value<identity<dot>, float> operation({});
    const auto data = pack_samples<dot>(g, segments);
    const auto found = forms(data, operation, labels);
    CHECK(largest_error(found, k, labels) == 0);
    CHECK(forms(with_room_for_labels(pack_samples<dot>(g, segments), 1), operation, labels) == found);  // 16 labels a pass
    const auto squares = forms(data, with_square<decltype(operation)>{operation}, labels);  // two outputs: tiles of 64 rows
    CHECK(squares == found);
  }
}

TEST_CASE("gpu, labels: float accuracy where numbers of a row are alike, and the bound where they are not") {
  const index rows = 150, n = 70;
  const label_bits labels = random_labels(rows, 40);
  std::vector<float> alike(static_cast<std::size_t>(rows * rows)), spread(alike);
  for (std::size_t i = 0; i < alike.size(); ++i) {
    const double draw = uniform<double>({1, 0}, static_cast<index>(i));
    alike[i] = static_cast<float>((1 + draw) * std::ldexp(i % 2 == 0 ? 1 : -1, static_cast<int>(i / 150 * 7 % 60) - 30));
    spread[i] = static_cast<float>((draw - 0.5) * std::ldexp(1.0, static_cast<int>(i * i % 61) - 30));
  }
  const auto of = [&](const std::vector<float>& matrix) {
    return [&matrix](index i, index j) { return static_cast<double>(matrix[static_cast<std::size_t>(i * 150 + j)]); };
  };
  CHECK(largest_error(forms_of_matrix(alike, rows, n, labels), of(alike), labels) <= 13 * u);
  CHECK(largest_error(forms_of_matrix(spread, rows, n, labels), of(spread), labels) <= (2 * 64 + 11) * u);
}

TEST_CASE("gpu, labels: the largest and the smallest floats, NaN and infinity") {
  const index rows = 20;
  const label_bits labels = random_labels(rows, 20);
  for (const float scale : {0x1p120f, 0x1p-100f}) {
    std::vector<float> matrix = normal_rows<float>(rows, rows, 1);
    for (float& x : matrix) x *= scale;
    const auto found = forms_of_matrix(matrix, rows, 9, labels);
    const auto k = [&](index i, index j) { return static_cast<double>(matrix[static_cast<std::size_t>(i * rows + j)]); };
    CHECK(largest_error(found, k, labels) <= 139 * u);
  }
  for (const double x : forms_of_matrix(std::vector<float>(400, 1e-44f), rows, 9, labels)) CHECK(std::fabs(x) <= 190 * 0x1p-126);
  for (const float special : {HUGE_VALF, std::nanf("")}) {
    std::vector<float> matrix(400, 1.0f);
    matrix[5 * 20 + 17] = special;
    for (const double x : forms_of_matrix(matrix, rows, 9, labels)) CHECK(!(std::fabs(x) >= 0));
  }
}

TEST_CASE("gpu, labels: of other rows and for results of another size, refused") {
  const std::vector<float> matrix(400, 1.0f);
  CHECK_THROWS_WITH_AS((void)forms_of_matrix(matrix, 20, 9, random_labels(19, 3)),
                       "dispar: quadratic_forms: rows of labels must be the rows of all segments, got 19", invalid_argument);
}

}  // namespace gpu_tests
