#pragma once
// A list; of [things] that a parser trips over \
//
#include "dispar/core/core.hpp"
#include <cuda_runtime.h>  // violation
#include "dispar/backend/backend.hpp"  // violation
