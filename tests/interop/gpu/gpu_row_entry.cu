// What a .cu file gives to CUDA tensors of logits, called as torch's side calls it: plain pointers.
#include "dispar/interop/gpu_row_entry.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "dispar/backend/gpu/transfer.hpp"
#include "dispar/backend/host/rows.hpp"
#include "dispar/divergence/jensen_shannon.hpp"
#include "dispar/interop/torch/sequence_losses.hpp"
#include "normal_rows.hpp"

namespace interop_tests {
namespace {

using namespace dispar;
using divergence::jensen_shannon;

const autograd::gpu_row_entry<autograd::divergence_loss<jensen_shannon>, float> js;
const autograd::gpu_row_entry<autograd::label_cross_entropy_loss, float> labels_loss;
const autograd::gpu_row_entry<autograd::sequence_logps_loss, float> sequence_logps;

template<class X>
dispar_device_call::matrix matrix_of(X& x, dispar::index rows, dispar::index cols) {
  return {const_cast<void*>(static_cast<const void*>(x.data())), {rows, cols}, {cols, 1}};
}

}  // namespace

TEST_CASE("functions of rows through the table") {
  constexpr dispar::index n = 3, v = 41;
  cuda_context context;
  const gpu g{&context};
  const auto a = normal_rows<float>(n, v, 1), b = normal_rows<float>(n, v, 2);
  const auto x = to(g, as_matrix(a, n, v)), y = to(g, as_matrix(b, n, v));
  array<float, 2, gpu> by_a(g, {n, v});
  array<double, 1, gpu> values(g, {n});
  const tiled_host<serial> on_cpu;
  std::vector<double> expected(n);
  std::vector<float> gradient(a.size());
  const auto check = [&] {
    const auto got = to_host(g, values);
    const auto got_gradient = to_host(g, by_a);
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(got.data()[i] == doctest::Approx(expected[i]).epsilon(1e-6));
    double worst = 0;
    for (std::size_t i = 0; i < gradient.size(); ++i)
      worst = std::max(worst, std::abs(static_cast<double>(got_gradient.data()[i] - gradient[i])));
    CHECK(worst < 1e-6);
  };

  const autograd::divergence_loss<jensen_shannon> loss{{0.5}, divergence::unit::nats};
  dispar_device_call::row_call call;
  call.a = matrix_of(x, n, v);
  call.b = matrix_of(y, n, v);
  call.by_a = matrix_of(by_a, n, v);
  call.values = matrix_of(values, n, 1);
  call.loss = &loss;
  const auto name = autograd::detail::device_function_name<autograd::divergence_loss<jensen_shannon>, float>();
  CHECK(name.find(": dispar::autograd::divergence_loss<dispar::divergence::jensen_shannon> (16 bytes) on float") !=
        std::string::npos);
  REQUIRE(dispar_device_call::row_table().count(name) == 1);
  dispar_device_call::row_table()[name](call);
  divergence::rows_and_gradient(on_cpu, as_matrix(a, n, v), as_matrix(b, n, v), jensen_shannon{}, expected,
                                {.a = as_matrix(gradient, n, v)});
  check();

  const std::vector<std::int64_t> chosen{4, -100, 40};
  const auto device_labels = to(g, chosen);
  const autograd::label_cross_entropy_loss of_labels{divergence::unit::bits, 0.1, -100};
  call.labels = matrix_of(device_labels, n, 1);
  call.loss = &of_labels;
  dispar_device_call::row_table()[autograd::detail::device_function_name<autograd::label_cross_entropy_loss, float>()](call);
  divergence::label_cross_entropy(on_cpu, as_matrix(a, n, v), chosen, expected,
                                  {.in = divergence::unit::bits, .label_smoothing = 0.1}, {.a = as_matrix(gradient, n, v)});
  check();

  const autograd::sequence_logps_loss of_sequence{preference::over_tokens::mean, -100, true};  // one sequence of three tokens
  call.values = matrix_of(values, 1, 1);
  call.loss = &of_sequence;
  dispar_device_call::row_table()[autograd::detail::device_function_name<autograd::sequence_logps_loss, float>()](call);
  const auto sequence = [](auto& rows) { return preference::as_sequences(as_matrix(rows, n, v), 1); };
  expected.resize(1);
  preference::sequence_logps_and_gradient(on_cpu, sequence(a), as_matrix(chosen, 1, n), expected, {.logits = sequence(gradient)},
                                          {.reduce = preference::over_tokens::mean, .shift = true});
  check();
  release_kept_contexts();
}

}  // namespace interop_tests
