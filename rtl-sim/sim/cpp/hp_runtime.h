// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// How the shim learns that the design stopped. See hp_runtime.cpp.

#ifndef HP_RUNTIME_H_
#define HP_RUNTIME_H_

#include <stdexcept>
#include <string>

struct HpStop : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Everything the design printed since the last call.
std::string hp_take_printed();

#endif  // HP_RUNTIME_H_
