#include "detector.hpp"

#include <torch/optim/adam.h>
#include <torch/utils.h>

#include <cmath>
#include <stdexcept>

#include "detector_parts.hpp"
#include "dispar/core/random/permutation.hpp"
#include "dispar/core/random/uniform.hpp"
#include "dispar/interop/torch.hpp"

namespace mmd_mp {
namespace {

at::Tensor shuffled(std::span<const std::int64_t> rows, dispar::random_key key) {
  std::vector<std::int64_t> order(rows.size());
  dispar::permutation(key, std::span(order));
  for (std::int64_t& place : order) place = rows[static_cast<std::size_t>(place)];
  return at::tensor(order, at::kLong);
}

/// The batch's rows, batch x tokens x width.
at::Tensor gathered(const encoded_text& text, const at::Tensor& rows) {
  const at::Tensor all =
      at::from_blob(const_cast<float*>(text.values.data()), {text.sentences, text.tokens, text.width}, at::kFloat);
  return all.index_select(0, rows);
}

}  // namespace

detector::parts::parts(const detector_settings& s) : settings(s), device(s.cuda ? at::kCUDA : at::kCPU) {
  torch::manual_seed(s.seed);
  if (s.goal != objective::raw) {
    net = std::make_shared<feature_net>(s.net);
    net->to(device);
    for (auto& p : net->named_parameters()) trained.emplace_back("phi." + p.key(), p.value());
  }
  if (s.goal == objective::cross_entropy) {
    logits = torch::nn::Linear(s.net.output, 2);
    logits->to(device);
    for (auto& p : logits->named_parameters()) trained.emplace_back("logits." + p.key(), p.value());
  } else {
    // The kernel's parameters stay where the loss is computed, in double.
    const double e = s.goal == objective::raw ? 1 : s.e * dispar::uniform<double>(dispar::random_key{s.seed, 103}, 0);
    const auto scalar = [](double value) { return at::full({}, value, at::kDouble); };
    for (const auto& [name, value] : {std::pair{"s", std::sqrt(s.sigma)}, {"s0", std::sqrt(s.sigma0)}, {"e", e}})
      kernel_parameters.emplace_back(std::string("kernel.") + name, scalar(value));
    for (auto& p : kernel_parameters) {
      if (s.goal == objective::raw && p.first != "kernel.s") continue;  // a plain Gaussian
      p.second.requires_grad_(true);
      trained.push_back(p);
    }
  }
  std::vector<at::Tensor> tensors;
  for (auto& [name, tensor] : trained) tensors.push_back(tensor);
  optimizer = std::make_unique<torch::optim::Adam>(tensors, torch::optim::AdamOptions(s.learning_rate));
}

at::Tensor detector::parts::phi(const at::Tensor& batch) const {
  if (!net) return at::zeros({batch.size(0), 1});
  return net->forward(batch.to(device));
}

/// -J of the batch, and what it is made of.
at::Tensor detector::parts::criterion_loss(const at::Tensor& x, const at::Tensor& y, epoch_means& means) const {
  namespace autograd = dispar::autograd;
  const at::Tensor both = phi(at::cat({x, y})).to(at::kCPU);
  const std::int64_t n = x.size(0);
  const autograd::trainable<dispar::deep_kernel<>> kernel{kernel_parameters[0].second, kernel_parameters[1].second,
                                                          kernel_parameters[2].second};
  const auto j = autograd::mmd_criterion({both.narrow(0, 0, n), x.flatten(1)}, {both.narrow(0, n, n), y.flatten(1)}, kernel,
                                         {.yy = settings.goal == objective::mpp ? 0.0 : 1.0, .lambda = settings.lambda});
  means.statistic += j.statistic;
  means.variance += j.variance;
  return -j.value;
}

at::Tensor detector::parts::classifier_loss(const at::Tensor& x, const at::Tensor& y) {
  const at::Tensor labels = at::cat({at::zeros({x.size(0)}, at::kLong), at::ones({y.size(0)}, at::kLong)}).to(device);
  return at::cross_entropy_loss(logits->forward(phi(at::cat({x, y}))), labels);
}

detector::detector(const detector_settings& settings) : parts_(std::make_unique<parts>(settings)) {}
detector::detector(detector&&) noexcept = default;
detector& detector::operator=(detector&&) noexcept = default;
detector::~detector() = default;

const detector_settings& detector::settings() const { return parts_->settings; }
std::int64_t detector::feature_count() const { return parts_->net ? parts_->settings.net.output : 1; }

epoch_means detector::train_epoch(const sentence_rows& human, const sentence_rows& machine, std::int64_t epoch) {
  parts& p = *parts_;
  const std::int64_t batch = p.settings.batch, shorter = std::min(std::ssize(human.rows), std::ssize(machine.rows));
  if (shorter < batch)
    throw std::invalid_argument("a batch of " + std::to_string(batch) + " from " + std::to_string(shorter) + " sentences");
  const dispar::random_key key = dispar::random_key{p.settings.seed, 104}.fork(static_cast<std::uint64_t>(epoch));
  torch::manual_seed(key.fork(2).seed);
  const at::Tensor x = shuffled(human.rows, key.fork(0)), y = shuffled(machine.rows, key.fork(1));
  const auto part_of_chunk = [&](const at::Tensor& rows, std::int64_t chunk, std::int64_t first) {
    return rows.size(0) == shorter ? rows.narrow(0, first, batch) : rows.narrow(0, chunk * shorter + first, batch);
  };
  if (p.net) p.net->train();
  epoch_means means;
  const std::int64_t chunks = std::max(x.size(0), y.size(0)) / shorter;
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk)
    for (std::int64_t first = 0; first + batch <= shorter; first += batch) {
      const at::Tensor in_x = gathered(*human.text, part_of_chunk(x, chunk, first));
      const at::Tensor in_y = gathered(*machine.text, part_of_chunk(y, chunk, first));
      p.optimizer->zero_grad();
      const at::Tensor loss =
          p.settings.goal == objective::cross_entropy ? p.classifier_loss(in_x, in_y) : p.criterion_loss(in_x, in_y, means);
      loss.backward();
      p.optimizer->step();
      means.loss += loss.item<double>();
      ++means.batches;
    }
  const auto count = static_cast<double>(means.batches);
  means = {means.loss / count, means.statistic / count, means.variance / count, means.batches};
  if (!std::isfinite(means.loss))
    throw std::runtime_error("the loss is not finite in epoch " + std::to_string(epoch) + "; try a lower --learning-rate");
  return means;
}

