#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <numeric>

#include "bytes.hpp"
#include "checkpoint.hpp"
#include "file_error.hpp"
#include "intervals.hpp"
#include "synthetic.hpp"

using namespace mmd_mp;

namespace {

/// Points of the synthetic experiment, few of them.
struct little {
  encoded_text points;
  std::vector<std::int64_t> human, machine;

  explicit little(std::int64_t machines = 40) : human(40), machine(static_cast<std::size_t>(machines)) {
    append_points(points, {}, true, 40, 1);
    append_points(points, {}, false, machines, 1);
    std::iota(human.begin(), human.end(), 0);
    std::iota(machine.begin(), machine.end(), 40);
  }
  [[nodiscard]] training_data data() const {
    const sentence_rows x{&points, human}, y{&points, machine};
    return {x, y, x, y, x};
  }
};

detector_settings tiny(objective goal) {
  return {.goal = goal,
          .net = {.tokens = 1, .width = 20, .heads = 2, .intermediate = 8, .layers = 1, .hidden = 8, .output = 4},
          .sigma = 40,
          .sigma0 = 16,
          .learning_rate = 1e-3,
          .batch = 20,
          .seed = 3};
}

checkpoint trained(objective goal, std::int64_t epochs, const little& l) {
  checkpoint c{{detector(tiny(goal)), {}, {}}, "none", "words", 12, {"a", "b"}, 3, 0.5, l.points};
  train(c.state, l.data(), {.epochs = epochs, .validation = {.size = 5, .tests = 10, .permutations = 39}}, {});
  return c;
}

}  // namespace

TEST_CASE("training goes on behind a checkpoint as if there had been no interruption") {
  const auto file = std::filesystem::temp_directory_path() / "dispar_mmd_mp_checkpoint.safetensors";
  const little l;
  for (const objective goal : {objective::mpp, objective::mmd, objective::raw, objective::cross_entropy}) {
    CAPTURE(name_of(goal));
    save_checkpoint(file, trained(goal, 2, l));
    checkpoint resumed = load_checkpoint(file, false);
    CHECK(resumed.populations == std::vector<std::string>{"a", "b"});
    CHECK(resumed.state.history.size() == 2);
    train(resumed.state, l.data(), {.epochs = 4, .validation = {.size = 5, .tests = 10, .permutations = 39}}, {});
    const checkpoint straight = trained(goal, 4, l);
    REQUIRE(resumed.state.history.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(resumed.state.history[i].means.loss == straight.state.history[i].means.loss);
      CHECK(resumed.state.history[i].auroc == straight.state.history[i].auroc);
    }
    CHECK(resumed.state.current.features({&l.points, l.human}) == straight.state.current.features({&l.points, l.human}));
    CHECK(resumed.state.best[0].metadata.at("detector") == straight.state.best[0].metadata.at("detector"));
    CHECK(best_of(resumed.state, selection::power, false).features({&l.points, l.human}) ==
          best_of(straight.state, selection::power, false).features({&l.points, l.human}));
  }
  std::filesystem::remove(file);
}

TEST_CASE("a damaged checkpoint is refused") {
  const auto file = std::filesystem::temp_directory_path() / "dispar_mmd_mp_damaged.safetensors";
  save_checkpoint(file, trained(objective::mpp, 1, little()));
  const std::string good = read_bytes(file);
  std::string bad = good;
  bad[good.size() / 2] = static_cast<char>(bad[good.size() / 2] ^ 4);
  write_bytes(file, bad);
  CHECK_THROWS_WITH_AS((void)load_checkpoint(file, false), doctest::Contains("the checksum does not match"), file_error);
  write_bytes(file, good.substr(0, good.size() / 2));
  CHECK_THROWS_AS((void)load_checkpoint(file, false), file_error);
  write_tensors(file, {});
  CHECK_THROWS_WITH_AS((void)load_checkpoint(file, false), doctest::Contains("no checkpoint of mmd-mp"), file_error);
  std::filesystem::remove(file);
}

TEST_CASE("an epoch: whole batches of the shorter sample, once for every chunk of the longer one") {
  const little l(90);
  detector d(tiny(objective::mpp));
  // 40 human points are two batches of 20, 90 machine points two chunks of 40.
  CHECK(d.train_epoch({&l.points, l.human}, {&l.points, l.machine}, 1).batches == 4);
  CHECK_THROWS_WITH_AS((void)d.train_epoch({&l.points, std::span(l.human).first(19)}, {&l.points, l.machine}, 1),
                       "a batch of 20 from 19 sentences", std::invalid_argument);
}

TEST_CASE("training raises J, and the kernel's parameters are trained") {
  const little l;
  for (const objective goal : {objective::mpp, objective::mmd}) {
    const checkpoint c = trained(goal, 8, l);
    CHECK(c.state.history.back().means.loss < c.state.history.front().means.loss);
    const auto before = detector(tiny(goal)).kernel(), after = c.state.current.kernel();
    CHECK(after.s != before.s);
    CHECK(after.s0 != before.s0);
    CHECK(after.e != before.e);
  }
}

TEST_CASE("intervals") {
  // By hand: P(X <= 1 of 10) with p = 0.5 is 11/1024, P(X <= 2) is 56/1024.
  CHECK(binomial_range(10, 0.5, 0.95).low == doctest::Approx(0.2));
  CHECK(binomial_range(10, 0.5, 0.95).high == doctest::Approx(0.8));
  CHECK(binomial_range(1000, 0.05, 0.95).low == doctest::Approx(0.037));
  CHECK(binomial_range(1000, 0.05, 0.95).high == doctest::Approx(0.064));
  CHECK(half_width({1, 2, 3}) == doctest::Approx(4.303 / std::sqrt(3.0)));
  CHECK(half_width({1}) == 0);
}
