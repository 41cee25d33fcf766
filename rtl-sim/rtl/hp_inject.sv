// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Frames of the firmware's own: a buffer of 2 KiB that the core writes, and its way out as one `direct` frame.
// `start_i` sends `len_i` bytes to `port_i`; it is ignored while busy and for a length of zero or beyond the
// buffer. Bytes past the length leave as zeros. A beat every four clocks; the core ingress stores the frame.

`include "hp_assert.svh"

module hp_inject
  import hp_pkg::*;
#(
  parameter int unsigned DATA_W = 512
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              we_i,
  input  logic [3:0]        be_i,
  input  logic [8:0]        waddr_i,    // word
  input  logic [31:0]       wdata_i,

  input  logic              start_i,
  input  logic [11:0]       len_i,
  input  port_t             port_i,
  output logic              busy_o,

  output logic              inj_valid_o,
  input  logic              inj_ready_i,
  output logic [DATA_W-1:0] inj_data_o,
  output logic              inj_sof_o,
  output logic              inj_eof_o,
  output frame_meta_t       inj_meta_o
);
  localparam int unsigned BufBytes = 2048;
  localparam int unsigned Bytes    = DATA_W / 8;
  localparam int unsigned BeatW    = $clog2(Bytes);
  localparam int unsigned Depth    = BufBytes / Bytes;
  localparam int unsigned AddrW    = $clog2(Depth);

  typedef enum logic [1:0] {
    StIdle,
    StRead,
    StWait,
    StSend
  } state_e;

  state_e            state_q;
  logic [AddrW-1:0]  beat_q, beat_last;
  logic [11:0]       len_q;
  logic [10:0]       last_len;
  port_t             port_q;
  logic [DATA_W-1:0] ram_data;

  assign last_len  = 11'(len_q - 12'd1);
  assign beat_last = last_len[BeatW+:AddrW];

  for (genvar i = 0; i < Bytes; i++) begin : gen_byte
    localparam int unsigned Word = i / 4;
    logic hit, keep;

    if (Bytes > 4) begin : gen_hit
      assign hit = waddr_i[BeatW-3:0] == (BeatW - 2)'(Word);
    end else begin : gen_all
      assign hit = 1'b1;
    end

    hp_ram_1r1w #(
      .WIDTH(8),
      .DEPTH(Depth)
    ) u_ram (
      .clk_i,
      .we_i    (we_i && be_i[i%4] && hit && !busy_o),
      .waddr_i (waddr_i[8-:AddrW]),
      .wdata_i (wdata_i[8*(i%4)+:8]),
      .re_i    (state_q == StRead),
      .raddr_i (beat_q),
      .rdata_o (ram_data[8*i+:8])
    );

    assign keep = !inj_eof_o || i == 0 || (last_len[BeatW-1:0] >= BeatW'(i));
    assign inj_data_o[8*i+:8] = keep ? ram_data[8*i+:8] : 8'd0;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      beat_q  <= '0;
      len_q   <= 12'd1;
      port_q  <= '0;
    end else begin
      unique case (state_q)
        StIdle: begin
          if (start_i && len_i != '0 && 32'(len_i) <= BufBytes) begin
            state_q <= StRead;
            beat_q  <= '0;
            len_q   <= len_i;
            port_q  <= port_i;
          end
        end
        StRead: state_q <= StWait;
        StWait: state_q <= StSend;
        StSend: begin
          if (inj_ready_i) begin
            beat_q  <= beat_q + 1'b1;
            state_q <= inj_eof_o ? StIdle : StRead;
          end
        end
      endcase
    end
  end

  assign busy_o      = state_q != StIdle;
  assign inj_valid_o = state_q == StSend;
  assign inj_sof_o   = beat_q == '0;
  assign inj_eof_o   = beat_q == beat_last;

  always_comb begin
    inj_meta_o             = '0;
    inj_meta_o.src         = PortCore;
    inj_meta_o.core        = 1'b1;
    inj_meta_o.direct      = 1'b1;
    inj_meta_o.direct_port = port_q;
    inj_meta_o.count       = 16'd1;
    inj_meta_o.len         = len_t'(len_q);
  end

  `HP_ASSERT_INIT(Width_A, DATA_W >= 64 && DATA_W <= 1024 && 2 ** $clog2(DATA_W) == DATA_W)
endmodule
