#pragma once

#include <torch/csrc/autograd/saved_variable.h>

#include "dispar/interop/torch/function.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

namespace detail {

/// What backward() needs: the inputs as they were, and how it goes.
template<class Backward>
struct kept_transform {
  std::vector<torch::autograd::SavedVariable> inputs;
  Backward backward;
};

template<class Backward>
class transform_node : public torch::autograd::Node {
public:
  explicit transform_node(kept_transform<Backward> kept) : kept_(std::move(kept)) {}

  torch::autograd::variable_list apply(torch::autograd::variable_list&& upstream) override {
    if (released_) refuse_second_backward();
    torch::autograd::variable_list result(kept_.inputs.size());
    if (!upstream[0].defined()) return result;
    const bool create_graph = c10::GradMode::is_enabled();
    {
      const at::NoGradGuard guard;
      std::vector<at::Tensor> inputs;
      for (auto& saved : kept_.inputs) {
        const at::Tensor input = saved.unpack();
        inputs.push_back(input.defined() ? input.detach() : input);
      }
      const std::vector<at::Tensor> gradients = kept_.backward(std::as_const(inputs), upstream[0].detach());
      for (std::size_t i = 0; i < result.size(); ++i)
        if (task_should_compute_output(i)) result[i] = gradients[i];
    }
    if (create_graph) refuse_second_derivative(result, *this);
    return result;
  }

  void release_variables() override {
    released_ = true;
    kept_.inputs.clear();
  }

private:
  kept_transform<Backward> kept_;
  bool released_ = false;
};

}  // namespace detail

/// A tensor with a place in the graph from a function whose gradients wait for the upstream derivative: `value` is what it gave;
/// `backward(inputs, by_value)` returns the gradients by all inputs, undefined where there is none. Inputs may be undefined.
///
///     return autograd::transformed({x}, forward(x), [](const auto& in, const at::Tensor& by) { return std::vector{...}; });
///
/// Inputs are kept until backward(); changing them in place before is an error of torch's. Second derivatives as
/// `differentiable`.
template<class Backward>
[[nodiscard]] at::Tensor transformed(const std::vector<at::Tensor>& inputs, at::Tensor value, Backward backward) {
  bool wanted = false;
  for (const auto& t : inputs) wanted = wanted || t.requires_grad();
  if (!wanted || !c10::GradMode::is_enabled()) return value;
  detail::kept_transform<Backward> kept{{}, std::move(backward)};
  for (const auto& t : inputs) kept.inputs.emplace_back(t, false);
  const auto node = detail::make_node<detail::transform_node<Backward>>(std::move(kept));
  node->set_next_edges(torch::autograd::collect_next_edges(inputs));
  torch::autograd::create_gradient_edge(value, node);
  return value;
}

}  // namespace autograd

DISPAR_NAMESPACE_END
