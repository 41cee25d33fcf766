// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Stages 0 to 2: reads the NIC's own tags of a frame, and takes them out.
//
// Stage 0 is the arbiter's register (`pl_*`). Tag findings are at stage 1 (`hdr_o`), the canonical frame's
// beats at stage 2 (`cb_*`). A beat borrows the next beat's first bytes, which is why frames have no gaps.

`include "hp_assert.svh"

module hp_strip
  import hp_pkg::*;
  import hp_abi_pkg::*;
#(
  parameter int unsigned DATA_W = 512
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              pl_valid_i,
  input  logic              pl_sof_i,
  input  logic              pl_eof_i,
  input  logic [DATA_W-1:0] pl_data_i,
  input  frame_meta_t       pl_meta_i,
  input  logic              vswitch_i,    // the frame's source is a vswitch vPort
  input  cfg_row_t          cfg_i,

  output logic              hdr_valid_o,
  output wire_hdr_t         hdr_o,

  output logic              cb_valid_o,
  output logic              cb_sof_o,
  output logic              cb_eof_o,
  output logic [DATA_W-1:0] cb_data_o
);
  localparam int unsigned Bytes = DATA_W / 8;
  localparam int unsigned BeatW = $clog2(Bytes);

  function automatic logic [15:0] be16(input logic [DATA_W-1:0] d, input int unsigned at);
    return {d[8*at +: 8], d[8*(at+1) +: 8]};
  endfunction

  // Stage 0 -> 1: what stands where the NIC's tags should be.
  wire_hdr_t hdr_d;
  logic [15:0] type0, type1, tci0, tci1;
  logic        uplink, vswitch;
  assign type0   = be16(pl_data_i, 12);
  assign tci0    = be16(pl_data_i, 14);
  assign type1   = be16(pl_data_i, 16);
  assign tci1    = be16(pl_data_i, 18);
  assign uplink  = !pl_meta_i.core && (pl_meta_i.src == PortUplink);
  assign vswitch = !pl_meta_i.core && !pl_meta_i.src[PortW-1] && vswitch_i;

  // The mark of learning packets. A delivered frame has lost it with its tags, and tags to the uplink are new.
  logic [5:0] mark;
  logic       mark_on;
  always_comb begin
    mark_on = cfg_i.mark_mask != '0;
    unique case (cfg_i.mark_field)
      2'd0:    mark = 6'(tci0[12]);
      2'd1:    mark = 6'(tci0[15:13]);
      2'd2:    mark = 6'(tci1[15:13]);
      default: begin
        mark    = '0;
        mark_on = 1'b0;
      end
    endcase
  end

  always_comb begin
    hdr_d             = '0;
    hdr_d.meta        = pl_meta_i;
    hdr_d.vswitch     = !pl_meta_i.src[PortW-1] && vswitch_i;
    hdr_d.is_pause    = type0 == 16'h8808;
    hdr_d.is_lldp     = pl_data_i[47:0] == 48'h0E_00_00_C2_80_01;
    hdr_d.outer_ok    = type0 == cfg_i.tpid;
    hdr_d.inner_ok    = type1 == 16'h8100;
    hdr_d.vsw_ok      = type0 == 16'h8100;
    hdr_d.outer_vid   = tci0[11:0];
    hdr_d.tag_vid     = uplink ? tci1[11:0] : tci0[11:0];
    hdr_d.served      = uplink && tci1[12];
    hdr_d.strip8      = uplink && hdr_d.outer_ok && hdr_d.inner_ok && !hdr_d.is_pause;
    hdr_d.strip4      = vswitch && hdr_d.vsw_ok;
    if (pl_meta_i.tomb) begin
      hdr_d.strip8 = 1'b0;
      hdr_d.strip4 = 1'b0;
    end
    hdr_d.marked = hdr_d.strip8 && mark_on && ((mark & cfg_i.mark_mask) == cfg_i.mark_set);
    hdr_d.len = pl_meta_i.len - (hdr_d.strip8 ? 14'd8 : hdr_d.strip4 ? 14'd4 : 14'd0);
  end

  logic              b1_valid_q, b1_sof_q, b1_eof_q;
  logic [DATA_W-1:0] b1_data_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      b1_valid_q  <= 1'b0;
      hdr_valid_o <= 1'b0;
    end else begin
      b1_valid_q  <= pl_valid_i;
      hdr_valid_o <= pl_valid_i && pl_sof_i;
    end
    b1_sof_q  <= pl_sof_i;
    b1_eof_q  <= pl_eof_i;
    b1_data_q <= pl_data_i;
    if (pl_valid_i && pl_sof_i) hdr_o <= hdr_d;  // constant over the frame from stage 1 on
  end

  // Stage 1 -> 2: close the gap. The last beat falls away when only moved bytes were in it.
  logic [63:0]       borrow;
  logic [DATA_W-1:0] shifted;
  logic [BeatW-1:0]  tail;
  logic              drop_last, gone_q;
  assign borrow    = b1_eof_q ? '0 : pl_data_i[63:0];
  assign tail      = hdr_o.meta.len[BeatW-1:0];  // bytes in the last beat, 0 = all
  assign drop_last = (tail != '0) && ((hdr_o.strip8 && tail <= BeatW'(8)) ||
                                      (hdr_o.strip4 && tail <= BeatW'(4)));

  always_comb begin
    shifted = b1_data_q;
    if (hdr_o.strip8) begin
      shifted = {borrow, b1_data_q[DATA_W-1:64]};
    end else if (hdr_o.strip4) begin
      shifted = {borrow[31:0], b1_data_q[DATA_W-1:32]};
    end
    if (b1_sof_q) shifted[95:0] = b1_data_q[95:0];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      cb_valid_o <= 1'b0;
      gone_q     <= 1'b0;
    end else begin
      gone_q     <= b1_valid_q && !b1_eof_q && drop_last && pl_eof_i;
      cb_valid_o <= b1_valid_q && !gone_q;
    end
    cb_sof_o  <= b1_sof_q;
    cb_eof_o  <= b1_eof_q || (drop_last && pl_eof_i);
    cb_data_o <= shifted;
  end

  logic unused_tci;
  assign unused_tci = ^{tci0, tci1, cfg_i};

  `HP_ASSERT_INIT(DataW_A, DATA_W == 256 || DATA_W == 512)
  `HP_ASSERT(NoGap_A, !(b1_valid_q && !b1_eof_q) || (pl_valid_i && !pl_sof_i))
  `HP_ASSERT(SofFirst_A, !(pl_valid_i && !pl_sof_i) || (b1_valid_q && !b1_eof_q))
endmodule
