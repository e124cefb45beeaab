// What a .cu file gives to CUDA tensors, called as torch's side calls it: plain pointers, in any order of elements.
#include "dispar/interop/gpu_entry.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "dispar/kernels/deep.hpp"
#include "mmd/gpu/device_rows.hpp"

namespace interop_tests {
namespace {

using namespace dispar;
using gpu_tests::close;
using gpu_tests::device_result;
using gpu_tests::device_rows;
using kernel = deep_kernel<>;

const autograd::gpu_entry<autograd::mmd_criterion_loss, kernel, float> entry;

template<class View>
dispar_device_call::matrix matrix_of(const View& v) {
  return {const_cast<float*>(v.data()), {v.rows(), v.cols()}, {v.stride(0), v.stride(1)}};
}

}  // namespace

TEST_CASE("a criterion and its gradients through the table") {
  constexpr dispar::index n = 37;
  const device_rows<float> x(n, 3, 1), y(n, 3, 2, 0.6), raw_x(20, n, 3), raw_y(20, n, 4, 0.2);  // raw: features are rows
  device_result<float> gx(n, 3, 0), gy(n, 3, 0), gry(n, 20, 0);
  std::vector<double> by_parameter(3), theta{6, 2, 0.3}, results(3);
  const autograd::mmd_criterion_loss loss{{.yy = 0, .lambda = 1e-6}};
  using dispar_device_call::matrix;
  const std::array<matrix, 4> samples{matrix_of(x.view()), matrix_of(raw_x.view().transposed()), matrix_of(y.view()),
                                      matrix_of(raw_y.view().transposed())};
  const std::array<matrix, 4> gradients{matrix_of(gx.view()), matrix{}, matrix_of(gy.view()), matrix_of(gry.view())};
  dispar_device_call::call call;
  call.x = {samples.data(), gradients.data(), {}};
  call.y = {samples.data() + 2, gradients.data() + 2, {}};
  call.theta = theta.data();
  call.parameter_gradient = by_parameter.data();
  call.loss = &loss;
  call.results = results.data();

  const auto name = autograd::detail::device_function_name<autograd::mmd_criterion_loss, kernel, float>();
  CHECK(
      name.find("dispar::autograd::mmd_criterion_loss (32 bytes) by dispar::deep_kernel<dispar::squared_parameters> on float") !=
      std::string::npos);
  const auto found = dispar_device_call::table().find(name);
  REQUIRE(found != dispar_device_call::table().end());
  found->second(call);

  std::vector<float> hx(n * 3), hy(n * 3), hry(n * 20);
  std::vector<double> on_host(3);
  const auto j = mmd::criterion_and_gradient(
      cpu{}, channels(x.host(), raw_x.host().transposed()), channels(y.host(), raw_y.host().transposed()), kernel{6, 2, 0.3},
      {.x = {as_matrix(hx, n, 3), {}}, .y = {as_matrix(hy, n, 3), as_matrix(hry, n, 20)}, .parameters = view_of(on_host)},
      loss.o);
  CHECK(results[0] == doctest::Approx(j.value).epsilon(1e-5));
  CHECK(results[1] == doctest::Approx(j.statistic).epsilon(1e-5));
  CHECK(results[2] == doctest::Approx(j.variance).epsilon(1e-5));
  CHECK(close(gx.on_host(), hx, 1e-4));
  CHECK(close(gy.on_host(), hy, 1e-4));
  CHECK(close(gry.on_host(), hry, 1e-4));
  CHECK(close(by_parameter, on_host, 1e-4));

#if defined(DISPAR_CUDA_EMULATION)
  const long before = cuda_emulation::calls().allocations;
  found->second(call);
  CHECK(cuda_emulation::calls().allocations == before);
#endif

  // Nothing wanted: the values alone.
  const std::array<matrix, 2> none{};
  call.x.gradient = call.y.gradient = none.data();
  call.parameter_gradient = nullptr;
  results = {0, 0, 0};
  found->second(call);
  CHECK(results[0] == doctest::Approx(j.value).epsilon(1e-5));

  // Threads on one device take turns.
  std::array<std::vector<double>, 2> of_thread;
  std::vector<std::thread> threads;
  for (auto& own : of_thread)
    threads.emplace_back([&own, call, f = found->second]() mutable {
      own.resize(3);
      call.results = own.data();
      f(call);
    });
  for (auto& thread : threads) thread.join();
  for (const auto& own : of_thread) CHECK(own == results);

  theta[0] = 0;
  CHECK_THROWS_AS(found->second(call), std::invalid_argument);
}

}  // namespace interop_tests
