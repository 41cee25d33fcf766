// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// What every bench shares: seeded random numbers that are the same on every simulator.

package tb_pkg;
  // xorshift64*, one stream per bench. Call `seed_from_args` first.
  longint unsigned state = 64'h9E3779B97F4A7C15;

  function automatic int unsigned seed_from_args(input string bench);
    int unsigned seed;
    if ($value$plusargs("seed=%d", seed) == 0) seed = 1;
    state = (64'(seed) + 64'd1) * 64'h9E3779B97F4A7C15;
    $display("%s: seed=%0d", bench, seed);
    return seed;
  endfunction

  function automatic int unsigned rnd();
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return 32'((state * 64'h2545F4914F6CDD1D) >> 32);
  endfunction

  // 0 .. n-1
  function automatic int unsigned below(input int unsigned n);
    return rnd() % n;
  endfunction

  // True in `percent` of 100 calls.
  function automatic bit chance(input int unsigned percent);
    return below(100) < percent;
  endfunction
endpackage
