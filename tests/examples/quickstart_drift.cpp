#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "quickstart/digits.hpp"
#include "quickstart/scenario.hpp"

using namespace quickstart;

namespace {

const labelled_images& digits() {
  static const labelled_images all = load_digits(find_digits(DISPAR_SOURCE_DIR "/examples/quickstart/data"));
  return all;
}

table one_dot(int line, int column) {
  table image{std::vector<float>(64), 1, 64};
  image.values[static_cast<std::size_t>(line * image_side + column)] = 16;
  return image;
}

double ink(const table& images) { return std::accumulate(images.values.begin(), images.values.end(), 0.0); }

}  // namespace

TEST_CASE("the shipped digits are the 1,797 of UCI's test set") {
  CHECK(digits().images.rows == 1797);
  CHECK(digits().images.columns == 64);
  std::vector<int> count(10);
  for (const int label : digits().labels) ++count.at(static_cast<std::size_t>(label));
  CHECK(count == std::vector<int>{178, 182, 177, 183, 181, 182, 181, 179, 174, 180});
  CHECK(ink(digits().images) == 561718);
  CHECK_THROWS_AS((void)find_digits("/no/such/folder"), file_error);
}

TEST_CASE("a split is a partition, the same for the same seed only") {
  const halves a = split(digits(), 1), again = split(digits(), 1), other = split(digits(), 2);
  CHECK(a.reference.images.rows == 898);
  CHECK(a.current.images.rows == 899);
  CHECK(a.current.labels.size() == 899);
  CHECK(a.reference.images.values == again.reference.images.values);
  CHECK(a.reference.images.values != other.reference.images.values);
  CHECK(ink(a.reference.images) + ink(a.current.images) == ink(digits().images));
}

TEST_CASE("a shift by whole pixels moves, by half a pixel averages") {
  CHECK(shifted(one_dot(3, 2), 0).values == one_dot(3, 2).values);
  CHECK(shifted(one_dot(3, 2), 2).values == one_dot(3, 4).values);
  CHECK(ink(shifted(one_dot(3, 7), 1)) == 0);
  const table half = shifted(one_dot(3, 2), 0.5);
  CHECK(half.row(0)[3 * 8 + 2] == 8);
  CHECK(half.row(0)[3 * 8 + 3] == 8);
}

TEST_CASE("a blur keeps the ink that stays inside, and is symmetric") {
  const table spot = blurred(one_dot(4, 4), 0.6);
  CHECK(ink(spot) == doctest::Approx(16).epsilon(1e-5));
  CHECK(spot.row(0)[4 * 8 + 3] == doctest::Approx(spot.row(0)[4 * 8 + 5]));
  CHECK(spot.row(0)[3 * 8 + 4] == doctest::Approx(spot.row(0)[4 * 8 + 5]));
  CHECK(blurred(one_dot(4, 4), 0.05).values == one_dot(4, 4).values);
}

TEST_CASE("class imbalance removes the stated share of 5 to 9, spread over the sample") {
  const labelled_images& all = digits();
  CHECK(imbalanced(all, 0).rows == 1797);
  CHECK(imbalanced(all, 1).rows == 178 + 182 + 177 + 183 + 181);
  CHECK(imbalanced(all, 0.5).rows == 901 + (182 - 91) + (181 - 90) + (179 - 89) + (174 - 87) + (180 - 90));
}

TEST_CASE("the scenarios start without drift and end each kind with its strongest") {
  const std::vector<scenario> all = scenarios(split(digits(), 1).current);
  CHECK(all.size() == 13);
  CHECK(all.front().drift == "none");
  CHECK(std::count_if(all.begin(), all.end(), [](const scenario& s) { return s.is_strongest; }) == 3);
  for (std::size_t i = 1; i < all.size(); ++i) CHECK(all[i].is_strongest == (i % 4 == 0));
}
