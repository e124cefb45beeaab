#pragma once
#include "dispar/mmd/mmd.hpp"
#include "dispar/mmd/detail/sum.hpp"  // violation
