#include "dispar/interop/torch/view.hpp"

#include <torch/types.h>

#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/estimate.hpp"

#include "torch_doctest.hpp"

namespace torch_tests {

using dispar::from_torch;

TEST_CASE_TEMPLATE("a tensor is a view of its own memory", T, float, double) {
  const auto type = torch::TensorOptions().dtype(dispar::torch_type<T>);
  const auto t = torch::arange(24, type).view({4, 6});
  const auto view = from_torch<T, 2>(t);
  CHECK(view.data() == t.data_ptr());
  CHECK(view.rows() == 4);
  CHECK(view.cols() == 6);
  CHECK(view(2, 3) == T(15));
  view(2, 3) = T(-1);
  CHECK(t[2][3].template item<double>() == -1);

  for (const auto& strided : {t.t(), t.slice(0, 1, 4, 2).slice(1, 2), t.select(1, 3).unsqueeze(1)}) {
    const auto v = from_torch<const T, 2>(strided);
    CHECK(v.data() == strided.data_ptr());
    for (dispar::index i = 0; i < v.rows(); ++i)
      for (dispar::index j = 0; j < v.cols(); ++j) CHECK(v(i, j) == strided[i][j].template item<T>());
  }
  const auto expanded = from_torch<const T, 2>(t[0].expand({5, 6}));
  CHECK(expanded.stride(0) == 0);
  CHECK(expanded(4, 1) == T(1));
  CHECK(from_torch<const T, 1>(t.select(1, 2))(3) == T(20));
  CHECK(from_torch<const T, 0>(t[1][1])() == T(7));
  CHECK(from_torch<const T, 2>(torch::empty({0, 3}, type)).rows() == 0);

  const auto x = torch::randn({20, 6}, type);
  CHECK(dispar::mmd::estimate(from_torch<const T, 2>(x), view, dispar::gaussian{3}) ==
        dispar::mmd::estimate(from_torch<const T, 2>(x.clone()), view, dispar::gaussian{3}));
}

TEST_CASE("16-bit numbers") {
  const auto t = torch::ones({2, 2}, torch::kHalf);
  CHECK(static_cast<float>(from_torch<const dispar::half, 2>(t)(1, 1)) == 1.0f);
  CHECK(static_cast<float>(from_torch<const dispar::bfloat16, 2>(t.to(torch::kBFloat16))(0, 1)) == 1.0f);
}

TEST_CASE("what is no such view is refused by name") {
  const auto t = torch::zeros({3, 2});
  CHECK_THROWS_WITH_AS((void)(from_torch<const float, 2>(torch::Tensor())),
                       "dispar: from_torch: tensor must be defined, got an undefined tensor", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)(from_torch<const double, 2>(t)), "dispar: from_torch: type must be that of the view, got Float",
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)(from_torch<const float, 1>(t)), "dispar: from_torch: dim() must be 1, got 2",
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)(from_torch<const float, 2>(t.to_sparse())),
                       "dispar: from_torch: tensor must be dense (strided), got Sparse", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)(from_torch<const float, 2, dispar::device>(t)),
                       "dispar: from_torch: device must be that of the view's memory space, got cpu", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)(from_torch<float, 2>(t[0].expand({4, 2}))),
                       "dispar: from_torch: tensor must not be expanded for a view of mutable elements",
                       dispar::invalid_argument);
  // The imaginary part of a conjugated tensor: the memory holds the numbers with the other sign.
  const auto negated = torch::imag(torch::zeros({3, 2}, torch::kComplexFloat).conj());
  CHECK_THROWS_WITH_AS((void)(from_torch<const float, 2>(negated)),
                       "dispar: from_torch: tensor must hold its elements as they are: call resolve_neg()",
                       dispar::invalid_argument);
  CHECK(from_torch<const float, 2>(negated.resolve_neg()).rows() == 3);
}

}  // namespace torch_tests
