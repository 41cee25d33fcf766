// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Chains that a driver of the virtqueue benches makes: good ones, and one for each thing that may
// be wrong.

package vq_shape_pkg;
  typedef enum int unsigned {
    GoodChain, BadHead, BadNext, BadLoop, BadFlags, BadEmpty, BadWrap, BadTable, BadNested,
    BadForeign, BadShort
  } shape_e;
endpackage
