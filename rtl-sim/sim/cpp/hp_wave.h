// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Random signals of the buses around the design.

#ifndef HP_WAVE_H_
#define HP_WAVE_H_

#include <cstdint>

constexpr uint32_t kAlways = 65536;

struct Rng {
  uint64_t s = 1;
  void seed(uint64_t v) { s = v * 0x9E3779B97F4A7C15u ^ 0xD1B54A32D192ED03u; if (s == 0) s = 1; }
  uint64_t next() {
    s ^= s >> 12; s ^= s << 25; s ^= s >> 27;
    return s * 0x2545F4914F6CDD1Du;
  }
};

// A random signal: redrawn every 1..hold clocks.
struct Wave {
  uint32_t level = kAlways;
  uint32_t hold = 1;
  uint32_t left = 0;
  bool value = true;
  bool step(Rng& rng) {
    if (level >= kAlways) return true;
    if (left == 0) {
      const uint64_t r = rng.next();
      value = (r & 0xffff) < level;
      left = 1 + uint32_t((r >> 32) % hold);
    }
    --left;
    return value;
  }
};

#endif  // HP_WAVE_H_
