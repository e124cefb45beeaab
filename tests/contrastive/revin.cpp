// Series normalized and brought back: definitions, gradients by differences, constants, in place, what is refused.
#include "dispar/contrastive/revin.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "dispar/backend/cpu.hpp"
#include "normal_rows.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using dispar::cpu;
using dispar::index;

constexpr index things = 3, times = 17, features = 5;

template<class T>
struct series {
  std::vector<T> x = normal_rows<T>(things * times, features, 1), weight{2, -1, 0.5, 1, 3}, bias{1, 2, 3, 4, 5};
  std::vector<double> level = std::vector<double>(things * features), scale = level;
  using read = dispar::tensor_view<const T, 3>;
  using write = dispar::tensor_view<T, 3>;
  [[nodiscard]] static read in(const std::vector<T>& v) { return {v.data(), {things, times, features}}; }
  [[nodiscard]] static write to(std::vector<T>& v) { return {v.data(), {things, times, features}}; }
  [[nodiscard]] contrastive::revin_statistics<> kept() {
    return {{level.data(), things, features}, {scale.data(), things, features}};
  }
  [[nodiscard]] contrastive::revin_affine<T> map() const { return {{weight.data(), features}, {bias.data(), features}}; }
};

}  // namespace

TEST_CASE_TEMPLATE("RevIN: level and scale, unit spread, and back again; in place; from the last value", T, float, double) {
  const double near = std::is_same_v<T, float> ? 1e-5 : 1e-12;
  for (const bool last : {false, true})
    for (const bool affine : {false, true}) {
      series<T> s;
      const contrastive::revin_options o{.subtract_last = last};
      const auto map = affine ? s.map() : contrastive::revin_affine<T>{};
      std::vector<T> out(s.x.size()), in_place = s.x, back(s.x.size());
      contrastive::revin_normalize(cpu{}, s.in(s.x), s.to(out), s.kept(), map, o);
      contrastive::revin_normalize(cpu{}, s.in(in_place), s.to(in_place), s.kept(), map, o);
      CHECK(in_place == out);
      for (index i = 0; i < things; ++i)
        for (index k = 0; k < features; ++k) {
          double mean = 0, variance = 0;
          for (index t = 0; t < times; ++t) mean += static_cast<double>(s.in(s.x)(i, t, k)) / static_cast<double>(times);
          for (index t = 0; t < times; ++t)
            variance += std::pow(static_cast<double>(s.in(s.x)(i, t, k)) - mean, 2) / static_cast<double>(times);
          const double from = last ? static_cast<double>(s.in(s.x)(i, times - 1, k)) : mean, scale = std::sqrt(variance + 1e-5);
          const double w = affine ? static_cast<double>(s.weight[static_cast<std::size_t>(k)]) : 1,
                       c = affine ? static_cast<double>(s.bias[static_cast<std::size_t>(k)]) : 0;
          CHECK(s.kept().level(i, k) == doctest::Approx(from).epsilon(1e-12));
          CHECK(s.kept().scale(i, k) == doctest::Approx(scale).epsilon(1e-12));
          CHECK(static_cast<double>(s.in(out)(i, 3, k)) ==
                doctest::Approx((static_cast<double>(s.in(s.x)(i, 3, k)) - from) / scale * w + c).epsilon(near));
        }
      contrastive::revin_denormalize(cpu{}, s.in(out), s.to(back), s.kept(), map, o);
      const double back_near = affine ? 1e-8 + 10 * near : 10 * near;  // the inverse divides by w + eps^2
      for (std::size_t e = 0; e < back.size(); ++e)
        CHECK(static_cast<double>(back[e]) == doctest::Approx(static_cast<double>(s.x[e])).epsilon(back_near).scale(1));
    }
}

