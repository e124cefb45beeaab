// mmd-mp/train_trace: a linear feature map and the deep kernel, trained by Adam on -J, one batch a step.

#include <ATen/ops/addmm.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <torch/optim/adam.h>

#include "../cores/backend_under_test.hpp"
#include "dispar/interop/torch/mmd.hpp"
#include "dispar/kernels/deep.hpp"
#include "tensors.hpp"

namespace golden {
namespace {

namespace autograd = dispar::autograd;

struct train_trace {
  static constexpr const char* name = "mmd-mp/train_trace";
  // J does not depend on b, whose gradient is a sum that cancels: 1e-16 is left of it in double. Adam divides by the size of the
  // gradient + 1e-8, so that b drifts by up to lr 1e-16 / 1e-8 a step: 1e-9 in ten steps of 0.01, in the reference as here. In
  // float what is left is as large as 1e-8, and b drifts by up to lr a step.
  static constexpr double double_floor = 5e-9;
  static constexpr double float_tolerance = 0.1;

  template<class T, class B>
  static void run(const B&, const fixture& c, outputs& out) {
    const auto x_batches = torch_tensor<T>(c, "x_batches"), y_batches = torch_tensor<T>(c, "y_batches");
    const auto type = x_batches.options();
    const auto w = torch_tensor<T>(c, "w_init").requires_grad_(), b = at::zeros({w.size(1)}, type).requires_grad_();
    const auto parameter = [&](const char* of) { return at::full({}, c.number(of), type).requires_grad_(); };
    const auto s = parameter("s_init"), s0 = parameter("s0_init"), e = parameter("e_init");
    const dispar::mmd::criterion_options o{.xx = c.number("coeff_xx", 1),
                                           .yy = c.number("coeff_yy", 0),
                                           .xy = c.number("coeff_xy", 2),
                                           .lambda = c.number("lambda", 1e-8)};

    torch::optim::Adam adam(std::vector<at::Tensor>{w, b, e, s, s0}, torch::optim::AdamOptions(c.number("lr")));
    std::vector<double> losses, statistics, variances;
    for (dispar::index step = 0; step < c.integer("steps"); ++step) {
      const auto x = x_batches[step], y = y_batches[step];
      adam.zero_grad();
      const auto j = autograd::mmd_criterion({at::addmm(b, x, w), x}, {at::addmm(b, y, w), y},
                                             autograd::trainable<dispar::deep_kernel<>>{s, s0, e}, o);
      (-j.value).backward();
      adam.step();
      losses.push_back(-j.value.template item<double>());
      statistics.push_back(j.statistic);
      variances.push_back(j.variance);
    }
    out.put("losses", losses);
    out.put("stats", statistics);
    out.put("variances", variances);
    put(out, "w_final", w);
    put(out, "b_final", b);
    put(out, "params_final", at::stack({s, s0, e}));
  }
};

const registration<train_trace> registered;

}  // namespace
}  // namespace golden
