// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Types of the virtio host side. Codes that software sees come from hp_abi_pkg (generated).

package hp_vio_pkg;
  localparam int unsigned VirtioHdr = 12;     // bytes of virtio_net_hdr, num_buffers included
  localparam int unsigned MaxChain = 32;      // descriptors
  localparam int unsigned MaxQueueLog2 = 8;
  localparam int unsigned CtrlBase = 128;     // qid of VF 0's control queue

  typedef logic [7:0] fn_t;    // 0: PF, 1 + v: VF v
  typedef logic [7:0] qid_t;   // 2 * queue pair + {0 receive, 1 transmit}; CtrlBase + v: control
  typedef logic [6:0] qp_t;

  // A command to the rings.
  typedef struct packed {
    logic        enable;       // 0: disable; then only `q` counts
    qid_t        q;
    fn_t         fn;
    logic [63:0] desc;
    logic [63:0] avail;
    logic [63:0] used;
    logic [3:0]  size_log2;
    logic        event_idx;
    logic        indirect;
    logic        mrg;          // MRG_RXBUF
    logic        csum;         // CSUM of a transmit queue, GUEST_CSUM of a receive queue
  } vq_cmd_t;

  // Queue pairs of a VF that are in use.
  typedef struct packed {
    qp_t base;
    qp_t count;
  } vf_pairs_t;

  // An MSI-X message.
  typedef struct packed {
    fn_t         fn;
    logic [63:0] addr;
    logic [31:0] data;
  } msg_t;

  // Which bytes of a received frame its TCP or UDP checksum is about.
  typedef struct packed {
    logic             check;   // there is one to be verified
    logic [5:0]       first;
    hp_pkg::len_t     past;    // the byte behind the last one
    logic [15:0]      want;    // what the checksum of these bytes has to be
  } l4_sum_t;

  // Sidebands of a request on the bus to host memory.
  typedef struct packed {
    logic [12:0] len;          // bytes, 1 to 4096
    fn_t         fn;
  } dma_user_t;
endpackage
