// What the guide's short snippets take for granted: two samples x and y, a kernel, places for gradients.
#pragma once

#include <array>
#include <cstdio>
#include <vector>

#include "dispar/dispar.hpp"

inline std::vector<float> x_data(20 * 3, 0.5f), y_data(30 * 3, 0.25f), x_gradient(20 * 3), y_gradient(30 * 3);
inline auto x = dispar::as_matrix(x_data, 20, 3), y = dispar::as_matrix(y_data, 30, 3);
inline auto gx = dispar::as_matrix(x_gradient, 20, 3), gy = dispar::as_matrix(y_gradient, 30, 3);
inline std::vector<double> kernel_gradient(1);
inline const dispar::gaussian kernel{1.5};
inline const dispar::cpu cpu;
