#include "bags.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "dispar/backend/cpu.hpp"
#include "dispar/core/random/permutation.hpp"
#include "dispar/mmd/batched.hpp"
#include "dispar/mmd/classifier_test.hpp"
#include "dispar/mmd/criterion.hpp"
#include "dispar/mmd/median_heuristic.hpp"
#include "dispar/mmd/single_instance.hpp"

namespace mmd_mp {
namespace {

using matrix = dispar::matrix_view<const float>;

/// Rows of an embedded sample, copied side by side.
struct gathered_rows {
  std::vector<float> phi, raw;
  std::int64_t rows = 0, features = 0, width = 0;

  void append(const embedded& from, std::int64_t place) {
    features = from.features;
    width = from.raw.text->row_size();
    const float* const p = from.phi.data() + place * features;
    const float* const r = from.raw.text->row(from.raw.rows[static_cast<std::size_t>(place)]);
    phi.insert(phi.end(), p, p + features);
    raw.insert(raw.end(), r, r + width);
    ++rows;
  }
  [[nodiscard]] auto channels() const {
    return dispar::channels(matrix(phi.data(), rows, features), matrix(raw.data(), rows, width));
  }
};

gathered_rows first_of(const embedded& from, std::int64_t count) {
  gathered_rows rows;
  for (std::int64_t i = 0; i < count; ++i) rows.append(from, i);
  return rows;
}

std::vector<std::int64_t> permuted(std::int64_t count, dispar::random_key key) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  dispar::permutation(key, std::span(order));
  return order;
}

void require_enough(std::int64_t there, std::int64_t wanted) {
  if (there < wanted)
    throw std::invalid_argument("bags need " + std::to_string(wanted) + " sentences, there are " + std::to_string(there));
}

}  // namespace

rejections& rejections::operator+=(const rejections& other) {
  rejected += other.rejected;
  tests += other.tests;
  return *this;
}

embedded embed(const detector& by, const sentence_rows& sentences) {
  return {by.features(sentences), by.feature_count(), sentences};
}

std::vector<bag_pair> draw_bags(std::int64_t human, std::int64_t other, const bag_settings& s) {
  require_enough(std::min(human, other), s.size);
  std::vector<bag_pair> bags;
  for (std::int64_t t = 0; t < s.tests; ++t) {
    const dispar::random_key key = dispar::random_key{s.seed, 105}.fork(static_cast<std::uint64_t>(t));
    const auto x = permuted(human, key.fork(0)), y = permuted(other, key.fork(1));
    bags.push_back({{x.begin(), x.begin() + s.size}, {y.begin(), y.begin() + s.size}});
  }
  return bags;
}

std::vector<bag_pair> draw_human_bags(std::int64_t human, const bag_settings& s) {
  require_enough(human, 2 * s.size);
  std::vector<bag_pair> bags;
  for (std::int64_t t = 0; t < s.tests; ++t) {
    const auto x = permuted(human, dispar::random_key{s.seed, 106}.fork(static_cast<std::uint64_t>(t)));
    bags.push_back({{x.begin(), x.begin() + s.size}, {x.begin() + s.size, x.begin() + 2 * s.size}});
  }
  return bags;
}

rejections test_bags(const embedded& x, const embedded& y, const std::vector<bag_pair>& bags, const dispar::deep_kernel<>& kernel,
                     const bag_settings& s) {
  constexpr std::size_t at_a_time = 50;  // rows of bags are copied: 50 MB with 6,144 raw features
  rejections result;
  for (std::size_t first = 0; first < bags.size(); first += at_a_time) {
    gathered_rows in_x, in_y;
    std::vector<dispar::index> offsets{0};
    for (std::size_t b = first; b < std::min(bags.size(), first + at_a_time); ++b) {
      for (const std::int64_t place : bags[b].x) in_x.append(x, place);
      for (const std::int64_t place : bags[b].y) in_y.append(y, place);
      offsets.push_back(in_x.rows);
    }
    const auto tests = dispar::mmd::batched_permutation_test(
        dispar::cpu{}, dispar::mmd::grouped(in_x.channels(), offsets), dispar::mmd::grouped(in_y.channels(), offsets), kernel,
        {.permutations = s.permutations,
         .alpha = s.alpha,
         .seed = dispar::mmd::group_seed(s.seed, static_cast<std::int64_t>(first))});
    for (const auto& test : tests) result.rejected += test.reject;
    result.tests += std::ssize(tests);
  }
  return result;
}

rejections test_bags(const std::vector<double>& x, const std::vector<double>& y, const std::vector<bag_pair>& bags, bool labels,
                     const bag_settings& s) {
  rejections result;
  for (const bag_pair& bag : bags) {
    std::vector<double> both;
    for (const std::int64_t place : bag.x) both.push_back(x[static_cast<std::size_t>(place)]);
    for (const std::int64_t place : bag.y) both.push_back(y[static_cast<std::size_t>(place)]);
    const auto test =
        dispar::mmd::classifier_test(dispar::vector_view<const double>(both.data(), std::ssize(both)), std::ssize(bag.x),
                                     {.labels = labels,
                                      .permutations = s.permutations,
                                      .alpha = s.alpha,
                                      .seed = dispar::mmd::group_seed(s.seed, result.tests)});
    result.rejected += test.p_value <= s.alpha;
    ++result.tests;
  }
  return result;
}

dispar::mmd::test_result test_against(const embedded& reference, const embedded& bag, const dispar::deep_kernel<>& kernel,
                                      const bag_settings& s) {
  const gathered_rows x = first_of(reference, reference.size()), y = first_of(bag, bag.size());
  return dispar::mmd::permutation_test(dispar::cpu{}, x.channels(), y.channels(), kernel,
                                       {.permutations = s.permutations, .alpha = s.alpha, .seed = s.seed});
}

std::vector<double> scores(const embedded& reference, const embedded& sentences, const dispar::deep_kernel<>& kernel) {
  const gathered_rows r = first_of(reference, reference.size()), y = first_of(sentences, sentences.size());
  return dispar::mmd::single_instance_scores(dispar::cpu{}, r.channels(), y.channels(), kernel);
}

kernel_statistics statistics(const embedded& x, const embedded& y, const dispar::deep_kernel<>& kernel) {
  const std::int64_t n = std::min(x.size(), y.size());
  const gathered_rows in_x = first_of(x, n), in_y = first_of(y, n);
  const auto whole = dispar::mmd::criterion(dispar::cpu{}, in_x.channels(), in_y.channels(), kernel);
  const auto mpp = dispar::mmd::criterion(dispar::cpu{}, in_x.channels(), in_y.channels(), kernel, {.yy = 0});
  return {whole.statistic, whole.variance, mpp.statistic, mpp.variance};
}

double median_squared_distance(const sentence_rows& x, const sentence_rows& y) {
  gathered_rows in_x, in_y;
  const auto gather = [](gathered_rows& into, const sentence_rows& from) {
    const embedded all{std::vector<float>(from.rows.size()), 1, from};
    for (std::int64_t i = 0; i < all.size(); ++i) into.append(all, i);
  };
  gather(in_x, x);
  gather(in_y, y);
  const double median = dispar::median_heuristic(dispar::cpu{}, matrix(in_x.raw.data(), in_x.rows, in_x.width),
                                                 matrix(in_y.raw.data(), in_y.rows, in_y.width));
  return median * median;
}

}  // namespace mmd_mp
