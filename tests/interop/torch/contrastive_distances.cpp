// Losses of matched rows by their distances as torch functions: the values and gradients of plain torch operations.
#include "dispar/interop/torch/contrastive_pairs.hpp"

#include "same_loss.hpp"

namespace torch_tests {
namespace {

namespace autograd = dispar::autograd;
namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::inner_product;

}  // namespace

TEST_CASE("soft_contrastive: logistic functions of distances, several embeddings of an item, learnt scale and shift") {
  torch::manual_seed(8);
  const auto x = embeddings(12, 4), y = embeddings(12, 4), a = trained(1.5), b = trained(2);
  const auto d = ((x.unsqueeze(1) - y.unsqueeze(0)).square().sum(-1) + 1e-6).sqrt();
  const auto loss = [&](std::int64_t k) {  // k embeddings of an item
    const auto items = 12 / k;
    const auto signs = 2 * torch::eye(items, torch::kDouble).repeat_interleave(k, 0).repeat_interleave(k, 1) - 1;
    const auto p = torch::sigmoid(2 * signs * (b - a * d));
    return -2 * p.reshape({items, k, items, k}).mean({1, 3}).log().sum();
  };
  check_same_loss(autograd::soft_contrastive(x, y, inner_product{}, {.scale = a, .shift = b}), loss(1), {x, y, a, b});
  check_same_loss(autograd::soft_contrastive(x, y, inner_product{}, {.scale = a, .shift = b, .samples = 3}), loss(3),
                  {x, y, a, b});
  check_same_loss(autograd::soft_contrastive(x, y, inner_product{}, {.scale = 1.5, .shift = b}), loss(1), {x, y, b});
}

TEST_CASE("alignment and uniformity: those of Wang and Isola") {
  torch::manual_seed(5);
  const auto x = embeddings(10, 4), y = embeddings(10, 4);
  check_same_loss(autograd::alignment(x, y, cosine{}), (unit(x) - unit(y)).norm(2, 1).square().mean(), {x, y});
  check_same_loss(autograd::alignment(x, y, inner_product{}, 1.5), (x - y).norm(2, 1).pow(1.5).mean(), {x, y});
  check_same_loss(autograd::uniformity(x, cosine{}), torch::pdist(unit(x)).square().mul(-2).exp().mean().log(), {x});
}

TEST_CASE("model_contrast and distillation: MOON's two cosines and a mean square, constants but for x") {
  torch::manual_seed(7);
  const auto x = embeddings(14, 5);
  const auto p = torch::randn({14, 5}, torch::kDouble), n = torch::randn({14, 5}, torch::kDouble);
  const auto logits = torch::stack({(unit(x) * unit(p)).sum(1), (unit(x) * unit(n)).sum(1)}, 1) / 0.5;
  check_same_loss(autograd::model_contrast(x, p, n, cosine{}), -logits.log_softmax(1).select(1, 0).mean(), {x});
  check_same_loss(autograd::distillation(x, p), (x - p).square().mean(), {x});
  CHECK_THROWS_WITH_AS((void)autograd::distillation(p, x),
                       "dispar: target must not require a gradient, there is none by it: detach() it", dispar::invalid_argument);
}

}  // namespace torch_tests
