// Contrastive losses with labels as torch functions: the values and gradients of plain torch operations.
#include "dispar/interop/torch/contrastive_labels.hpp"

#include "same_loss.hpp"

namespace torch_tests {
namespace {

namespace autograd = dispar::autograd;
namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::inner_product;
using torch::Tensor;

/// Euclidean distances of all pairs; that of a row to itself is the floor.
Tensor distances(const Tensor& x) { return (x.unsqueeze(1) - x.unsqueeze(0)).square().sum(-1).clamp_min(1e-12).sqrt(); }
/// Which pairs have equal labels.
Tensor alike(const Tensor& labels) { return labels.unsqueeze(1).eq(labels.unsqueeze(0)); }
Tensor some_labels(std::int64_t n, std::int64_t classes) { return torch::randint(0, classes, {n}, torch::kLong); }

}  // namespace

TEST_CASE("supcon: both losses within one matrix, and between two, with a learnt temperature") {
  torch::manual_seed(5);
  const auto x = embeddings(21, 6), y = embeddings(13, 6);
  const auto tau = trained(0.4);
  const auto scale = autograd::learnt<contrastive::temperature>(tau);
  auto labels = some_labels(21, 4);
  labels[3].fill_(-7);  // alone: no anchor, but a negative
  const auto itself = torch::eye(21, torch::kDouble).to(torch::kBool);
  const auto positive = alike(labels).logical_and(itself.logical_not());
  const auto anchors = positive.any(1);
  const auto counts = positive.sum(1).clamp_min(1);
  const auto z = (unit(x).mm(unit(x).t()) / tau).masked_fill(itself, -1e300);
  const auto all = z.logsumexp(1);
  const auto out = all - z.masked_fill(positive.logical_not(), 0).sum(1) / counts;
  const auto in = all - z.masked_fill(positive.logical_not(), -1e300).logsumexp(1) + counts.to(torch::kDouble).log();
  check_same_loss(autograd::supcon(x, labels, cosine{}, scale), out.masked_select(anchors).mean(), {x, tau});
  check_same_loss(
      autograd::supcon(x, labels, cosine{}, scale, {.positives = contrastive::positives_mean::in, .base_temperature = 0.07}),
      in.masked_select(anchors).mean() * tau / 0.07, {x, tau});
  const auto others = some_labels(13, 3);  // rows of class 3 have no candidate
  const auto same = labels.unsqueeze(1).eq(others.unsqueeze(0));
  const auto across = x.mm(y.t()) / tau;
  const auto losses = across.logsumexp(1) - (across * same).sum(1) / same.sum(1).clamp_min(1);
  check_same_loss(autograd::supcon(x, labels, y, others, inner_product{}, scale), losses.masked_select(same.any(1)).mean(),
                  {x, y, tau});
}

TEST_CASE("circle: global and per anchor, weights held") {
  torch::manual_seed(6);
  const auto x = embeddings(17, 5);
  const auto labels = some_labels(17, 3);
  const auto s = unit(x).mm(unit(x).t());
  const auto margin = 0.3, gamma = 20.0;
  const auto positive_logits = -gamma * (1 + margin - s).clamp_min(0).detach() * (s - 1 + margin);
  const auto negative_logits = gamma * (s + margin).clamp_min(0).detach() * (s - margin);
  const auto positive = alike(labels).logical_and(torch::eye(17, torch::kDouble).eq(0)), negative = alike(labels).logical_not();
  const auto once = torch::ones({17, 17}, torch::kDouble).triu(1).ne(0);
  check_same_loss(autograd::circle(x, labels, cosine{}, {.margin = margin, .gamma = gamma}),
                  torch::softplus(positive_logits.masked_select(positive.logical_and(once)).logsumexp(0) +
                                  negative_logits.masked_select(negative.logical_and(once)).logsumexp(0)),
                  {x});
  const auto sum = [](const Tensor& logits, const Tensor& which) {
    return logits.masked_fill(which.logical_not(), -1e300).logsumexp(1);
  };
  const auto losses = torch::softplus(sum(positive_logits, positive) + sum(negative_logits, negative));
  const auto anchors = positive.any(1).logical_and(negative.any(1));
  check_same_loss(
      autograd::circle(x, labels, cosine{}, {.margin = margin, .gamma = gamma, .pairs = contrastive::pairing::anchor}),
      losses.masked_select(anchors).mean(), {x});
}

TEST_CASE("triplet: the hardest rows by max and min of all distances") {
  torch::manual_seed(1);
  const auto raw = embeddings(5, 23);
  const auto x = raw.t();
  auto labels = torch::stack({some_labels(23, 4), some_labels(23, 4)}, 1).select(1, 0);  // not dense
  labels[7].fill_(9);                                                                    // nobody's class: no anchor
  const auto gaps = [&](const Tensor& rows) {
    const auto d = distances(rows);
    const auto positive = std::get<0>(d.masked_fill(alike(labels).logical_not(), -1).max(1));
    const auto negative = std::get<0>(d.masked_fill(alike(labels), 1e9).min(1));
    return (positive - negative).masked_select(labels.ne(9));
  };
  check_same_loss(autograd::triplet(x, labels), (gaps(x) + 0.3).clamp_min(0).mean(), {raw});
  check_same_loss(autograd::triplet(x, labels, cosine{}, contrastive::soft_margin{}, {.reduce = contrastive::reduction::sum}),
                  torch::softplus(gaps(unit(x))).sum(), {raw});
  const auto losses = (gaps(x) - 0.5).clamp_min(0);
  check_same_loss(autograd::triplet(x, labels, inner_product{}, contrastive::hinge_margin{-0.5}, {.nonzero_only = true}),
                  losses.sum() / losses.gt(0).sum(), {raw});
}

TEST_CASE("batch_all_triplet: all gaps of distances in a cube") {
  torch::manual_seed(5);
  const auto raw = embeddings(5, 19);
  const auto x = raw.t();
  const auto labels = some_labels(19, 4);
  const auto positive = alike(labels).logical_and(torch::eye(19, torch::kBool).logical_not());
  const auto valid = positive.unsqueeze(2).logical_and(alike(labels).logical_not().unsqueeze(1));
  const auto gaps = [&](const Tensor& rows) {
    const auto d = distances(rows);
    return (d.unsqueeze(2) - d.unsqueeze(1)).masked_select(valid);
  };
  check_same_loss(autograd::batch_all_triplet(x, labels), (gaps(x) + 0.3).clamp_min(0).mean(), {raw});
  check_same_loss(
      autograd::batch_all_triplet(x, labels, cosine{}, contrastive::soft_margin{}, {.reduce = contrastive::reduction::sum}),
      torch::softplus(gaps(unit(x))).sum(), {raw});
  const auto losses = (gaps(x) - 0.5).clamp_min(0);
  check_same_loss(
      autograd::batch_all_triplet(x, labels, inner_product{}, contrastive::hinge_margin{-0.5}, {.nonzero_only = true}),
      losses.sum() / losses.gt(0).sum(), {raw});
}

TEST_CASE("weighted_triplet: the released code") {
  torch::manual_seed(2);
  const auto x = embeddings(19, 6);
  const auto labels = some_labels(19, 3);
  const auto d = distances(x), positive = alike(labels).to(torch::kDouble), negative = 1 - positive;
  const auto softmax_weights = [](const Tensor& z, const Tensor& mask) {
    const auto e = (z - std::get<0>((z * mask).max(1, true))).exp() * mask;
    return e / (e.sum(1, true) + 1e-6);
  };
  const auto furthest = (d * positive * softmax_weights(d * positive, positive)).sum(1);
  const auto closest = (d * negative * softmax_weights(-d * negative, negative)).sum(1);
  check_same_loss(autograd::weighted_triplet(x, labels), torch::softplus(furthest - closest).mean(), {x});
}

TEST_CASE("modality_enhancement: mean distances across and within") {
  torch::manual_seed(3);
  const auto x = embeddings(12, 5), y = embeddings(12, 5);
  const auto labels = torch::arange(12, torch::kLong).remainder(4), other = labels.flip(0);
  const auto d = distances(torch::cat({x, y})), same = alike(torch::cat({labels, other})).to(torch::kDouble);
  const auto side = torch::cat({torch::zeros({12}), torch::ones({12})});
  const auto within = alike(side).to(torch::kDouble) * same - torch::eye(24, torch::kDouble);
  const auto gap = (d * same * alike(side).logical_not()).sum(1) / 3 - (d * within).sum(1) / 2;
  check_same_loss(autograd::modality_enhancement(x, y, labels, other, inner_product{}, {.rows_per_identity = 3}),
                  gap.square().mean(), {x, y});
}

TEST_CASE("pairwise_margin and cosent: all pairs written out") {
  torch::manual_seed(4);
  const auto x = embeddings(15, 4), y = embeddings(15, 4);
  const auto match = some_labels(15, 2), other = 1 - match;
  const auto d = (x - y).norm(2, 1), apart = (2.5 - d).clamp_min(0);
  check_same_loss(autograd::pairwise_margin(x, y, match, inner_product{}, 2.5),
                  (match * d.square() + other * apart.square()).mean() / 2, {x, y});
  const auto scores = torch::rand({15, 2}, torch::kDouble).mul(4).round().select(1, 0);  // with ties, not dense
  const auto c = (unit(x) * unit(y)).sum(1) * 20;
  const auto terms = (c.unsqueeze(0) - c.unsqueeze(1)).masked_select(scores.unsqueeze(1).gt(scores.unsqueeze(0)));
  check_same_loss(autograd::cosent(x, y, scores), torch::logsumexp(torch::cat({torch::zeros({1}, torch::kDouble), terms}), 0),
                  {x, y});
  CHECK_THROWS_WITH_AS((void)autograd::cosent(x, y, scores.to(torch::kFloat)),
                       "dispar: scores must have the type of the other tensors, got Float", dispar::invalid_argument);
}

TEST_CASE("losses with labels: what is refused") {
  const auto x = torch::randn({4, 3}, torch::kDouble);
  const auto refused = [&](const Tensor& labels, const char* message) {
    CHECK_THROWS_WITH_AS((void)autograd::triplet(x, labels), message, dispar::invalid_argument);
  };
  refused({}, "dispar: labels must be defined, got an undefined tensor");
  refused(torch::ones({4}), "dispar: labels must be int64, got Float");
  refused(torch::ones({4, 1}, torch::kLong), "dispar: labels: dim() must be 1, got 2");
  refused(torch::ones({3}, torch::kLong), "dispar: labels must have one element per row, got 3");
}

}  // namespace torch_tests
