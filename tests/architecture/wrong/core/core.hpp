#pragma once

#include <cstddef>
#include <iostream>  // violation
#include "dispar/kernels/kernel.hpp"  // violation
