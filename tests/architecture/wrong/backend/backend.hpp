#pragma once
#include <thrust/for_each.h>
#include "dispar/kernels/kernel.hpp"
#include "dispar/mmd/mmd.hpp"  // violation
