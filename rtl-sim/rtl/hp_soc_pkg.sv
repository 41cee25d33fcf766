// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// What hp_host_if and hp_softcore tell each other, all in the datapath clock.

package hp_soc_pkg;
  typedef struct packed {
    logic         run;          // 0 holds the core in reset
    logic         load_valid;   // one word for the core's memory, until load_ready
    logic [31:0]  load_addr;    // byte address
    logic [31:0]  load_data;
    logic [127:0] seed;
    logic [31:0]  wdt_cycles;   // stable while run
    logic         mbox_ring;    // pulse: mbox_cmd and mbox_seq are a new command
    logic [15:0]  mbox_seq;
    logic [511:0] mbox_cmd;
    logic         log_rd;       // pulse; log_rdata follows two clocks later
    logic [9:0]   log_addr;     // word
    logic         ev_pop;       // pulse
  } host_to_core_t;

  typedef struct packed {
    logic         load_ready;
    logic         held;         // the core is in reset and may be loaded
    logic         started;      // pulse: the core leaves reset
    logic [3:0]   state;
    logic [7:0]   code;
    logic         state_change; // pulse
    logic         hung;
    logic         asleep;
    logic [31:0]  heartbeat;
    logic [63:0]  map_hash;
    logic [31:0]  build_id;
    logic [31:0]  ready_cycles;
    logic [15:0]  mbox_seq;
    logic         mbox_done;
    logic         mbox_answer;  // pulse
    logic [255:0] mbox_rsp;
    logic [31:0]  log_head;
    logic [31:0]  log_dropped;
    logic [31:0]  log_rdata;
    logic         ev_push;      // pulse
    logic [7:0]   ev_count;
    logic [15:0]  ev_lost;
    logic [63:0]  ev_data;
  } core_to_host_t;

  // What an answer changes in the VLANs that a guest takes: GVLAN_*, 0: nothing.
  typedef logic [2:0] vlan_op_t;

  // Control queues of the VFs. The request that waits stays until it is answered or its VF is reset.
  typedef struct packed {
    logic         valid;
    logic [6:0]   vport;
    logic [9:0]   len;          // bytes that can be read
    logic         cut;          // there were more
    logic [3:0]   tag;
    logic [6:0]   pairs;        // that the VF may use
    logic [63:0]  gone;         // VFs that were reset since `forget`
    logic         rvalid;       // answers rd
    logic [31:0]  rdata;
  } guest_to_core_t;

  typedef struct packed {
    logic         rd;           // pulse
    logic [6:0]   raddr;        // word
    logic         answer;       // pulse
    logic [3:0]   ack;
    vlan_op_t     vlan_op;
    logic [11:0]  vid;
    logic [6:0]   pairs;        // in use from now on; 0: as before
    logic         announced;    // the guest has announced itself
    logic [3:0]   tag;
    logic [63:0]  allow;        // vPorts whose requests may be shown
    logic         forget;       // pulse: takes `forget_vport` out of `gone`
    logic [5:0]   forget_vport;
  } core_to_guest_t;
endpackage