std::vector<float> detector::features(const sentence_rows& sentences) const {
  std::vector<float> out;
  parts_->each_batch(sentences, [&](const at::Tensor& batch) {
    const at::Tensor phi = parts_->phi(batch).to(at::kCPU).contiguous();
    out.insert(out.end(), phi.data_ptr<float>(), phi.data_ptr<float>() + phi.numel());
  });
  return out;
}

std::vector<double> detector::machine_probabilities(const sentence_rows& sentences) const {
  if (parts_->settings.goal != objective::cross_entropy) throw std::logic_error("only a classifier has probabilities");
  std::vector<double> out;
  parts_->each_batch(sentences, [&](const at::Tensor& batch) {
    const at::Tensor p =
        at::softmax(parts_->logits->forward(parts_->phi(batch)), 1).select(1, 1).to(at::kCPU, at::kDouble).contiguous();
    out.insert(out.end(), p.data_ptr<double>(), p.data_ptr<double>() + p.numel());
  });
  return out;
}

dispar::deep_kernel<> detector::kernel() const {
  if (parts_->kernel_parameters.empty()) throw std::logic_error("a classifier has no kernel");
  const auto value = [&](std::size_t i) { return parts_->kernel_parameters[i].second.item<double>(); };
  return {value(0), value(1), value(2)};
}

void detector::parts::each_batch(const sentence_rows& sentences, const std::function<void(const at::Tensor&)>& use) const {
  constexpr std::int64_t batch = 256;
  const at::NoGradGuard no_gradients;
  if (net) net->eval();
  const at::Tensor rows = at::tensor(at::ArrayRef<std::int64_t>(sentences.rows.data(), sentences.rows.size()), at::kLong);
  for (std::int64_t first = 0; first < rows.size(0); first += batch)
    use(gathered(*sentences.text, rows.narrow(0, first, std::min(batch, rows.size(0) - first))));
}

}  // namespace mmd_mp
