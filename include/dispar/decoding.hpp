#pragma once
/// \file
/// Decoding: merging rows of logits. Includes the CPU backend; other backends by their own header.

/// \namespace dispar::decoding
/// Choosing the next token: merging rows of logits.

#include "dispar/backend/cpu.hpp"
#include "dispar/decoding/adacad.hpp"
#include "dispar/decoding/cad.hpp"
#include "dispar/decoding/coiecd.hpp"
#include "dispar/decoding/contrastive.hpp"
#include "dispar/decoding/harsanyi.hpp"
#include "dispar/decoding/inter.hpp"
