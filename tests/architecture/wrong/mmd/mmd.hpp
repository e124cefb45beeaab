#pragma once
#include <vector>
#  include <Eigen/Core>  // violation
#include <xtensor/xarray.hpp>  // violation
#include "dispar/backend/backend.hpp"
#include "dispar/interop/adaptor.hpp"  // violation
#include "dispar/mmd/detail/sum.hpp"
#include "dispar/mmd/missing.hpp"  // violation
