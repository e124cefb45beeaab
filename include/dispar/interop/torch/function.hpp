#pragma once
/// \file
/// Functions that compute a value and its gradients in one pass, as nodes of torch's graph.

#include <ATen/ops/empty_like.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/scalar_tensor.h>
#include <torch/csrc/autograd/function.h>

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "dispar/core/error.hpp"

DISPAR_NAMESPACE_BEGIN

/// dispar's losses as functions of torch tensors that `backward()` goes through.
namespace autograd {

namespace detail {

/// What owns a node: std::shared_ptr in LibTorch 1.13, c10::intrusive_ptr in 2.15.
using node_pointer = decltype(torch::autograd::Edge::function);

template<class N, class Argument>
[[nodiscard]] node_pointer make_node(Argument&& argument) {
  if constexpr (std::is_same_v<node_pointer, std::shared_ptr<torch::autograd::Node>>)
    // torch's own deleter, by argument-dependent lookup: destructors of a long graph must not recurse.
    return node_pointer(new N(std::forward<Argument>(argument)), [](N* node) { deleteNode(node); });
  else
    return c10::make_intrusive<N>(std::forward<Argument>(argument));
}

/// Where gradients that were asked for with `create_graph` lead to: there is no second derivative.
struct second_derivative_node : torch::autograd::Node {
  using Node::Node;
  torch::autograd::variable_list apply(torch::autograd::variable_list&&) override {
    throw invalid_argument(
        "dispar: a second derivative was asked for: gradients of dispar's losses are not differentiable (backward without "
        "create_graph, or detach them)");
  }
};

/// Lets gradients that a node computes under `create_graph` lead to the refusal, with the edges of the node: a search for the
/// inputs must come past it.
inline void refuse_second_derivative(torch::autograd::variable_list& gradients, const torch::autograd::Node& node) {
  const auto refusal = make_node<second_derivative_node>(torch::autograd::edge_list(node.next_edges()));
  for (auto& g : gradients)
    if (g.defined()) torch::autograd::create_gradient_edge(g, refusal);
}
[[noreturn]] inline void refuse_second_backward() {
  throw invalid_argument("dispar: backward was called a second time: say retain_graph = true the first time");
}

/// Gradients are known when the value is: backward() multiplies them with the upstream derivative.
class value_node : public torch::autograd::Node {
public:
  explicit value_node(std::vector<at::Tensor> gradients) : gradients_(std::move(gradients)) {}

  torch::autograd::variable_list apply(torch::autograd::variable_list&& upstream) override {
    if (released_) refuse_second_backward();
    torch::autograd::variable_list result(gradients_.size());
    if (!upstream[0].defined()) return result;
    const bool create_graph = c10::GradMode::is_enabled();
    {
      // A graph of this product would take the gradients for constants.
      const at::NoGradGuard guard;
      for (std::size_t i = 0; i < result.size(); ++i)
        if (gradients_[i].defined()) {
          auto factor = upstream[0].to(gradients_[i].options());
          while (factor.dim() > 0 && factor.dim() < gradients_[i].dim()) factor = factor.unsqueeze(-1);
          result[i] = at::mul(gradients_[i], factor);
        }
    }
    if (create_graph) refuse_second_derivative(result, *this);
    return result;
  }

  void release_variables() override {
    released_ = true;
    for (auto& g : gradients_) g.reset();
  }

private:
  std::vector<at::Tensor> gradients_;
  bool released_ = false;
};

}  // namespace detail

/// A scalar tensor with a place in the graph, from a function that computes its value and gradients at once: all that a loss
/// needs to be trained with. `compute(gradients)` returns the value, a double. `gradients[i]` is a dense tensor of the shape,
/// type and device of `inputs[i]`, to be filled with d value / d inputs[i]; it is undefined where nobody wants it: where the
/// input does not require a gradient, and everywhere while gradients are off (`at::NoGradGuard`).
///
///     auto loss = autograd::differentiable({x}, [&](const std::vector<at::Tensor>& g) {
///       return g[0].defined() ? value_and_gradient(x, g[0]) : value(x);
///     });
///
/// The value has the type and device of `inputs[0]`. Gradients are kept until backward(), which multiplies them with the
/// upstream derivative. `create_graph` is possible, but differentiating a gradient again throws `invalid_argument`.
///
/// Values of rows: `compute` may return a tensor, of the first dimensions of the inputs; what lies along the others is of one
/// row, and its gradient that of the row's own value.
template<class Compute>
[[nodiscard]] at::Tensor differentiable(const std::vector<at::Tensor>& inputs, Compute&& compute) {
  std::vector<at::Tensor> gradients(inputs.size());
  bool wanted = false;
  if (c10::GradMode::is_enabled())
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].requires_grad()) {
        gradients[i] = at::empty_like(inputs[i].detach(), {}, at::MemoryFormat::Contiguous);
        wanted = true;
      }
  at::Tensor value;
  {
    const at::NoGradGuard guard;
    if constexpr (std::is_convertible_v<std::invoke_result_t<Compute, const std::vector<at::Tensor>&>, double>)
      value = at::scalar_tensor(std::forward<Compute>(compute)(std::as_const(gradients)), inputs[0].options());
    else
      value = std::forward<Compute>(compute)(std::as_const(gradients)).to(inputs[0].options());
  }
  if (!wanted) return value;
  const auto node = detail::make_node<detail::value_node>(std::move(gradients));
  node->set_next_edges(torch::autograd::collect_next_edges(inputs));
  torch::autograd::create_gradient_edge(value, node);
  return value;
}

}  // namespace autograd

DISPAR_NAMESPACE_END
