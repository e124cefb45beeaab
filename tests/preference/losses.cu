// Preference losses on the GPU: the results of the CPU, by a block per row and by segments, without a wait.
#include <doctest/doctest.h>

#include <string>

#include "dispar/backend/cpu.hpp"
#include "dispar/backend/gpu.hpp"
#include "dispar/preference/from_logits.hpp"
#include "dispar/preference/intro.hpp"
#include "mmd/gpu/asynchronous_checks.hpp"
#include "sequence_checks.hpp"

namespace preference_tests {

namespace preference = dispar::preference;
using dispar::as_matrix;
using dispar::cpu;
using dispar::device;
using preference::as_sequences;

TEST_CASE("preference on the GPU: sequences, unlikelihood, D2O from logits, InTRO") {
  dispar::cuda_context context;
  const dispar::gpu g{&context};
  for (const index vocabulary : {33, 9001}) {
    CAPTURE(vocabulary);
    batch<float> c(4, 3, vocabulary);
    const auto x = dispar::to(g, c.x());
    const auto y = dispar::to(g, c.y());
    dispar::array<float, 3, dispar::gpu> by(g, {4, 3, vocabulary});
    dispar::array<double, 1, dispar::gpu> values(g, {4});
    const auto compare = [&](const std::string& what) {
      CAPTURE(what);
      const auto got = dispar::to_host(g, values);
      const auto gradient = dispar::to_host(g, by);
      double worst = 0;
      for (std::size_t i = 0; i < 4; ++i)
        worst = std::fmax(worst, std::fabs(got.data()[i] - c.values[i]) / (1 + std::fabs(c.values[i])));
      for (std::size_t i = 0; i < c.gradient.size(); ++i)
        worst = std::fmax(worst, std::fabs(static_cast<double>(gradient.data()[i] - c.gradient[i])));
      CHECK(worst < 1e-5);
    };
    const preference::token_options<> o{.reduce = preference::over_tokens::mean, .shift = true};
    const preference::token_options<device> on_device{.reduce = o.reduce, .shift = true};
    preference::sequence_logps_and_gradient(cpu{}, c.x(), c.y(), c.values, {.logits = c.g()}, o);
    preference::sequence_logps_and_gradient(g, x, y, values, {.logits = by.view()}, on_device);
    compare("sequence_logps");
    preference::unlikelihood(cpu{}, c.x(), c.y(), c.values, {.logits = c.g()}, o);
    preference::unlikelihood(g, x, y, values, {.logits = by.view()}, on_device);
    compare("unlikelihood");

    auto of_groups = dispar::view_of(c.values).slice(0, 2);
    preference::losses_from_logits(cpu{}, preference::d2o{}, c.x(), c.y(), preference::group_results<>{.loss = of_groups},
                                   {.logits = c.g()}, {});
    preference::losses_from_logits(g, preference::d2o{}, x, y,
                                   preference::group_results<device>{.loss = values.view().slice(0, 2)}, {.logits = by.view()},
                                   {});
    compare("d2o from logits");

    const std::vector<std::int64_t> candidates{0, 1, 1, 5, 32, 7, 3, 3, 3, 8, 9, 10, 2, 2, 4, 6, 6, 6, 31, 30, 29, 28, 28, 27};
    std::vector<float> other = normal_rows<float>(12, vocabulary, 8);
    const auto posterior = as_sequences(as_matrix(other, 12, vocabulary), 4);
    const auto device_posterior = dispar::to(g, posterior);
    const auto tokens = as_sequences(as_matrix(candidates, 12, 2), 4);
    const auto device_tokens = dispar::to(g, tokens);
    preference::intro(cpu{}, c.x(), posterior, tokens, {.objective = dispar::view_of(c.values)}, {.logits = c.g()});
    preference::intro(g, x, device_posterior, device_tokens, {.objective = values.view()}, {.logits = by.view()});
    compare("intro");
  }
}

TEST_CASE("preference on the GPU: without a wait, and by a graph") {
  for (const index vocabulary : {300, 9000}) {
    gpu_tests::counted_stream stream;
    const dispar::gpu g = stream.backend();
    gpu_tests::changing_rows<float> forward(g, 12, vocabulary), posterior(g, 12, vocabulary);
    std::vector<std::int64_t> tokens;
    for (int i = 0; i < 24; ++i) tokens.push_back(i % 7 == 3 ? -100 : 11 * i % 300);
    const auto labels = dispar::to(g, dispar::matrix_view<const std::int64_t>(tokens.data(), 4, 3));
    for (std::int64_t& t : tokens) t = t < 0 ? 0 : t;
    const auto candidates = dispar::to(g, as_sequences(as_matrix(tokens, 12, 2), 4));
    dispar::array<double, 1, dispar::gpu> values(g, {2}), objective(g, {4});
    dispar::array<float, 3, dispar::gpu> by(g, {4, 3, vocabulary}), by_forward(g, {4, 3, vocabulary});
    const auto numbers = [&] {
      std::vector<double> all;
      const auto add = [&](const auto& of) {
        const auto copy = dispar::to_host(g, of);
        all.insert(all.end(), copy.data(), copy.data() + copy.view().size());
      };
      add(values);
      add(objective);
      add(by);
      add(by_forward);
      return all;
    };
    const auto call = [&] {
      const auto x = as_sequences(forward.view(), 4), y = as_sequences(posterior.view(), 4);
      preference::losses_from_logits(
          g, preference::d2o{}, x, labels,
          preference::group_results<device>{.loss = values.view().slice(0, 1),
                                            .mean = dispar::scalar_view<double, device>(values.data() + 1)},
          {.logits = by.view()}, {.samples = 3, .tokens = {.reduce = preference::over_tokens::mean, .shift = true}});
      preference::intro(g, x, y, candidates, {.objective = objective.view()}, {.logits = by_forward.view(), .factor = 0.5});
    };
    gpu_tests::check_asynchronous(
        stream, call,
        [&](std::uint64_t seed) {
          forward.fill(10 * seed);
          posterior.fill(10 * seed + 1);
        },
        numbers,
        [&] {
          call();
          return numbers();
        });
  }
}

TEST_CASE("preference on the GPU: logits of 16 bits") {
  dispar::cuda_context context;
  const dispar::gpu g{&context};
  batch<float> c(2, 3, 520);
  std::vector<dispar::bfloat16> narrow;
  for (float& x : c.logits) {
    narrow.push_back(static_cast<dispar::bfloat16>(x));
    x = static_cast<float>(narrow.back());
  }
  const auto x = dispar::to(g, as_sequences(as_matrix(narrow, 6, 520), 2));
  const auto y = dispar::to(g, c.y());
  dispar::array<dispar::bfloat16, 3, dispar::gpu> by(g, {2, 3, 520});
  dispar::array<double, 1, dispar::gpu> values(g, {2});
  preference::sequence_logps_and_gradient(g, x, y, values, {.logits = by.view()});
  preference::sequence_logps_and_gradient(cpu{}, c.x(), c.y(), c.values, {.logits = c.g()});
  const auto got = dispar::to_host(g, values);
  const auto gradient = dispar::to_host(g, by);
  for (std::size_t i = 0; i < 2; ++i) CHECK(got.data()[i] == doctest::Approx(c.values[i]).epsilon(1e-6));
  double worst = 0;
  for (std::size_t i = 0; i < c.gradient.size(); ++i)
    worst = std::fmax(worst, std::fabs(static_cast<double>(static_cast<float>(gradient.data()[i]) - c.gradient[i])));
  CHECK(worst < 4e-3);
}

}  // namespace preference_tests
