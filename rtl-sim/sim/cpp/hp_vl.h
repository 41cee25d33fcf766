// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Included before everything in the Verilated runtime: what it prints goes to the simulator, not to
// the standard output.

#ifndef HP_VL_H_
#define HP_VL_H_

extern "C" int hp_vl_printf(const char* format, ...) __attribute__((format(printf, 1, 2)));
#define VL_PRINTF hp_vl_printf

#endif  // HP_VL_H_
