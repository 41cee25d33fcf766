// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Which VLANs the guest of each VF takes (VIRTIO_NET_F_CTRL_VLAN): a bit per VF and VLAN. A frame whose
// first tag has another one is dropped, if the guest filters (`filter_i`) and has not asked for all.
// VLAN 0 is none (IEEE 802.1Q, 6.7): it always passes.
//
// One lookup per clock; its answer comes 3 clocks later. A change takes 4 clocks, and waits for a clock
// without a lookup. What a guest asked for goes when its VF is reset: 128 clocks, in which none of its
// VLANs pass, then the next VF's turn. `busy_o` until all of that is done; one change may come meanwhile.

`include "hp_assert.svh"

module hp_rx_vlans import hp_pkg::*, hp_soc_pkg::*, hp_abi_pkg::*; #(
  parameter int unsigned N_VF = 8,
  localparam int unsigned VW = (N_VF > 1) ? $clog2(N_VF) : 1
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic [N_VF-1:0] filter_i,
  input  logic [N_VF-1:0] reset_i,         // of the VF; a pulse
  input  vlan_op_t        op_i,            // a change, for one clock
  input  logic [VW-1:0]   op_v_i,
  input  vlan_t           op_vid_i,
  output logic            busy_o,

  input  logic            valid_i,
  input  logic [VW-1:0]   v_i,
  input  logic            tagged_i,
  input  vlan_t           vid_i,
  output logic            drop_o
);
  typedef enum logic [1:0] { StIdle, StClear, StRead, StWrite } state_e;

  state_e          state_q;
  logic [N_VF-1:0] clear_q, all_q;         // still to be cleared; takes every VLAN
  vlan_op_t        op_q;
  logic [VW-1:0]   op_v_q, next_v, clear_v_q;
  vlan_t           op_vid_q;
  logic [6:0]      word_q;
  logic            wait_q, read, we;
  logic [31:0]     rdata, data_q;
  logic [VW+6:0]   waddr;

  // ---- lookups ----

  logic [2:1]      asks_q, none_q;
  logic [2:1][4:0] bit_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) asks_q <= '0;
    else asks_q <= {asks_q[1], valid_i && tagged_i && vid_i != '0 && filter_i[v_i] && !all_q[v_i]};
    none_q <= {none_q[1], clear_q[v_i]};
    bit_q  <= {bit_q[1], vid_i[4:0]};
    drop_o <= asks_q[2] && (none_q[2] || !rdata[bit_q[2]]);
  end

  // ---- changes ----

  assign read   = state_q == StIdle && clear_q == '0 && op_q inside {GVLAN_ADD, GVLAN_REMOVE} && !valid_i;
  assign we     = state_q inside {StClear, StWrite};
  assign waddr  = (state_q == StClear) ? {clear_v_q, word_q} : {op_v_q, op_vid_q[11:5]};
  assign busy_o = state_q != StIdle || clear_q != '0 || op_q != '0;

  always_comb begin
    next_v = '0;
    for (int unsigned i = N_VF; i > 0; i--) if (clear_q[i-1]) next_v = VW'(i - 1);
  end

  hp_ram_1r1w #(.WIDTH(32), .DEPTH(N_VF * 128), .FORWARD(1'b1)) u_bits (
    .clk_i, .we_i(we), .waddr_i($clog2(N_VF*128)'(waddr)), .wdata_i((state_q == StClear) ? '0 : data_q),
    .re_i(valid_i || read),
    .raddr_i($clog2(N_VF*128)'(valid_i ? {v_i, vid_i[11:5]} : {op_v_q, op_vid_q[11:5]})),
    .rdata_o(rdata)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      clear_q <= '1;
      all_q   <= '0;
      op_q    <= '0;
    end else begin
      unique case (state_q)
        StIdle: begin
          if (clear_q != '0) state_q <= StClear;
          else if (read) state_q <= StRead;
          else if (op_q inside {GVLAN_ALL, GVLAN_LISTED}) begin
            all_q[op_v_q] <= op_q == GVLAN_ALL;
            op_q          <= '0;
          end
        end
        StClear: begin
          if (word_q == '1) begin
            state_q            <= StIdle;
            clear_q[clear_v_q] <= 1'b0;
          end
        end
        StRead: if (!wait_q) state_q <= StWrite;
        default: begin
          state_q <= StIdle;
          op_q    <= '0;
        end
      endcase
      if (op_i != '0) op_q <= op_i;
      for (int unsigned i = 0; i < N_VF; i++) begin
        if (reset_i[i]) begin
          clear_q[i] <= 1'b1;
          all_q[i]   <= 1'b0;
          if (((op_i != '0) ? op_v_i : op_v_q) == VW'(i)) op_q <= '0;
        end
      end
    end
    if (state_q == StIdle) clear_v_q <= next_v;
    word_q <= (state_q == StClear) ? word_q + 7'd1 : '0;
    wait_q <= state_q == StIdle;
    if (state_q == StRead && !wait_q) begin
      data_q                <= rdata;
      data_q[op_vid_q[4:0]] <= op_q == GVLAN_ADD;
    end
    if (op_i != '0) begin
      op_v_q   <= op_v_i;
      op_vid_q <= op_vid_i;
    end
  end

  `HP_ASSERT_INIT(Shape_A, N_VF >= 1 && N_VF <= MaxVf)
  `HP_ASSERT(OneChange_A, op_i == '0 || op_q == '0)
endmodule
