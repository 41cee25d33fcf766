// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// What hp_vio_regs keeps for VFs, queues and MSI-X vectors, and the numbers of virtio 1.2 it goes by. A row of
// zeros is the state after a reset.

package hp_vio_regs_pkg;
  import hp_vio_pkg::*;

  localparam int unsigned MaxVectors = 16;

  // Feature bits.
  localparam int unsigned FCsum           = 0;
  localparam int unsigned FGuestCsum      = 1;
  localparam int unsigned FMtu            = 3;
  localparam int unsigned FMac            = 5;
  localparam int unsigned FMrgRxbuf       = 15;
  localparam int unsigned FStatus         = 16;
  localparam int unsigned FCtrlVq         = 17;
  localparam int unsigned FCtrlRx         = 18;
  localparam int unsigned FCtrlVlan       = 19;
  localparam int unsigned FGuestAnnounce  = 21;
  localparam int unsigned FMq             = 22;
  localparam int unsigned FCtrlMacAddr    = 23;
  localparam int unsigned FIndirectDesc   = 28;
  localparam int unsigned FEventIdx       = 29;
  localparam int unsigned FVersion1       = 32;
  localparam int unsigned FAccessPlatform = 33;
  localparam int unsigned FSpeedDuplex    = 63;

  // Bits of device_status.
  localparam int unsigned SAcknowledge = 0;
  localparam int unsigned SDriver      = 1;
  localparam int unsigned SDriverOk    = 2;
  localparam int unsigned SFeaturesOk  = 3;
  localparam int unsigned SNeedsReset  = 6;
  localparam int unsigned SFailed      = 7;

  localparam logic [15:0] MinMtu = 16'd68;     // a smaller one is not offered

  typedef struct packed {
    logic       valid;                         // else it reads as 0xFFFF
    logic [3:0] idx;
  } vector_t;

  // Least pause between two messages of a vector for used buffers, in ticks of 64 clocks; 0: none.
  typedef logic [11:0] gap_t;

  // What the PF sets.
  typedef struct packed {
    logic        link;
    qp_t         base;
    qp_t         count;
    logic [4:0]  vectors;                      // at most MaxVectors
    logic [47:0] mac;
    logic [15:0] mtu;
    logic [31:0] speed;
    logic [31:0] rate;                         // hp_tx_rate has it too
    gap_t        gap;
  } vf_pf_t;

  // What the driver sets, and what became of it.
  typedef struct packed {
    logic [31:0] dev_sel;
    logic [31:0] drv_sel;
    logic [15:0] queue_sel;
    logic [63:0] features;
    vector_t     vec;
    logic [7:0]  generation;
    logic [7:0]  status;
    logic        isr_config;
    logic        isr_queue;
    logic        bad;                          // there is a bad queue: the first one
    logic [7:0]  bad_code;
    logic [7:0]  bad_queue;
  } vf_drv_t;

  typedef struct packed {
    vf_pf_t  pf;
    vf_drv_t drv;
  } vf_row_t;

  typedef enum logic [1:0] {
    QueueOff    = 2'd0,
    QueueWanted = 2'd1,                        // enabled by the driver, the rings do not know it yet
    QueueOn     = 2'd2
  } queue_state_e;

  typedef struct packed {
    queue_state_e state;
    vector_t      vec;
    logic [3:0]   shrink;                      // the size is 256 >> shrink
    logic [5:0]   vf;
    logic [63:0]  desc;
    logic [63:0]  avail;
    logic [63:0]  used;
  } vq_row_t;

  typedef struct packed {
    logic        pausing;                      // a message for used buffers was sent: it is in hp_vio_gaps
    logic        held;                         // one more is to follow the pause
    logic        pending;
    logic        unmasked;
    logic [63:0] addr;
    logic [31:0] data;
  } msix_row_t;

  // Rows to be written.
  typedef struct packed {
    logic      vf_we;
    vf_row_t   vf;
    logic      vq_we;
    vq_row_t   vq;
    logic      mx_we;
    msix_row_t mx;
  } writes_t;

  // What happens to a VF besides.
  typedef struct packed {
    logic claim;                               // it gets its pool
    logic leave;                               // it is to be reset and to give up its pool
    logic reset;                               // it is to be reset
    logic up;                                  // DRIVER_OK
    logic down;                                // DEVICE_NEEDS_RESET
    logic enable;                              // it has queues to enable
    logic notify;                              // its driver wants to hear of its configuration
    logic scan;                                // an interrupt of it may be pending that may be delivered
    logic announce;                            // its guest is to announce itself
  } acts_t;

  function automatic logic [15:0] vector_read(input vector_t vec);
    return vec.valid ? 16'(vec.idx) : 16'hFFFF;
  endfunction

  // A vector that the VF does not have becomes none.
  function automatic vector_t vector_of(input logic [15:0] value, input logic [4:0] vectors);
    return '{valid: value < 16'(vectors), idx: value[3:0]};
  endfunction

  function automatic logic [63:0] features_offered(input logic [15:0] mtu, input bit ctrl_vq, input bit mq);
    logic [63:0] f;
    f = '0;
    f[FCsum]           = 1'b1;
    f[FGuestCsum]      = 1'b1;
    f[FMtu]            = mtu >= MinMtu;
    f[FMac]            = 1'b1;
    f[FMrgRxbuf]       = 1'b1;
    f[FStatus]         = 1'b1;
    f[FCtrlVq]         = ctrl_vq;
    f[FCtrlRx]         = ctrl_vq;
    f[FCtrlVlan]       = ctrl_vq;
    f[FGuestAnnounce]  = ctrl_vq;
    f[FMq]             = ctrl_vq && mq;
    f[FCtrlMacAddr]    = ctrl_vq;
    f[FIndirectDesc]   = 1'b1;
    f[FEventIdx]       = 1'b1;
    f[FVersion1]       = 1'b1;
    f[FAccessPlatform] = 1'b1;
    f[FSpeedDuplex]    = 1'b1;
    return f;
  endfunction

  function automatic bit features_good(input logic [63:0] chosen, input logic [63:0] offered);
    bit asks;
    asks = chosen[FCtrlRx] || chosen[FCtrlVlan] || chosen[FGuestAnnounce] || chosen[FMq] || chosen[FCtrlMacAddr];
    return chosen[FVersion1] && (chosen & ~offered) == '0 && (!asks || chosen[FCtrlVq]);
  endfunction

  // Queue pairs in front of the control queue.
  function automatic qp_t pairs_of(input vf_row_t vf);
    return (vf.drv.features[FMq] && vf.drv.status[SFeaturesOk]) ? vf.pf.count : 7'd1;
  endfunction

  // Bytes as the strobes say.
  function automatic logic [31:0] merge(input logic [31:0] old, input logic [31:0] data,
                                        input logic [3:0] strobe);
    logic [31:0] word;
    for (int unsigned i = 0; i < 4; i++) word[8*i+:8] = strobe[i] ? data[8*i+:8] : old[8*i+:8];
    return word;
  endfunction
endpackage
