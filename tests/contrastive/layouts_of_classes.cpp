// Losses by labels and losses of features from any layout and element.
#include "dispar/contrastive/barlow_twins.hpp"
#include "dispar/contrastive/batch_all_triplet.hpp"
#include "dispar/contrastive/circle.hpp"
#include "dispar/contrastive/cka.hpp"
#include "dispar/contrastive/coral.hpp"
#include "dispar/contrastive/hsic.hpp"
#include "dispar/contrastive/modality_enhancement.hpp"
#include "dispar/contrastive/retrieval_ranks.hpp"
#include "dispar/contrastive/supcon.hpp"
#include "dispar/contrastive/triplet.hpp"
#include "dispar/contrastive/vicreg.hpp"
#include "dispar/contrastive/weighted_triplet.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "layout_checks.hpp"

namespace contrastive_tests {

namespace {

namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::inner_product;
using dispar::cpu;

const contrastive::temperature scale{0.2};

}  // namespace

TEST_CASE("layouts and elements: losses by labels") {
  check_layouts([](const auto& a) {
    return contrastive::supcon(cpu{}, a.x, a.labels, cosine{}, scale, {.x = a.gx}, {.losses = a.by_row}).value;
  });
  check_layouts([](const auto& a) {
    return contrastive::supcon(cpu{}, a.x, a.labels, a.y, a.labels, cosine{}, scale, {.x = a.gx, .y = a.gy}, {.losses = a.by_row})
        .value;
  });
  check_layouts([](const auto& a) {
    return contrastive::circle(cpu{}, a.x, a.labels, cosine{}, {.x = a.gx},
                               {.gamma = 16, .pairs = contrastive::pairing::anchor, .losses = a.by_row})
        .value;
  });
  check_layouts([](const auto& a) {
    return contrastive::triplet(cpu{}, a.x, a.labels, inner_product{}, contrastive::hinge_margin{}, {.x = a.gx},
                                {.losses = a.by_row})
        .value;
  });
  check_layouts([](const auto& a) {
    return contrastive::batch_all_triplet(cpu{}, a.x, a.labels, cosine{}, contrastive::soft_margin{}, {.x = a.gx},
                                          {.losses = a.by_row})
        .value;
  });
  check_layouts([](const auto& a) {
    return contrastive::weighted_triplet(cpu{}, a.x, a.labels, inner_product{}, {.x = a.gx}, {.losses = a.by_row});
  });
  check_layouts([](const auto& a) {
    return contrastive::modality_enhancement(cpu{}, a.x, a.y, a.labels, a.labels, inner_product{}, {.x = a.gx, .y = a.gy});
  });
  check_layouts([](const auto& a) {
    std::vector<dispar::index> ranks(24);
    contrastive::retrieval_ranks(cpu{}, a.x, a.labels, a.y, a.labels, cosine{},
                                 dispar::vector_view<dispar::index>(ranks.data(), 24), {.similarities = a.by_row});
    double sum = 0;
    for (std::size_t i = 0; i < ranks.size(); ++i) sum += static_cast<double>(i * i) * static_cast<double>(ranks[i]);
    return sum;
  });
}

TEST_CASE("layouts and elements: losses of features") {
  check_layouts([](const auto& a) { return contrastive::barlow_twins(cpu{}, a.x, a.y, {.x = a.gx, .y = a.gy}).value; });
  check_layouts([](const auto& a) { return contrastive::vicreg(cpu{}, a.x, a.y, {.x = a.gx, .y = a.gy}).value; });
  check_layouts([](const auto& a) { return contrastive::coral(cpu{}, a.x, a.y, {.x = a.gx, .y = a.gy}); });
  check_layouts([](const auto& a) {
    return contrastive::hsic(cpu{}, a.x, a.y, dispar::gaussian{2}, dispar::gaussian{3}, {.x = a.gx, .y = a.gy});
  });
  check_layouts([](const auto& a) {
    return contrastive::cka(cpu{}, a.x, a.y, dispar::identity<dispar::dot>{}, dispar::identity<dispar::dot>{},
                            {.x = a.gx, .y = a.gy})
        .value;
  });
}

}  // namespace contrastive_tests
