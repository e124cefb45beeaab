#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dispar/core/view.hpp"
#include "fixture.hpp"

namespace golden {
inline namespace DISPAR_ABI {  // the cores of different backends, compiled with different flags, meet in one program

struct host_memory {
  using space = dispar::host;
  template<class T>
  using allocator = std::allocator<T>;
};

/// A matrix of a fixture in the precision under test, in memory that both the host and the backend under test can reach.
template<class T, class Memory>
class matrix_in {
  template<class U>
  using view_of = dispar::matrix_view<U, typename Memory::space>;

public:
  matrix_in(dispar::index rows, dispar::index cols) : data_(static_cast<std::size_t>(rows * cols)), rows_(rows), cols_(cols) {}
  matrix_in(const fixture& c, const std::string& name) {
    const array a = c.input(name);
    if (a.shape.size() != 2) throw std::runtime_error("input '" + name + "' is no matrix");
    rows_ = a.shape[0];
    cols_ = a.shape[1];
    data_.reserve(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) data_.push_back(static_cast<T>(a.at(i)));
  }

  [[nodiscard]] view_of<T> view() { return {data_.data(), rows_, cols_}; }
  [[nodiscard]] view_of<const T> view() const { return {data_.data(), rows_, cols_}; }
  /// The first n rows, and the others: fixtures stack X and Y.
  [[nodiscard]] auto x(dispar::index n) { return view().slice(0, n); }
  [[nodiscard]] auto x(dispar::index n) const { return view().slice(0, n); }
  [[nodiscard]] auto y(dispar::index n) { return view().slice(n, rows_ - n); }
  [[nodiscard]] auto y(dispar::index n) const { return view().slice(n, rows_ - n); }

  [[nodiscard]] dispar::index rows() const { return rows_; }
  [[nodiscard]] const auto& data() const { return data_; }

private:
  std::vector<T, typename Memory::template allocator<T>> data_;
  dispar::index rows_ = 0, cols_ = 0;
};

/// Numbers of a fixture of any rank, or room for results, in memory that both the host and the backend under test can reach.
template<class T, class Memory>
class tensor_in {
public:
  explicit tensor_in(std::vector<dispar::index> shape) : shape_(std::move(shape)), data_(static_cast<std::size_t>(count())) {}
  tensor_in(const fixture& c, const std::string& name) {
    const array a = c.input(name);
    shape_ = a.shape;
    for (std::size_t i = 0; i < a.size(); ++i)
      data_.push_back(a.integral ? static_cast<T>(a.integer[i]) : static_cast<T>(a.real[i]));
  }

  /// The elements as a view of the rank and shape of the fixture, or of another shape.
  template<int Rank>
  [[nodiscard]] dispar::tensor_view<T, Rank, typename Memory::space> as() {
    if (shape_.size() != static_cast<std::size_t>(Rank)) throw std::runtime_error("an input has another rank than expected");
    std::array<dispar::index, static_cast<std::size_t>(Rank)> extents{};
    for (std::size_t i = 0; i < extents.size(); ++i) extents[i] = shape_[i];
    return {data_.data(), extents};
  }
  [[nodiscard]] auto vector() { return as<1>(); }
  [[nodiscard]] auto matrix() { return as<2>(); }
  [[nodiscard]] auto tensor() { return as<3>(); }
  [[nodiscard]] dispar::matrix_view<T, typename Memory::space> matrix(dispar::index rows, dispar::index cols) {
    if (rows * cols != count()) throw std::runtime_error("an input has another size than expected");
    return {data_.data(), rows, cols};
  }
  [[nodiscard]] dispar::scalar_view<T, typename Memory::space> scalar() {
    return dispar::scalar_view<T, typename Memory::space>(data_.data());
  }
  [[nodiscard]] const std::vector<dispar::index>& shape() const { return shape_; }
  [[nodiscard]] dispar::index extent(std::size_t axis) const { return shape_.at(axis); }
  [[nodiscard]] auto& data() { return data_; }

private:
  [[nodiscard]] dispar::index count() const {
    dispar::index n = 1;
    for (const dispar::index e : shape_) n *= e;
    return n;
  }
  std::vector<dispar::index> shape_;
  std::vector<T, typename Memory::template allocator<T>> data_;
};

/// A vector of a fixture in the precision under test.
template<class T>
[[nodiscard]] std::vector<T> vector(const fixture& c, const std::string& name) {
  const array a = c.input(name);
  if (a.shape.size() != 1) throw std::runtime_error("input '" + name + "' is no vector");
  std::vector<T> values;
  for (std::size_t i = 0; i < a.size(); ++i) values.push_back(static_cast<T>(a.at(i)));
  return values;
}

/// Integers in rows: permutations, signs.
class integer_matrix {
public:
  integer_matrix(const fixture& c, const std::string& name) : array_(c.input(name)) {
    if (array_.shape.size() != 2 || !array_.integral) throw std::runtime_error("input '" + name + "' is no matrix of integers");
  }
  [[nodiscard]] dispar::index rows() const { return array_.shape[0]; }
  [[nodiscard]] dispar::index cols() const { return array_.shape[1]; }
  [[nodiscard]] dispar::matrix_view<const std::int64_t> view() const {
    return {array_.integer.data(), array_.shape[0], array_.shape[1]};
  }

private:
  array array_;
};

}  // namespace DISPAR_ABI
}  // namespace golden
