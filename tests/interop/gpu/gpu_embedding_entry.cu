// What a .cu file gives to CUDA tensors of embeddings, called as torch's side calls it: plain pointers.
#include "dispar/interop/gpu_embedding_entry.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "dispar/backend/gpu/transfer.hpp"
#include "dispar/interop/torch/label_losses.hpp"
#include "dispar/interop/torch/pair_losses.hpp"
#include "normal_rows.hpp"

namespace interop_tests {
namespace {

using namespace dispar;
using clip_loss = autograd::infonce_loss<contrastive::cosine, contrastive::exponential_scale>;

using margin_loss = autograd::pairwise_margin_loss<contrastive::inner_product>;
using ordered_loss = autograd::cosent_loss<contrastive::cosine>;

const autograd::gpu_embedding_entry<clip_loss, float> clip_in_float;
const autograd::gpu_embedding_entry<margin_loss, float> margin_in_float;
const autograd::gpu_embedding_entry<ordered_loss, float> ordered_in_float;

template<class X>
dispar_device_call::matrix matrix_of(X& x, dispar::index rows, dispar::index cols) {
  return {const_cast<void*>(static_cast<const void*>(x.data())), {rows, cols}, {cols, 1}};
}

double apart(const gpu& g, const array<float, 2, gpu>& got, const std::vector<float>& wanted) {
  const auto copy = to_host(g, got);
  double worst = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(copy.data()[i] - wanted[i])));
  return worst;
}

}  // namespace

TEST_CASE("a loss of embeddings through the table") {
  constexpr dispar::index n = 37, m = 5, d = 7;
  cuda_context context;
  const gpu g{&context};
  const auto a = normal_rows<float>(n, d, 1), b = normal_rows<float>(n, d, 2), more = normal_rows<float>(m, d, 3);
  const auto x = to(g, as_matrix(a, n, d)), y = to(g, as_matrix(b, n, d)), negatives = to(g, as_matrix(more, m, d));
  array<float, 2, gpu> by_x(g, {n, d}), by_negatives(g, {m, d});

  const clip_loss loss{{}, {1.0}, contrastive::direction::both, contrastive::reduction::mean, true, 0};
  const auto name = autograd::detail::device_function_name<clip_loss, float>();
  CHECK(name.find(": dispar::autograd::infonce_loss<dispar::contrastive::cosine, dispar::contrastive::exponential_scale> "
                  "(48 bytes) on float") != std::string::npos);
  REQUIRE(dispar_device_call::embedding_table().count(name) == 1);
  double results[2]{};
  dispar_device_call::embedding_call call;
  call.rows[0] = matrix_of(x, n, d);
  call.rows[1] = matrix_of(y, n, d);
  call.rows[2] = matrix_of(negatives, m, d);
  call.by[0] = matrix_of(by_x, n, d);
  call.by[2] = matrix_of(by_negatives, m, d);
  call.scalars = true;
  call.loss = &loss;
  call.results = results;
  dispar_device_call::embedding_table()[name](call);

  std::vector<float> expected_x(a.size()), expected_negatives(more.size());
  autograd::embedding_arguments<float, host> arguments;
  arguments.rows = {as_matrix(a, n, d), as_matrix(b, n, d), as_matrix(more, m, d), {}};
  arguments.by = {as_matrix(expected_x, n, d), {}, as_matrix(expected_negatives, m, d), {}};
  const auto expected = loss.run(cpu{}, arguments);
  CHECK(results[0] == doctest::Approx(expected[0]).epsilon(1e-6));
  CHECK(results[1] == doctest::Approx(expected[1]).epsilon(1e-5));
  CHECK(apart(g, by_x, expected_x) < 1e-6);
  CHECK(apart(g, by_negatives, expected_negatives) < 1e-6);
  release_kept_contexts();
}

TEST_CASE("losses with labels and with scores through the table") {
  constexpr dispar::index n = 19, d = 6;
  cuda_context context;
  const gpu g{&context};
  const auto a = normal_rows<float>(n, d, 4), b = normal_rows<float>(n, d, 5), scores = normal_rows<float>(n, 1, 6);
  std::vector<std::int64_t> match;
  for (dispar::index i = 0; i < n; ++i) match.push_back(i % 2);
  const auto x = to(g, as_matrix(a, n, d)), y = to(g, as_matrix(b, n, d));
  const auto device_match = to(g, match);
  const auto device_scores = to(g, scores);
  array<float, 2, gpu> by_y(g, {n, d});
  std::vector<float> expected_y(b.size());
  autograd::embedding_arguments<float, host> arguments;
  arguments.rows = {as_matrix(a, n, d), as_matrix(b, n, d), {}, {}};
  arguments.by = {matrix_view<float>{}, as_matrix(expected_y, n, d), {}, {}};
  arguments.labels[0] = view_of(std::as_const(match));
  arguments.numbers = view_of(std::as_const(scores));
  double result = 0;
  dispar_device_call::embedding_call call;
  call.rows[0] = matrix_of(x, n, d);
  call.rows[1] = matrix_of(y, n, d);
  call.by[1] = matrix_of(by_y, n, d);
  call.labels[0] = matrix_of(device_match, n, 1);
  call.numbers = matrix_of(device_scores, n, 1);
  call.results = &result;
  const auto check = [&](const auto& loss) {
    call.loss = &loss;
    dispar_device_call::embedding_table()[autograd::detail::device_function_name<std::decay_t<decltype(loss)>, float>()](call);
    const auto expected = loss.run(cpu{}, arguments);
    CHECK(result == doctest::Approx(expected[0]).epsilon(1e-6));
    CHECK(apart(g, by_y, expected_y) < 1e-6);
  };
  check(margin_loss{{}, 3.0});
  check(ordered_loss{{}, 20.0});
  release_kept_contexts();
}

}  // namespace interop_tests
