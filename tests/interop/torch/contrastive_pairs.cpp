// Contrastive losses of pairs as torch functions: the values and gradients of plain torch operations.
#include "dispar/interop/torch/contrastive_pairs.hpp"

#include <torch/nn/functional/loss.h>

#include "same_loss.hpp"

namespace torch_tests {
namespace {

namespace autograd = dispar::autograd;
namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::direction;
using contrastive::inner_product;
using torch::Tensor;

Tensor cross_entropy(const Tensor& logits, const Tensor& labels) { return torch::nn::functional::cross_entropy(logits, labels); }
Tensor numbered(const Tensor& rows) { return torch::arange(rows.size(0), torch::kLong); }

}  // namespace

TEST_CASE("infonce: cross_entropy of logits, one direction, both, with a learnt scale, of any strides") {
  torch::manual_seed(1);
  const auto raw = embeddings(9, 37), y = embeddings(37, 9), more = embeddings(5, 9);
  const auto x = raw.t();  // transposed: a matrix that is not dense
  const auto t = trained(1.5), tau = trained(0.3);
  const auto logits = unit(x).mm(unit(y).t()) * t.exp();
  check_same_loss(autograd::infonce(x, y, cosine{}, autograd::learnt<contrastive::exponential_scale>(t)),
                  cross_entropy(logits, numbered(y)), {raw, y, t});
  check_same_loss(autograd::infonce(x, y, cosine{}, autograd::learnt<contrastive::exponential_scale>(t),
                                    {.anchors = direction::both, .reduce = contrastive::reduction::sum}),
                  (cross_entropy(logits, numbered(y)) + cross_entropy(logits.t(), numbered(y))) * 18.5, {raw, y, t});
  const auto wide = torch::cat({x.mm(y.t()), x.mm(more.t())}, 1) / tau;
  check_same_loss(autograd::infonce(x, y, inner_product{}, autograd::learnt<contrastive::temperature>(tau), {.negatives = more}),
                  cross_entropy(wide, numbered(y)), {raw, y, more, tau});
  // A plain number is a constant; one number requires a gradient alone; what requires none gets none.
  check_same_loss(autograd::infonce(x, y.detach(), inner_product{}, contrastive::temperature{0.3}),
                  cross_entropy(x.mm(y.detach().t()) / 0.3, numbered(y)), {raw});
  check_same_loss(autograd::infonce(x.detach(), y.detach(), cosine{}, autograd::learnt<contrastive::exponential_scale>(t)),
                  cross_entropy(unit(x.detach()).mm(unit(y.detach()).t()) * t.exp(), numbered(y)), {t});
  const auto clamped = autograd::infonce(x, y, cosine{}, autograd::learnt(t, contrastive::exponential_scale{.maximum = 2}));
  check_same_loss(clamped, cross_entropy(unit(x).mm(unit(y).t()) * 2, numbered(y)), {raw, y});
  CHECK(torch::autograd::grad({clamped}, {t})[0].item<double>() == 0);
}

TEST_CASE("infonce with a queue: MoCo's logits") {
  torch::manual_seed(2);
  const auto q = embeddings(12, 7), queue = torch::randn({40, 9}, torch::kDouble).slice(1, 2);
  const auto k = torch::randn({12, 7}, torch::kDouble);
  const auto logits = torch::cat({(unit(q) * unit(k)).sum(1, true), unit(q).mm(unit(queue).t())}, 1) / 0.07;
  check_same_loss(autograd::infonce(q, k, cosine{}, contrastive::temperature{0.07}, {.negatives = queue, .in_batch = false}),
                  cross_entropy(logits, torch::zeros({12}, torch::kLong)), {q});
}

TEST_CASE("ntxent and rolled_infonce: the published code in torch") {
  torch::manual_seed(3);
  const auto x = embeddings(11, 6), y = embeddings(11, 6);
  const auto tau = trained(0.5);
  const auto z = unit(torch::cat({x, y}));
  const auto logits = (z.mm(z.t()) / tau).masked_fill(torch::eye(22, torch::kDouble).to(torch::kBool), -1e300);
  check_same_loss(autograd::ntxent(x, y, cosine{}, autograd::learnt<contrastive::temperature>(tau)),
                  cross_entropy(logits, torch::arange(22, torch::kLong).roll(11)), {x, y, tau});
  const auto across = unit(x).mm(unit(y).t()) / tau;
  check_same_loss(autograd::rolled_infonce(x, y, cosine{}, autograd::learnt<contrastive::temperature>(tau)),
                  cross_entropy(torch::cat({across.diag().unsqueeze(1), across}, 1), torch::zeros({11}, torch::kLong)),
                  {x, y, tau});
}

TEST_CASE("siglip: a learnt scale of one type, a learnt bias of another") {
  torch::manual_seed(4);
  const auto x = embeddings(13, 5), y = embeddings(13, 5);
  const auto t = trained(2.3), b = torch::full({1, 1}, -2.0).requires_grad_();
  const auto logits = unit(x).mm(unit(y).t()) * t.exp() + b;
  const auto plain = -torch::log_sigmoid((2 * torch::eye(13, torch::kDouble) - 1) * logits).sum() / 13;
  check_same_loss(autograd::siglip(x, y, cosine{}, autograd::learnt<contrastive::exponential_scale>(t), {.bias = b}), plain,
                  {x, y, t}, 1e-10);
  const auto loss = autograd::siglip(x, y, cosine{}, autograd::learnt<contrastive::exponential_scale>(t), {.bias = b});
  const auto by_bias = torch::autograd::grad({loss}, {b})[0], expected = torch::autograd::grad({plain}, {b})[0];
  CHECK((by_bias.scalar_type() == torch::kFloat));
  CHECK(at::allclose(by_bias, expected, 1e-5));
  check_same_loss(
      autograd::siglip(x, y, cosine{}, contrastive::exponential_scale{1}, {.bias = -1.0}),
      -torch::log_sigmoid((2 * torch::eye(13, torch::kDouble) - 1) * (unit(x).mm(unit(y).t()) * std::exp(1.0) - 1)).sum() / 13,
      {x, y});
}

TEST_CASE("infonce and ntxent with items: logits filled with -inf where a pair shows the same thing or is padding") {
  torch::manual_seed(7);
  const auto x = embeddings(9, 6), y = embeddings(9, 6), more = embeddings(5, 6);
  const auto items = torch::tensor({4, 2, -1, 4, 7, 2, 9, -5, 4}, torch::kLong);
  const auto more_items = torch::tensor({2, 30, -1, 9, 31}, torch::kLong);
  const auto counts = items.ge(0).nonzero().squeeze(1);
  const auto masked = [&](const Tensor& logits, const Tensor& candidates, const Tensor& positive) {
    const auto out = (items.unsqueeze(1) == candidates.unsqueeze(0)).logical_or(candidates.lt(0).unsqueeze(0));
    return logits.masked_fill(out.logical_and(positive.logical_not()), -1e300).index_select(0, counts);
  };
  const auto own = torch::eye(9, torch::kLong).to(torch::kBool), none = torch::zeros({9, 5}, torch::kBool);
  const auto across = unit(x).mm(unit(y).t()) / 0.2;
  const auto wide = torch::cat({across, unit(x).mm(unit(more).t()) / 0.2}, 1);
  const auto rows = masked(wide, torch::cat({items, more_items}), torch::cat({own, none}, 1));
  const auto cols = masked(across.t(), items, own);
  check_same_loss(
      autograd::infonce(x, y, cosine{}, contrastive::temperature{0.2},
                        {.anchors = direction::both, .negatives = more, .items = items, .negative_items = more_items}),
      (cross_entropy(rows, counts) + cross_entropy(cols, counts)) / 2, {x, y, more});
  const auto within = [&](const Tensor& z) {
    return masked(unit(z).mm(unit(z).t()) / 0.2, items, own).masked_fill(own.index_select(0, counts), -1e300);
  };
  check_same_loss(autograd::ntxent(x, y, cosine{}, contrastive::temperature{0.2}, {.items = items}),
                  (cross_entropy(torch::cat({masked(across, items, own), within(x)}, 1), counts) +
                   cross_entropy(torch::cat({cols, within(y)}, 1), counts)) /
                      2,
                  {x, y});
  CHECK_THROWS_AS((void)autograd::infonce(x, y, cosine{}, contrastive::temperature{0.2}, {.items = more_items}),
                  dispar::invalid_argument);
  CHECK_THROWS_AS((void)autograd::infonce(x, y, cosine{}, contrastive::temperature{0.2}, {.negative_items = more_items}),
                  dispar::invalid_argument);
}

TEST_CASE("float tensors") {
  torch::manual_seed(6);
  const auto x = embeddings(20, 8, torch::kFloat), y = embeddings(20, 8, torch::kFloat);
  const auto t = trained(1, torch::kFloat);
  const auto logits = unit(x).mm(unit(y).t()) * t.exp();
  check_same_loss(autograd::infonce(x, y, cosine{}, autograd::learnt<contrastive::exponential_scale>(t)),
                  cross_entropy(logits, numbered(y)), {x, y, t}, 1e-6);
}

}  // namespace torch_tests
