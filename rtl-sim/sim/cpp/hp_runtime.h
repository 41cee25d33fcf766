// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// How the shim learns that the design stopped. See hp_runtime.cpp.

#ifndef HP_RUNTIME_H_
#define HP_RUNTIME_H_

#include <mutex>
#include <stdexcept>
#include <string>

struct HpStop : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Everything the design printed since the last call.
std::string hp_take_printed();

// Held while a model is made: the runtime's random state belongs to a thread, but every new seed,
// whoever gives it, makes all threads begin anew.
std::mutex& hp_creation();

#endif  // HP_RUNTIME_H_
