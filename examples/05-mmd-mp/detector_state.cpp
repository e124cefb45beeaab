#include <torch/serialize.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "detector_parts.hpp"
#include "file_error.hpp"

namespace mmd_mp {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<objective, const char*>, 4> objective_names = {
    {{objective::mpp, "MMD-MP"}, {objective::mmd, "MMD-D"}, {objective::raw, "MMD-O"}, {objective::cross_entropy, "CE"}}};

stored_tensor stored(const at::Tensor& t) {
  const at::Tensor flat = t.detach().to(at::kCPU, at::kFloat).contiguous();
  return {flat.sizes().vec(), {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()}};
}

/// Torch's own format, as bits of floats.
stored_tensor stored_bytes(const std::string& bytes) {
  stored_tensor t{{static_cast<std::int64_t>((bytes.size() + 3) / 4)}, {}};
  t.values.resize((bytes.size() + 3) / 4);
  std::memcpy(t.values.data(), bytes.data(), bytes.size());
  return t;
}

json described(const detector_settings& s) {
  const feature_net_sizes& n = s.net;
  return {{"goal", name_of(s.goal)},
          {"net",
           {{"tokens", n.tokens},
            {"width", n.width},
            {"heads", n.heads},
            {"intermediate", n.intermediate},
            {"layers", n.layers},
            {"hidden", n.hidden},
            {"extra_blocks", n.extra_blocks},
            {"output", n.output},
            {"encoder_dropout", n.encoder_dropout},
            {"hidden_dropout", n.hidden_dropout}}},
          {"sigma", s.sigma},
          {"sigma0", s.sigma0},
          {"e", s.e},
          {"learning_rate", s.learning_rate},
          {"lambda", s.lambda},
          {"batch", s.batch},
          {"seed", s.seed}};
}

detector_settings settings_of(const json& j) {
  const json& n = j.at("net");
  detector_settings s{.goal = objective_named(j.at("goal")),
                      .net = {.tokens = n.at("tokens"),
                              .width = n.at("width"),
                              .heads = n.at("heads"),
                              .intermediate = n.at("intermediate"),
                              .layers = n.at("layers"),
                              .hidden = n.at("hidden"),
                              .extra_blocks = n.at("extra_blocks"),
                              .output = n.at("output"),
                              .encoder_dropout = n.at("encoder_dropout"),
                              .hidden_dropout = n.at("hidden_dropout")},
                      .sigma = j.at("sigma"),
                      .sigma0 = j.at("sigma0"),
                      .e = j.at("e"),
                      .learning_rate = j.at("learning_rate"),
                      .lambda = j.at("lambda"),
                      .batch = j.at("batch"),
                      .seed = j.at("seed")};
  constexpr std::int64_t most = 1 << 20;  // what follows allocates by these numbers
  for (const std::int64_t size :
       {s.net.tokens, s.net.width, s.net.heads, s.net.intermediate, s.net.layers, s.net.hidden, s.net.output})
    if (size < 0 || size > most) throw std::invalid_argument("a size of " + std::to_string(size));
  return s;
}

}  // namespace

const char* name_of(objective goal) {
  return std::find_if(objective_names.begin(), objective_names.end(), [&](const auto& o) { return o.first == goal; })->second;
}

objective objective_named(const std::string& name) {
  for (const auto& [goal, known] : objective_names)
    if (name == known) return goal;
  throw std::invalid_argument("no objective '" + name + "'; there are MMD-MP, MMD-D, MMD-O and CE");
}

tensor_file detector::state(bool with_optimizer) const {
  tensor_file out;
  const parts& p = *parts_;
  out.metadata["detector"] = described(p.settings).dump();
  for (const auto& [name, tensor] : p.trained)
    if (tensor.dim() > 0) out.tensors.emplace(name, stored(tensor));
  json kernel = json::object();  // in double, which text keeps
  for (const auto& [name, tensor] : p.kernel_parameters) kernel[name] = tensor.item<double>();
  out.metadata["kernel"] = kernel.dump();
  if (with_optimizer) {
    std::ostringstream bytes;
    torch::save(*p.optimizer, bytes);
    out.tensors.emplace("optimizer", stored_bytes(bytes.str()));
    out.metadata["optimizer_bytes"] = std::to_string(bytes.str().size());
  }
  return out;
}

void detector::restore(const tensor_file& state) {
  const at::NoGradGuard no_gradients;
  for (auto& [name, tensor] : parts_->trained) {
    if (tensor.dim() == 0) continue;
    const stored_tensor& from = state.at(name, tensor.sizes().vec());
    tensor.copy_(at::from_blob(const_cast<float*>(from.values.data()), from.shape, at::kFloat));
  }
  try {
    const json kernel = json::parse(state.meta("kernel"));
    for (auto& [name, tensor] : parts_->kernel_parameters) tensor.fill_(kernel.at(name).get<double>());
  } catch (const json::exception& error) {
    throw file_error(state.file + ": damaged kernel: " + error.what());
  }
  if (!state.tensors.contains("optimizer")) return;
  const stored_tensor& packed = state.at("optimizer");
  const std::size_t size = std::stoul(state.meta("optimizer_bytes"));
  if (size > 4 * packed.values.size()) throw file_error(state.file + ": damaged optimizer");
  std::istringstream bytes(std::string(reinterpret_cast<const char*>(packed.values.data()), size));
  torch::load(*parts_->optimizer, bytes);
}

detector detector::from_state(const tensor_file& state, bool cuda) {
  detector_settings settings;
  try {
    settings = settings_of(json::parse(state.meta("detector")));
  } catch (const json::exception& error) {
    throw file_error(state.file + ": damaged settings: " + error.what());
  } catch (const std::invalid_argument& error) {
    throw file_error(state.file + ": damaged settings: " + error.what());
  }
  settings.cuda = cuda;
  detector restored(settings);
  restored.restore(state);
  return restored;
}

}  // namespace mmd_mp
