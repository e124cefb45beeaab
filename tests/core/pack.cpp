#include "pack_cases.hpp"
