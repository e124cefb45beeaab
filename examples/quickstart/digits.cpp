#include "digits.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>

#include "dispar/core/random/permutation.hpp"

#ifndef DISPAR_QUICKSTART_DATA
#define DISPAR_QUICKSTART_DATA "examples/quickstart/data"
#endif

namespace quickstart {
namespace {

constexpr std::size_t pixels = image_side * image_side;

labelled_images rows_of(const labelled_images& all, const std::vector<std::int64_t>& rows) {
  labelled_images some{{{}, 0, all.images.columns}, {}};
  for (const std::int64_t i : rows) {
    some.images.append_row(all.images.row(i));
    some.labels.push_back(all.labels[static_cast<std::size_t>(i)]);
  }
  return some;
}

/// Applies one linear map to each line of 8 pixels: `out[i] = sum_j map[i][j] in[j]`.
using line_map = std::array<std::array<float, image_side>, image_side>;

void apply(const line_map& map, const float* in, float* out, std::size_t stride) {
  for (std::size_t i = 0; i < image_side; ++i) {
    float sum = 0;
    for (std::size_t j = 0; j < image_side; ++j) sum += map[i][j] * in[j * stride];
    out[i * stride] = sum;
  }
}

table each_row(const table& images, const line_map& map) {
  table result = images;
  for (std::size_t first = 0; first < images.values.size(); first += image_side)
    apply(map, &images.values[first], &result.values[first], 1);
  return result;
}

table each_column(const table& images, const line_map& map) {
  table result = images;
  for (std::size_t first = 0; first < images.values.size(); first += pixels)
    for (std::size_t column = 0; column < image_side; ++column)
      apply(map, &images.values[first + column], &result.values[first + column], image_side);
  return result;
}

}  // namespace

labelled_images load_digits(const std::filesystem::path& folder) {
  labelled_images digits{read_table(folder / "digits.npy"), {}};
  const table labels = read_table(folder / "labels.npy");
  if (digits.images.columns != static_cast<std::ptrdiff_t>(pixels) || labels.columns != 1 || labels.rows != digits.images.rows)
    throw file_error(folder.string() + ": digits.npy must be n x 64 and labels.npy n");
  digits.labels.assign(labels.values.begin(), labels.values.end());
  return digits;
}

std::filesystem::path find_digits(const std::filesystem::path& wanted) {
  std::vector<std::filesystem::path> folders;
  std::error_code ignored;
  if (!wanted.empty()) {
    folders.push_back(wanted);
  } else {
    folders.emplace_back(DISPAR_QUICKSTART_DATA);
    const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
    for (const auto& start : {program, std::filesystem::current_path(ignored)})
      for (const char* way :
           {"data", "examples/quickstart/data", "../share/dispar/quickstart", "../../../examples/quickstart/data"})
        if (!start.empty()) folders.push_back(start / way);
  }
  std::string tried;
  for (const auto& folder : folders) {
    if (std::filesystem::exists(folder / "digits.npy", ignored)) return folder;
    tried += "\n  " + folder.string();
  }
  throw file_error("digits.npy not found; name its folder with --data. Looked in:" + tried);
}

halves split(const labelled_images& all, std::uint64_t seed) {
  std::vector<std::int64_t> order(all.labels.size());
  // A stream of its own: the relabellings of the test draw from stream 0 of the same seed.
  dispar::permutation({.seed = seed, .stream = 1}, std::span(order));
  const auto middle = order.begin() + std::ssize(order) / 2;
  return {rows_of(all, {order.begin(), middle}), rows_of(all, {middle, order.end()})};
}

table blurred(const table& images, double sigma) {
  line_map map{};
  double total = 0;
  for (int t = -4 * image_side; t <= 4 * image_side; ++t) total += std::exp(-0.5 * t * t / (sigma * sigma));
  for (int i = 0; i < image_side; ++i)
    for (int j = 0; j < image_side; ++j)
      map[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] =
          static_cast<float>(std::exp(-0.5 * (i - j) * (i - j) / (sigma * sigma)) / total);
  return each_column(each_row(images, map), map);
}

table shifted(const table& images, double pixels_right) {
  line_map map{};
  for (int i = 0; i < image_side; ++i)
    for (int j = 0; j < image_side; ++j)
      map[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] =
          static_cast<float>(std::max(0.0, 1 - std::abs(i - pixels_right - j)));
  return each_row(images, map);
}

table imbalanced(const labelled_images& images, double missing) {
  std::array<std::ptrdiff_t, 10> seen{};
  table kept{{}, 0, images.images.columns};
  for (std::ptrdiff_t i = 0; i < images.images.rows; ++i) {
    const auto digit = static_cast<std::size_t>(images.labels[static_cast<std::size_t>(i)]);
    const auto dropped_of = [&](std::ptrdiff_t count) { return std::floor(missing * static_cast<double>(count)); };
    const std::ptrdiff_t before = seen[digit]++;
    // Every so often one of a digit goes; the order is random, so this is a random choice of them.
    if (digit < 5 || dropped_of(before + 1) == dropped_of(before)) kept.append_row(images.images.row(i));
  }
  return kept;
}

}  // namespace quickstart