TEST_CASE("RevIN: gradients by differences, statistics held") {
  series<double> s;
  const auto by_out = normal_rows<double>(things * times, features, 9);
  std::vector<double> out(s.x.size());
  contrastive::revin_normalize(cpu{}, s.in(s.x), s.to(out), s.kept(), s.map());
  const auto kept = s.kept();
  for (const bool forth : {true, false}) {
    const auto value = [&](const std::vector<double>& x, const std::vector<double>& weight, const std::vector<double>& bias) {
      double sum = 0;
      for (index i = 0; i < things; ++i)
        for (index t = 0; t < times; ++t)
          for (index k = 0; k < features; ++k) {
            const auto f = static_cast<std::size_t>(k);
            const double v = s.in(x)(i, t, k), level = kept.level(i, k), scale = kept.scale(i, k);
            sum += s.in(by_out)(i, t, k) *
                   (forth ? (v - level) / scale * weight[f] + bias[f] : (v - bias[f]) / (weight[f] + 1e-10) * scale + level);
          }
      return sum;
    };
    std::vector<double> by_x(s.x.size()), by_w(features), by_c(features);
    const contrastive::revin_affine_gradients<double> g{{by_w.data(), features}, {by_c.data(), features}};
    if (forth)
      contrastive::revin_normalize_gradient(cpu{}, s.in(s.x), s.in(by_out), s.to(by_x), kept, s.map(), g);
    else
      contrastive::revin_denormalize_gradient(cpu{}, s.in(s.x), s.in(by_out), s.to(by_x), kept, s.map(), g);
    const double h = 1e-6;
    const auto slope = [&](std::vector<double> series<double>::*of, std::size_t at) {
      auto up = s, down = s;
      (up.*of)[at] += h, (down.*of)[at] -= h;
      return (value(up.x, up.weight, up.bias) - value(down.x, down.weight, down.bias)) / (2 * h);
    };
    for (const std::size_t at : {std::size_t{0}, std::size_t{3}}) {
      CHECK(by_x[20 + at] == doctest::Approx(slope(&series<double>::x, 20 + at)).epsilon(1e-6));
      CHECK(by_w[at] == doctest::Approx(slope(&series<double>::weight, at)).epsilon(1e-6));
      CHECK(by_c[at] == doctest::Approx(slope(&series<double>::bias, at)).epsilon(1e-6));
    }
  }
}

