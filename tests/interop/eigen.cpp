#include "dispar/interop/eigen.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "same_elements.hpp"

namespace interop_tests {

using dispar::index;  // in a namespace: POSIX has a global index()
using dispar::view_of;

namespace {

// coeffRef of a mutable object, or of the same memory through const_cast: the address is what is compared.
template<class X>
auto element_of(X& x) {
  return [&x](auto... i) -> auto& { return x.coeffRef(i...); };
}

template<class M>
M numbered(index rows, index cols) {
  M m(rows, cols);
  for (index i = 0; i < rows; ++i)
    for (index j = 0; j < cols; ++j) m(i, j) = static_cast<typename M::Scalar>(10 * i + j);
  return m;
}

template<class T, int Order>
using matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Order>;
template<class T, int Order>
using array2 = Eigen::Array<T, Eigen::Dynamic, Eigen::Dynamic, Order>;

}  // namespace

TEST_CASE_TEMPLATE("Eigen matrices and arrays of both storage orders", M, matrix<float, Eigen::ColMajor>,
                   matrix<float, Eigen::RowMajor>, matrix<double, Eigen::ColMajor>, array2<float, Eigen::ColMajor>,
                   array2<double, Eigen::RowMajor>) {
  using T = typename M::Scalar;
  M m = numbered<M>(5, 3);
  const M& constant = m;
  static_assert(std::is_same_v<viewed_element<M>, T>);
  static_assert(std::is_same_v<viewed_element<const M>, const T>);
  static_assert(dispar::matrix_like<M> && !dispar::vector_like<M>);
  check_same_elements(view_of(m), {5, 3}, element_of(m));
  check_same_elements(view_of(constant), {5, 3}, element_of(m));
  CHECK(view_of(m).data() == m.data());
  CHECK(view_of(m).stride(M::IsRowMajor ? 1 : 0) == 1);
  view_of(m)(4, 2) = T(-1);
  CHECK(m(4, 2) == T(-1));
}

TEST_CASE("an Eigen matrix of fixed size, and an empty one") {
  Eigen::Matrix<double, 2, 3> fixed = Eigen::Matrix<double, 2, 3>::Random();
  check_same_elements(view_of(fixed), {2, 3}, element_of(fixed));
  const Eigen::MatrixXf empty(0, 4);
  CHECK(view_of(empty).rows() == 0);
  CHECK(view_of(empty).cols() == 4);
}

TEST_CASE_TEMPLATE("blocks, rows, columns and transposes", M, matrix<float, Eigen::ColMajor>, matrix<float, Eigen::RowMajor>) {
  M m = numbered<M>(6, 5);
  const M& constant = m;
  auto block = m.block(1, 2, 3, 2);
  check_same_elements(view_of(block), {3, 2}, [&](index i, index j) -> float& { return m.coeffRef(i + 1, j + 2); });
  check_same_elements(view_of(m.topRows(2)), {2, 5}, element_of(m));
  check_same_elements(view_of(constant.rightCols(2)), {6, 2}, [&](index i, index j) -> float& { return m.coeffRef(i, j + 3); });
  check_same_elements(view_of(m.transpose()), {5, 6}, [&](index i, index j) -> float& { return m.coeffRef(j, i); });
  check_same_elements(view_of(block.transpose()), {2, 3}, [&](index i, index j) -> float& { return m.coeffRef(j + 1, i + 2); });
  check_same_elements(view_of(m.row(4)), {5}, [&](index j) -> float& { return m.coeffRef(4, j); });
  check_same_elements(view_of(constant.col(3)), {6}, [&](index i) -> float& { return m.coeffRef(i, 3); });
  check_same_elements(view_of(m.diagonal()), {5}, [&](index i) -> float& { return m.coeffRef(i, i); });
  check_same_elements(view_of(m.array()), {6, 5}, element_of(m));
  static_assert(std::is_same_v<viewed_element<decltype(block)>, float>);
  static_assert(std::is_same_v<viewed_element<decltype(constant.block(0, 0, 1, 1))>, const float>);
}

TEST_CASE_TEMPLATE("maps with inner and outer strides", M, matrix<double, Eigen::ColMajor>, matrix<double, Eigen::RowMajor>) {
  std::vector<double> memory(200);
  using stride = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
  Eigen::Map<M, Eigen::Unaligned, stride> map(memory.data() + 1, 4, 3, stride(20, 3));
  const auto expected = [&](index i, index j) -> double& {
    return memory[static_cast<std::size_t>(M::IsRowMajor ? 1 + 20 * i + 3 * j : 1 + 3 * i + 20 * j)];
  };
  check_same_elements(view_of(map), {4, 3}, expected);
  check_same_elements(view_of(map.block(1, 1, 2, 2)), {2, 2},
                      [&](index i, index j) -> double& { return expected(i + 1, j + 1); });
  check_same_elements(view_of(map.transpose()), {3, 4}, [&](index i, index j) -> double& { return expected(j, i); });
  static_assert(std::is_same_v<viewed_element<decltype(map)>, double>);

  Eigen::Map<const M, Eigen::Unaligned, Eigen::OuterStride<>> constant(memory.data(), 3, 2, Eigen::OuterStride<>(7));
  static_assert(std::is_same_v<viewed_element<decltype(constant)>, const double>);
  check_same_elements(view_of(constant), {3, 2}, [&](index i, index j) -> const double& {
    return memory[static_cast<std::size_t>(M::IsRowMajor ? 7 * i + j : i + 7 * j)];
  });
}

TEST_CASE("references") {
  Eigen::MatrixXf m = numbered<Eigen::MatrixXf>(6, 4);
  Eigen::Ref<Eigen::MatrixXf> whole(m);
  Eigen::Ref<Eigen::MatrixXf> part(m.middleRows(2, 3));
  Eigen::Ref<const Eigen::MatrixXf> constant(m.middleRows(1, 4));
  check_same_elements(view_of(whole), {6, 4}, element_of(m));
  check_same_elements(view_of(part), {3, 4}, [&](index i, index j) -> float& { return m.coeffRef(i + 2, j); });
  check_same_elements(view_of(constant), {4, 4}, [&](index i, index j) -> float& { return m.coeffRef(i + 1, j); });
  static_assert(std::is_same_v<viewed_element<decltype(part)>, float>);
  static_assert(std::is_same_v<viewed_element<decltype(constant)>, const float>);
}

TEST_CASE("what is a vector at compile time has rank 1") {
  Eigen::VectorXd column = Eigen::VectorXd::LinSpaced(6, 0, 5);
  const Eigen::RowVectorXf row = Eigen::RowVectorXf::LinSpaced(4, 0, 3);
  static_assert(dispar::vector_like<Eigen::VectorXd> && dispar::vector_like<Eigen::RowVectorXf>);
  static_assert(dispar::vector_like<Eigen::ArrayXf> && !dispar::matrix_like<Eigen::ArrayXf>);
  check_same_elements(view_of(column), {6}, element_of(column));
  check_same_elements(view_of(column.tail(2)), {2}, [&](index i) -> double& { return column.coeffRef(i + 4); });
  CHECK(view_of(row).data() == row.data());
  CHECK(view_of(row)(3) == 3.0f);

  Eigen::Map<Eigen::VectorXd, 0, Eigen::InnerStride<2>> every_second(column.data(), 3);
  const auto strided = [&](index i) -> double& { return column.coeffRef(2 * i); };
  check_same_elements(view_of(every_second), {3}, strided);
  // Three rows of one element: as_matrix keeps the stride.
  check_same_elements(dispar::as_matrix(every_second, 3, 1), {3, 1}, [&](index i, index) -> double& { return strided(i); });
  check_same_elements(dispar::as_matrix(column, 2, 3), {2, 3},
                      [&](index i, index j) -> double& { return column.coeffRef(3 * i + j); });
  CHECK_THROWS_AS((void)dispar::as_matrix(column, 4, 2), dispar::invalid_argument);
}

TEST_CASE("expressions without memory are not viewable") {
  Eigen::MatrixXf a(2, 2), b(2, 2);
  static_assert(!dispar::viewable<decltype(a + b)> && !dispar::matrix_like<decltype(a + b)>);
  static_assert(!dispar::viewable<const decltype(2.0f * a)>);
  static_assert(!dispar::viewable<decltype(a.cwiseAbs())>);
  static_assert(!dispar::viewable<decltype((a + b).transpose())>);
  static_assert(!dispar::viewable<decltype((a + b).block(0, 0, 1, 1))>);
  static_assert(!dispar::viewable<decltype(Eigen::MatrixXf::Zero(2, 2))>);
  static_assert(!dispar::viewable<decltype(a * b)>);
  a.setOnes();
  b.setOnes();
  const auto sum = (a + b).eval();
  CHECK(view_of(sum)(1, 1) == 2.0f);
}

}  // namespace interop_tests
