#pragma once
#include <Eigen/Core>
#include "dispar/mmd/mmd.hpp"