TEST_CASE_TEMPLATE(
    "RevIN: series, statistics and maps of any strides: the bits of dense ones, and nothing between them is written", T, float,
    double) {
  // Every second of what lies in memory, times before features.
  struct apart {
    std::vector<T> numbers = std::vector<T>(2 * things * times * features, T(9));
    [[nodiscard]] typename series<T>::write view() {
      return {numbers.data(), {things, times, features}, {2 * times * features, 2, 2 * times}};
    }
    [[nodiscard]] typename series<T>::read read() {
      const auto v = view();
      return {v.data(), v.extents(), v.strides()};
    }
  };
  const auto spread = [](const std::vector<T>& from) {
    apart to;
    for (index i = 0; i < things; ++i)
      for (index t = 0; t < times; ++t)
        for (index k = 0; k < features; ++k) to.view()(i, t, k) = series<T>::in(from)(i, t, k);
    return to;
  };
  series<T> s;
  const auto by_out = normal_rows<T>(things * times, features, 9);
  std::vector<double> numbers(4 * things * features, 9);
  std::vector<T> map_numbers(4 * features), by_map(4 * features, T(9));
  for (std::size_t k = 0; k < features; ++k) {
    map_numbers[4 * k] = s.weight[k];
    map_numbers[4 * k + 2] = s.bias[k];
  }
  const contrastive::revin_statistics<> kept{{numbers.data(), {things, features}, {4 * features, 4}},
                                             {numbers.data() + 2, {things, features}, {4 * features, 4}}};
  const contrastive::revin_affine<T> map{{map_numbers.data(), {features}, {4}}, {map_numbers.data() + 2, {features}, {4}}};
  const contrastive::revin_affine_gradients<T> g{{by_map.data(), {features}, {4}}, {by_map.data() + 2, {features}, {4}}};
  const auto same = [](const std::vector<T>& dense, apart& got) {
    for (index i = 0; i < things; ++i)
      for (index t = 0; t < times; ++t)
        for (index k = 0; k < features; ++k) REQUIRE(got.view()(i, t, k) == series<T>::in(dense)(i, t, k));
    for (std::size_t e = 1; e < got.numbers.size(); e += 2) REQUIRE(got.numbers[e] == T(9));
  };
  for (const bool last : {false, true}) {
    const contrastive::revin_options o{.subtract_last = last};
    std::vector<T> dense(s.x.size()), by_x(s.x.size()), by_w(features), by_c(features);
    const contrastive::revin_affine_gradients<T> dense_g{{by_w.data(), features}, {by_c.data(), features}};
    apart x = spread(s.x), by = spread(by_out), out, by_apart;
    contrastive::revin_normalize(cpu{}, s.in(s.x), s.to(dense), s.kept(), s.map(), o);
    contrastive::revin_normalize(cpu{}, x.read(), out.view(), kept, map, o);
    same(dense, out);
    for (index i = 0; i < things; ++i)
      for (index k = 0; k < features; ++k) {
        CHECK(kept.level(i, k) == s.kept().level(i, k));
        CHECK(kept.scale(i, k) == s.kept().scale(i, k));
      }
    const auto same_map = [&] {
      for (std::size_t k = 0; k < features; ++k) {
        CHECK(by_map[4 * k] == by_w[k]);
        CHECK(by_map[4 * k + 2] == by_c[k]);
        CHECK(by_map[4 * k + 1] == T(9));
      }
    };
    contrastive::revin_normalize_gradient(cpu{}, s.in(s.x), s.in(by_out), s.to(by_x), s.kept(), s.map(), dense_g, o);
    contrastive::revin_normalize_gradient(cpu{}, x.read(), by.read(), by_apart.view(), kept, map, g, o);
    same(by_x, by_apart);
    same_map();
    contrastive::revin_denormalize(cpu{}, s.in(s.x), s.to(dense), s.kept(), s.map(), o);
    contrastive::revin_denormalize(cpu{}, x.read(), out.view(), kept, map, o);
    same(dense, out);
    contrastive::revin_denormalize_gradient(cpu{}, s.in(s.x), s.in(by_out), s.to(by_x), s.kept(), s.map(), dense_g, o);
    contrastive::revin_denormalize_gradient(cpu{}, x.read(), by.read(), by_apart.view(), kept, map, g, o);
    same(by_x, by_apart);
    same_map();
  }
  for (std::size_t e = 1; e < numbers.size(); e += 2) CHECK(numbers[e] == 9);
}

TEST_CASE("RevIN: a constant series becomes 0 exactly; what is refused") {
  series<float> s;
  s.x.assign(s.x.size(), 0.1f);
  std::vector<float> out(s.x.size(), 7.0f);
  contrastive::revin_normalize(cpu{}, s.in(s.x), s.to(out), s.kept());
  for (const float v : out) CHECK(v == 0.0f);
  CHECK(s.scale[0] == doctest::Approx(std::sqrt(1e-5)).epsilon(1e-12));
  for (const double value : {0.1, 0.3, 3.3e-5, 12345.678, 1e15 + 0.5}) {  // sums of which round
    series<double> same;
    same.x.assign(same.x.size(), value);
    std::vector<double> normed(same.x.size(), 7.0);
    contrastive::revin_normalize(cpu{}, same.in(same.x), same.to(normed), same.kept());
    CHECK(normed == std::vector<double>(normed.size(), 0.0));
    CHECK(same.level == std::vector<double>(same.level.size(), value));
    CHECK(same.scale == std::vector<double>(same.scale.size(), std::sqrt(1e-5)));
    contrastive::revin_normalize(cpu{}, same.in(same.x), same.to(normed), same.kept(), same.map());
    CHECK(normed[3] == same.bias[3]);
  }
  const auto run = [&](const auto& kept, const contrastive::revin_options& o) {
    contrastive::revin_normalize(cpu{}, s.in(s.x), s.to(out), kept, {}, o);
  };
  CHECK_THROWS_AS(run(s.kept(), {.eps = 0}), dispar::invalid_argument);
  CHECK_THROWS_AS(run(contrastive::revin_statistics<>{}, {}), dispar::invalid_argument);
}

}  // namespace contrastive_tests
