// Rows on a Thrust system: the bits of the CPU, of values and of rows that are written.
#include <doctest/doctest.h>

#include "dispar/backend/thrust.hpp"
#include "dispar/decoding/adacad.hpp"
#include "dispar/divergence/entropy.hpp"
#include "dispar/divergence/jensen_shannon.hpp"
#include "dispar/divergence/label_cross_entropy.hpp"
#include "dispar/divergence/rows.hpp"
#include "dispar/divergence/top_k.hpp"
#include "dispar/preference/from_logits.hpp"
#include "normal_rows.hpp"

TEST_CASE("divergence::rows, adacad: the bits of cpu, many rows and one long one") {
  for (const auto& [rows, cols] : {std::pair<dispar::index, dispar::index>{40, 1001}, {1, 60000}}) {
    const auto a = normal_rows<float>(rows, cols, 1), b = normal_rows<float>(rows, cols, 2);
    std::vector<double> got(static_cast<std::size_t>(rows)), expected(got.size());
    const auto x = dispar::as_matrix(a, rows, cols), y = dispar::as_matrix(b, rows, cols);
    dispar::divergence::rows(dispar::cpu{}, x, y, dispar::divergence::jensen_shannon{}, expected);
    dispar::divergence::rows(dispar::on_thrust<dispar::DISPAR_TEST_SYSTEM>{}, x, y, dispar::divergence::jensen_shannon{}, got);
    CHECK(got == expected);

    const dispar::divergence::top_k best{dispar::divergence::jensen_shannon{}, 7, dispar::divergence::top_k_of::either,
                                         dispar::divergence::top_k_rest::lumped};
    dispar::divergence::rows(dispar::cpu{}, x, y, best, expected);
    dispar::divergence::rows(dispar::on_thrust<dispar::DISPAR_TEST_SYSTEM>{}, x, y, best, got);
    CHECK(got == expected);

    // A mask of all rows, single elements, an output.
    std::vector<std::uint8_t> mask(static_cast<std::size_t>(cols), 1);
    mask[5] = 0;
    const dispar::matrix_view<const std::uint8_t> all_rows(mask.data(), {rows, cols}, {0, 1});
    const std::vector<std::int64_t> labels(got.size(), cols - 2);
    const auto compute = [&](const auto& backend, std::vector<double>& values) {
      std::vector<float> gradient(a.size());
      dispar::divergence::label_cross_entropy(backend, x, labels, values, {.mask = all_rows, .label_smoothing = 0.1},
                                              {.a = dispar::as_matrix(gradient, rows, cols)});
      dispar::divergence::entropy(backend, y, values, {}, {.a = dispar::as_matrix(gradient, rows, cols), .accumulate = true});
      return gradient;
    };
    CHECK(compute(dispar::on_thrust<dispar::DISPAR_TEST_SYSTEM>{}, got) == compute(dispar::cpu{}, expected));
    CHECK(got == expected);

    std::vector<float> merged(a.size()), merged_on_cpu(a.size());
    dispar::decoding::adacad(dispar::cpu{}, x, y, dispar::as_matrix(merged_on_cpu, rows, cols));
    dispar::decoding::adacad(dispar::on_thrust<dispar::DISPAR_TEST_SYSTEM>{}, x, y, dispar::as_matrix(merged, rows, cols));
    CHECK(merged == merged_on_cpu);
  }
}

TEST_CASE("preference::losses_from_logits: the bits of cpu") {
  namespace preference = dispar::preference;
  constexpr dispar::index groups = 3, time = 4, tokens = 1001;
  const auto logits = normal_rows<float>(4 * groups * time, tokens, 1);
  std::vector<std::int64_t> labels;
  for (dispar::index i = 0; i < 4 * groups * time; ++i) labels.push_back(i % 5 == 0 ? -100 : 37 * i % tokens);
  const auto run = [&](const auto& backend) {
    std::vector<float> gradient(logits.size());
    double mean = 0;
    const auto batch = [](auto& x) {
      return preference::as_sequences(dispar::as_matrix(x, 4 * groups * time, tokens), 4 * groups);
    };
    preference::losses_from_logits(backend, preference::d2o{}, batch(logits), dispar::as_matrix(labels, 4 * groups, time),
                                   preference::group_results<>{.mean = dispar::scalar_view<double>(&mean)},
                                   {.logits = batch(gradient)}, {.samples = 3});
    gradient.push_back(static_cast<float>(mean));
    return gradient;
  };
  CHECK(run(dispar::on_thrust<dispar::DISPAR_TEST_SYSTEM>{}) == run(dispar::cpu{}));
}
