// Losses of matched rows, and what compares all rows of two matrices, from any layout and element.
#include <array>

#include "dispar/contrastive/alignment.hpp"
#include "dispar/contrastive/cosent.hpp"
#include "dispar/contrastive/distillation.hpp"
#include "dispar/contrastive/global_local.hpp"
#include "dispar/contrastive/infonce.hpp"
#include "dispar/contrastive/logit_states.hpp"
#include "dispar/contrastive/model_contrast.hpp"
#include "dispar/contrastive/ntxent.hpp"
#include "dispar/contrastive/pairwise_margin.hpp"
#include "dispar/contrastive/rolled_infonce.hpp"
#include "dispar/contrastive/siglip.hpp"
#include "dispar/contrastive/soft_contrastive.hpp"
#include "dispar/contrastive/uniformity.hpp"
#include "layout_checks.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::temperature;
using dispar::cpu;

const temperature scale{0.2};

}  // namespace

TEST_CASE("layouts and elements: softmax losses of matched rows") {
  check_layouts([](const auto& a) {
    return contrastive::infonce(cpu{}, a.x, a.y, cosine{}, scale, {.x = a.gx, .y = a.gy},
                                {.anchors = contrastive::direction::both, .items = a.labels, .losses = a.by_row, .band_rows = 10})
        .value;
  });
  check_layouts([](const auto& a) {
    return contrastive::infonce(cpu{}, a.x.slice(0, 12), a.y.slice(0, 12), cosine{}, scale,
                                {.x = a.gx.slice(0, 12), .y = a.gy.slice(0, 12), .negatives = a.gy.slice(12, 12)},
                                {.negatives = a.y.slice(12, 12), .losses = a.by_row.slice(0, 12)})
        .value;
  });
  check_layouts([](const auto& a) {
    return contrastive::ntxent(cpu{}, a.x, a.y, cosine{}, scale, {.x = a.gx, .y = a.gy}, {.losses = a.by_row}).value;
  });
  check_layouts([](const auto& a) {
    return contrastive::rolled_infonce(cpu{}, a.x, a.y, cosine{}, scale, {.x = a.gx, .y = a.gy}, {.losses = a.by_row}).value;
  });
  check_layouts([](const auto& a) {
    return contrastive::siglip(cpu{}, a.x, a.y, cosine{}, scale, {.x = a.gx, .y = a.gy}, {.bias = -1}).value;
  });
}

TEST_CASE("layouts and elements: losses of matched rows alone") {
  check_layouts(
      [](const auto& a) { return contrastive::alignment(cpu{}, a.x, a.y, cosine{}, {.x = a.gx, .y = a.gy}, {.alpha = 1.5}); });
  check_layouts([](const auto& a) {
    return contrastive::cosent(cpu{}, a.x, a.y, a.scores, cosine{}, {.x = a.gx, .y = a.gy}, {.similarities = a.by_row});
  });
  check_layouts([](const auto& a) {
    return contrastive::pairwise_margin(cpu{}, a.x, a.y, a.labels, contrastive::inner_product{}, {.x = a.gx, .y = a.gy},
                                        {.margin = 5, .losses = a.by_row});
  });
  check_layouts([](const auto& a) { return contrastive::distillation(cpu{}, a.x, a.y, {.x = a.gx}); });
  check_layouts([](const auto& a) {
    using E = std::remove_const_t<std::remove_reference_t<decltype(*a.y.data())>>;
    const auto last = dispar::matrix_view<const E>(&a.y(23, 0), a.y.extents(), {-a.y.stride(0), a.y.stride(1)});
    return contrastive::model_contrast(cpu{}, a.x, a.y, last, cosine{}, {.x = a.gx});
  });
}

TEST_CASE("layouts and elements: all rows of one matrix, or of two") {
  check_layouts([](const auto& a) { return contrastive::uniformity(cpu{}, a.x, cosine{}, {.x = a.gx}).value; });
  check_layouts([](const auto& a) {
    return contrastive::soft_contrastive(cpu{}, a.x, a.y, cosine{}, {}, {.x = a.gx, .y = a.gy}, {.samples = 3}).value;
  });
  check_layouts([](const auto& a) {
    std::vector<contrastive::logit_state> states(24);
    const std::vector<double> weights(24, 0.5);
    const dispar::vector_view<contrastive::logit_state> all(states.data(), 24);
    contrastive::logit_states(cpu{}, a.x, a.y, cosine{}, scale, all);
    double by_scale = 0;
    contrastive::logit_states_gradient(cpu{}, a.x, a.y, cosine{}, scale, dispar::vector_view<const contrastive::logit_state>(all),
                                       dispar::vector_view<const double>(weights.data(), 24), {.x = a.gx, .y = a.gy},
                                       dispar::scalar_view<double>(&by_scale));
    return by_scale;
  });
  check_layouts([](const auto& a) {
    using E = std::remove_const_t<std::remove_reference_t<decltype(*a.y.data())>>;
    const std::array<dispar::matrix_view<const E>, 2> clients{a.x, a.y};
    contrastive::global_local(cpu{}, std::span<const dispar::matrix_view<const E>>(clients), a.y, a.gx);
    return 0.0;
  });
}

}  // namespace contrastive_tests
