// Losses of embeddings on a Thrust host system: the bits of the CPU backend.
#include "dispar/backend/thrust.hpp"

#include <doctest/doctest.h>

#include "class_oracle.hpp"
#include "dispar/contrastive/batch_all_triplet.hpp"
#include "dispar/contrastive/infonce.hpp"
#include "masked_oracle.hpp"
#include "normal_rows.hpp"

namespace contrastive_tests {

TEST_CASE("masked infonce on a Thrust system: the bits of cpu") {
  namespace contrastive = dispar::contrastive;
  using dispar::as_matrix;
  const dispar::index n = 137, d = 17;
  const auto x = normal_rows<float>(n, d, 1), y = normal_rows<float>(n, d, 2);
  const auto items = some_items(n);
  std::vector<float> on_cpu(x.size()), on_system(x.size());
  const auto run = [&](const auto& b, std::vector<float>& g) {
    return contrastive::infonce(b, as_matrix(x, n, d), as_matrix(y, n, d), contrastive::cosine{}, contrastive::temperature{0.2},
                                {.x = as_matrix(g, n, d)},
                                {.anchors = contrastive::direction::both, .items = dispar::view_of(items), .band_rows = 48});
  };
  CHECK(run(dispar::on_thrust<dispar::DISPAR_TEST_SYSTEM>{}, on_system).value == run(dispar::cpu{}, on_cpu).value);
  CHECK(on_system == on_cpu);
}

TEST_CASE("batch-all triplet on a Thrust system: the bits of cpu") {
  namespace contrastive = dispar::contrastive;
  using dispar::as_matrix;
  const dispar::index n = 90, d = 17;
  const auto x = normal_rows<float>(n, d, 1);
  const auto labels = square_labels(n);
  std::vector<float> on_cpu(x.size()), on_system(x.size());
  const auto run = [&](const auto& b, std::vector<float>& g) {
    return contrastive::batch_all_triplet(b, as_matrix(x, n, d), labels, contrastive::cosine{}, contrastive::hinge_margin{0.1},
                                          {.x = as_matrix(g, n, d)}, {.band_rows = 48});
  };
  CHECK(run(dispar::on_thrust<dispar::DISPAR_TEST_SYSTEM>{}, on_system).value == run(dispar::cpu{}, on_cpu).value);
  CHECK(on_system == on_cpu);
}

}  // namespace contrastive_tests
