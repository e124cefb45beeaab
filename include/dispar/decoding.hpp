#pragma once
/// \file
/// Decoding: merging rows of logits, and from logits to tokens. Includes the CPU backend; other backends by their own header.

/// \namespace dispar::decoding
/// Choosing the next token: merging rows of logits, chains of samplers.

#include "dispar/backend/cpu.hpp"
#include "dispar/decoding/adacad.hpp"
#include "dispar/decoding/cad.hpp"
#include "dispar/decoding/categorical.hpp"
#include "dispar/decoding/chain.hpp"
#include "dispar/decoding/coiecd.hpp"
#include "dispar/decoding/contrastive.hpp"
#include "dispar/decoding/greedy.hpp"
#include "dispar/decoding/harsanyi.hpp"
#include "dispar/decoding/inter.hpp"
#include "dispar/decoding/min_p.hpp"
#include "dispar/decoding/repetition_penalty.hpp"
#include "dispar/decoding/temperature.hpp"
#include "dispar/decoding/top_k.hpp"
#include "dispar/decoding/top_p.hpp"
