// Contrastive losses in torch's graph: what is refused, central differences, training with a learnt temperature.
#include "dispar/interop/torch/contrastive_pairs.hpp"

#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>

#include "same_loss.hpp"

namespace torch_tests {
namespace {

namespace autograd = dispar::autograd;
namespace contrastive = dispar::contrastive;
using contrastive::cosine;
using contrastive::temperature;
using torch::Tensor;
using scale = autograd::learnt<contrastive::exponential_scale>;

}  // namespace

TEST_CASE("contrastive losses: gradients are central differences, through a network's operations") {
  torch::manual_seed(1);
  const auto x = embeddings(6, 3), y = embeddings(6, 3), t = trained(0.7);
  const auto loss = [&] { return autograd::infonce(x.tanh(), y, cosine{}, scale(t.square())) * 2; };
  const auto gradients = torch::autograd::grad({loss()}, {x, y, t});
  const at::NoGradGuard guard;
  CHECK_FALSE(loss().requires_grad());
  double most = 0;
  for (std::size_t which = 0; which < 3; ++which) {
    auto elements = (which == 0 ? x : which == 1 ? y : t).view(-1);
    for (std::int64_t i = 0; i < elements.numel(); ++i) {
      const double at = elements[i].item<double>();
      elements[i] = at + 1e-5;
      const double above = loss().item<double>();
      elements[i] = at - 1e-5;
      most = std::max(most, std::abs((above - loss().item<double>()) / 2e-5 - gradients[which].view(-1)[i].item<double>()));
      elements[i] = at;
    }
  }
  CHECK(most < 1e-8);
}

TEST_CASE("contrastive losses: Adam trains encoders and the temperature as with plain torch operations") {
  const auto train = [](bool ours) {
    torch::manual_seed(2);
    torch::nn::Linear images(10, 6), texts(8, 6);
    images->to(torch::kDouble);
    texts->to(torch::kDouble);
    const auto t = trained(std::log(1 / 0.07));
    auto parameters = images->parameters();
    for (const auto& p : texts->parameters()) parameters.push_back(p);
    parameters.push_back(t);
    torch::optim::Adam adam(parameters, torch::optim::AdamOptions(0.02));
    const auto a = torch::randn({40, 10}, torch::kDouble), b = a.slice(1, 0, 8) + torch::randn({40, 8}, torch::kDouble) / 2;
    std::vector<double> losses;
    for (int step = 0; step < 15; ++step) {
      Tensor loss;
      if (ours) {
        loss = autograd::infonce(images(a), texts(b), cosine{}, scale(t), {.anchors = contrastive::direction::both});
      } else {
        const auto z = unit(images(a)).mm(unit(texts(b)).t()) * t.exp().clamp_max(100);
        loss = -(z.log_softmax(0).diag().mean() + z.log_softmax(1).diag().mean()) / 2;
      }
      adam.zero_grad();
      loss.backward();
      adam.step();
      losses.push_back(loss.item<double>());
    }
    losses.push_back(t.item<double>());
    return losses;
  };
  const auto got = train(true), expected = train(false);
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(expected[i]).epsilon(1e-9));
  CHECK(got[14] < got[0] / 2);
  CHECK(got[15] != doctest::Approx(std::log(1 / 0.07)));
}

TEST_CASE("contrastive losses: what is refused, and by which name a CUDA tensor asks") {
  const auto x = torch::randn({4, 3}, torch::kDouble), y = torch::randn({4, 3}, torch::kDouble);
  const auto refused = [](const auto& call, const std::string& message) {
    CHECK_THROWS_WITH_AS((void)call(), message.c_str(), dispar::invalid_argument);
  };
  const auto loss = [](const Tensor& a, const Tensor& b, const autograd::infonce_options& o = {}) {
    return autograd::infonce(a, b, cosine{}, temperature{0.1}, o);
  };
  refused([&] { return loss({}, y); }, "dispar: x must be defined, got an undefined tensor");
  refused([&] { return loss(x, {}); }, "dispar: y must be defined, got an undefined tensor");
  refused([&] { return loss(x.to(torch::kHalf), y); }, "dispar: x must be float or double, got Half");
  refused([&] { return loss(x, y.to(torch::kFloat)); }, "dispar: y must have the type of the other tensors, got Float");
  refused([&] { return loss(x, y.to(torch::kMeta)); }, "dispar: y must be on the CPU or on a CUDA device, got meta");
  refused([&] { return loss(x[0], y); }, "dispar: x: dim() must be 2, got 1");
  refused([&] { return loss(x, y.slice(0, 1)); }, "dispar: contrastive: rows of y must be those of x, got 3");
  refused([&] { return loss(x.slice(0, 0, 0), y); }, "dispar: contrastive: rows of x must be at least 1, got 0");
  refused([&] { return loss(x, y, {.negatives = x.slice(1, 1)}); },
          "dispar: contrastive: columns of negatives must be those of x, got 2");
  CHECK_THROWS_AS((void)loss(x.clone().fill_(NAN), y), dispar::invalid_argument);
  refused([&] { return autograd::infonce(x, y, cosine{}, temperature{0}); }, "dispar: temperature: tau must be above 0, got 0");
  refused([&] { return autograd::infonce(x, y, cosine{}, scale(torch::ones({2}))); },
          "dispar: learnt: tensor must have one element, got 2");
  refused([&] { return autograd::infonce(x, y, cosine{}, scale(torch::ones({}, torch::kLong))); },
          "dispar: learnt: tensor must be floating point, got Long");
  refused([&] { return autograd::siglip(x, y, cosine{}, temperature{1}, {.bias = Tensor(torch::ones({2}))}); },
          "dispar: siglip: bias must have one element, got 2");

  const auto a = embeddings(4, 3);
  const auto first = torch::autograd::grad({loss(a, y)}, {a}, {}, true, true)[0];
  CHECK_THROWS_AS((void)first.sum().backward(), dispar::invalid_argument);

  // As tests/interop/gpu/gpu_embedding_entry.cu names it, in another inline namespace.
  using clip = autograd::infonce_loss<cosine, contrastive::exponential_scale>;
  const auto name = autograd::detail::device_function_name<clip, float>();
  CHECK(
      name.ends_with(": dispar::autograd::infonce_loss<dispar::contrastive::cosine, dispar::contrastive::exponential_scale> "
                     "(48 bytes) on float"));
  refused(
      [&] {
        const autograd::detail::embedding_tensors tensors{.rows = {{{"x", x}, {"y", y}}}};
        const std::vector<Tensor> none(4);
        return autograd::detail::embeddings_on_device<float>(tensors, none.data(), false, clip{});
      },
      "dispar: the tensors are on a CUDA device, and no .cu file of this program has a dispar::autograd::gpu_embedding_entry for "
      "[" +
          name + "]");
}

TEST_CASE("contrastive losses: torch's number of threads changes no bit") {
  torch::manual_seed(3);
  const auto x = embeddings(300, 20, torch::kFloat), y = embeddings(300, 20, torch::kFloat);
  const int threads = at::get_num_threads();
  std::vector<Tensor> values, gradients;
  for (const int count : {1, 2, 3}) {
    at::set_num_threads(count);
    values.push_back(autograd::infonce(x, y, cosine{}, temperature{0.1}));
    gradients.push_back(torch::autograd::grad({values.back()}, {x})[0]);
  }
  at::set_num_threads(threads);
  for (std::size_t i = 1; i < 3; ++i) {
    CHECK(torch::equal(values[0], values[i]));
    CHECK(torch::equal(gradients[0], gradients[i]));
  }
}

}  // namespace torch_tests
