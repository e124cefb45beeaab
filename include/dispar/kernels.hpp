#pragma once
/// \file
/// Every metric and kernel.

#include "dispar/kernels/deep.hpp"
#include "dispar/kernels/from_theta.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/identity.hpp"
#include "dispar/kernels/inverse_multiquadric.hpp"
#include "dispar/kernels/laplacian.hpp"
#include "dispar/kernels/mixture.hpp"
#include "dispar/kernels/rational_quadratic.hpp"
