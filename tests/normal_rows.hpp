#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dispar/core/random/normal.hpp"
#include "dispar/core/view_traits.hpp"

/// `rows` x `cols` normal draws of standard deviation 1, row by row. Different streams are independent.
template<class T = double>
std::vector<T> normal_rows(dispar::index rows, dispar::index cols, std::uint64_t stream, double mean = 0) {
  std::vector<T> data(static_cast<std::size_t>(rows * cols));
  dispar::fill_normal(dispar::random_key{2, stream}, 0, std::span(data));
  for (T& x : data) x = static_cast<T>(static_cast<double>(x) + mean);
  return data;
}
