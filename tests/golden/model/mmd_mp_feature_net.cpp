// mmd-mp/feature_net: the feature network of examples/05-mmd-mp with given weights, its stages, the loss -J of MPP and its
// gradients.

#include <map>

#include "../cores/backend_under_test.hpp"
#include "dispar/interop/torch/mmd.hpp"
#include "dispar/kernels/deep.hpp"
#include "feature_net.hpp"
#include "tensors.hpp"

namespace golden {
namespace {

namespace autograd = dispar::autograd;

/// The fixtures' name of every parameter of the network.
std::map<std::string, std::string> fixture_names(dispar::index layers) {
  std::map<std::string, std::string> names{{"block_0.weight", "mlp_w"},         {"block_0.bias", "mlp_b"},
                                           {"block_0_norm.weight", "mlp_ln_g"}, {"block_0_norm.bias", "mlp_ln_b"},
                                           {"output.weight", "out_w"},          {"output.bias", "out_b"}};
  for (dispar::index i = 0; i < layers; ++i) {
    const std::string layer = "encoder_" + std::to_string(i) + ".", prefix = "l" + std::to_string(i) + "_";
    const std::map<std::string, std::string> maps{
        {"query", "q"}, {"key", "k"}, {"value", "v"}, {"attention_output", "o"}, {"intermediate", "ff1"}, {"output", "ff2"}};
    for (const auto& [of_network, of_fixture] : maps) {
      names[layer + of_network + ".weight"] = prefix + of_fixture + "_w";
      names[layer + of_network + ".bias"] = prefix + of_fixture + "_b";
    }
    const std::map<std::string, std::string> norms{{"attention_norm", "ln1"}, {"output_norm", "ln2"}};
    for (const auto& [of_network, of_fixture] : norms) {
      names[layer + of_network + ".weight"] = prefix + of_fixture + "_g";
      names[layer + of_network + ".bias"] = prefix + of_fixture + "_b";
    }
  }
  return names;
}

struct feature_net {
  static constexpr const char* name = "mmd-mp/feature_net";
  // Three layer normalizations of a few features each: float's 1e-7 divided by their spread, and J's gradient as in
  // cores/mmd_mp_statistics.cpp.
  static constexpr double float_tolerance = 1e-3;

  template<class T, class B>
  static void run(const B&, const fixture& c, outputs& out) {
    mmd_mp::feature_net net({.tokens = c.integer("tokens"),
                             .width = c.integer("dim"),
                             .heads = c.integer("heads"),
                             .intermediate = c.integer("intermediate"),
                             .layers = c.integer("layers", 1),
                             .hidden = c.integer("hidden"),
                             .output = c.integer("out")});
    net.to(dispar::torch_type<T>);
    net.eval();  // no dropout
    const auto names = fixture_names(net.sizes().layers);
    for (auto& p : net.named_parameters()) {
      const at::NoGradGuard guard;
      p.value().copy_(torch_tensor<T>(c, names.at(p.key())));
    }

    const auto x = torch_tensor<T>(c, "x");
    const auto stages = net.stages(x);
    put(out, "encoder_out", stages.encoder_out);
    put(out, "mlp_out", stages.mlp_out);
    put(out, "phi", stages.phi);

    const dispar::index n = c.integer("n");
    const auto raw = x.flatten(1);
    const auto kernel = dispar::deep_kernel<>::from(c.number("sigma"), c.number("sigma0"), c.number("epsilon"));
    const auto j =
        autograd::mmd_criterion({stages.phi.narrow(0, 0, n), raw.narrow(0, 0, n)}, {stages.phi.slice(0, n), raw.slice(0, n)},
                                kernel, {.yy = c.number("coeff_yy", 0), .lambda = c.number("lambda", 1e-8)});
    (-j.value).backward();
    out.put("loss_neg_j", -j.value.template item<double>());
    for (const auto& p : net.named_parameters()) put(out, "grad_" + names.at(p.key()), p.value().grad());
  }
};

const registration<feature_net> registered;

}  // namespace
}  // namespace golden
