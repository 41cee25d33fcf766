// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Copies of group frames. A frame is kept once, in block RAM, and read again for each receiver,
// lowest vPort first, one beat per clock. The queue is bounded: a frame that does not fit whole
// loses all its local copies, one event at the source port (`replication-full`).
//
// Latency: a first copy's first beat is offered six cycles after `eg_*`. The output holds while
// `out_ready_i` is low. `abort_i` with a copy's id says that the reader of that copy has given it
// up: what has not been read of it yet is skipped, its stream still ends with `out_eof_o`.

`include "hp_assert.svh"

module hp_replicator
  import hp_pkg::*;
#(
  parameter int unsigned DATA_W = 512,
  parameter int unsigned N_VF   = 8,
  parameter int unsigned BEATS  = 16384 / (DATA_W / 8),  // a power of two
  parameter int unsigned FRAMES = 32,
  localparam int unsigned Bytes = DATA_W / 8,
  localparam int unsigned CostW = $clog2(3 * (MaxFrame + 8 + Bytes) / Bytes + 1)
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              eg_valid_i,
  input  logic              eg_sof_i,
  input  logic [DATA_W-1:0] eg_data_i,
  input  egress_meta_t      eg_meta_i,

  output logic              out_valid_o,
  input  logic              out_ready_i,
  output logic [DATA_W-1:0] out_data_o,
  output logic              out_sof_o,
  output logic              out_eof_o,
  output port_t             out_port_o,
  output logic              out_tag_o,
  output vlan_t             out_vvlan_o,
  output len_t              out_last_o,    // index of the copy's last byte on the bus
  output logic              out_single_o,  // one beat on the bus
  output logic [CostW-1:0]  out_cost_o,    // three times its beats on the bus
  output seq_t              out_seq_o,
  output logic              out_vvidx_valid_o,
  output logic [5:0]        out_vvidx_o,
  output logic [3:0]        out_copy_o,
  input  logic              abort_i,
  input  logic [3:0]        abort_copy_i,

  output trace_loss_t       loss_o,
  output cnt_loss_t         cnt_loss_o,
  output logic              idle_o
);
  localparam int unsigned BeatW    = $clog2(Bytes);
  localparam int unsigned AddrW    = $clog2(BEATS);
  localparam int unsigned CountW   = AddrW + 1;
  localparam int unsigned FreeW    = CountW + BeatW;  // free beats in bytes
  localparam int unsigned OutDepth = 8;

  typedef struct packed {
    vlan_t      vvlan;
    len_t       len;
    seq_t       seq;
    logic       vvidx_valid;
    logic [5:0] vvidx;
  } info_t;

  typedef struct packed {
    info_t             info;
    logic [AddrW-1:0]  base;
    logic [CountW-1:0] beats;
    logic [N_VF-1:0]   targets;
    logic [N_VF-1:0]   tags;
  } desc_t;

  typedef struct packed {
    info_t      info;
    logic       sof;
    logic       eof;
    port_t      port;
    logic       tag;
    logic [3:0] copy;
  } beat_t;

  typedef struct packed {
    logic [CostW-1:0] cost;
    len_t             last;
    logic             single;
    vlan_t            vvlan;
    seq_t             seq;
    logic             vvidx_valid;
    logic [5:0]       vvidx;
    logic             sof;
    logic             eof;
    port_t            port;
    logic             tag;
    logic [3:0]       copy;
  } out_t;

  // Write side. A frame comes in without gaps, so its reader, which starts later, never overtakes
  // it. When a frame comes, all beats of the ones before have been written, so the free beats need
  // no promises; its length is compared with them in bytes, unrounded.
  logic [CountW-1:0] free_q, freed_q, beats;
  logic [AddrW-1:0]  wr_q;
  logic              here, fits, admit_q, write, desc_full, desc_push, desc_pop, desc_valid;
  desc_t             desc_in, desc_out;

  assign here      = eg_valid_i && eg_meta_i.group && eg_meta_i.targets[N_VF-1:0] != '0;
  assign beats     = CountW'((eg_meta_i.len + len_t'(Bytes - 1)) >> BeatW);
  assign fits      = !desc_full && !({free_q, BeatW'(0)} < FreeW'(eg_meta_i.len));
  assign write     = here && (eg_sof_i ? fits : admit_q);
  assign desc_push = write && eg_sof_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      free_q  <= CountW'(BEATS);
      wr_q    <= '0;
      admit_q <= 1'b0;
    end else begin
      free_q <= free_q + freed_q - CountW'(write);
      if (write) wr_q <= wr_q + 1'b1;
      if (here && eg_sof_i) admit_q <= fits;
    end
  end

  always_ff @(posedge clk_i) begin
    loss_o.valid           <= rst_ni && here && eg_sof_i && !fits;
    loss_o.seq             <= eg_meta_i.seq;
    loss_o.port            <= eg_meta_i.src;
    loss_o.reason          <= hp_abi_pkg::RSN_REPLICATION_FULL;
    cnt_loss_o.valid       <= rst_ni && here && eg_sof_i && !fits;
    cnt_loss_o.port        <= eg_meta_i.src;
    cnt_loss_o.vvidx_valid <= eg_meta_i.vvidx_valid;
    cnt_loss_o.vvidx       <= eg_meta_i.vvidx;
    cnt_loss_o.reason      <= hp_abi_pkg::RSN_REPLICATION_FULL;
  end

  assign desc_in = '{
    info: '{vvlan: eg_meta_i.vvlan, len: eg_meta_i.len, seq: eg_meta_i.seq,
            vvidx_valid: eg_meta_i.vvidx_valid, vvidx: eg_meta_i.vvidx},
    base: wr_q, beats: beats,
    targets: eg_meta_i.targets[N_VF-1:0], tags: eg_meta_i.tag_mask[N_VF-1:0]
  };

  logic [$clog2(FRAMES+1)-1:0] desc_count;

  hp_fifo #(
    .WIDTH($bits(desc_t)),
    .DEPTH(FRAMES)
  ) u_desc (
    .clk_i,
    .rst_ni,
    .push_i (desc_push),
    .data_i (desc_in),
    .full_o (desc_full),
    .pop_i  (desc_pop),
    .valid_o(desc_valid),
    .data_o (desc_out),
    .count_o(desc_count)
  );

  // Read side: the frame being copied, the receivers it still has, and the next beat to read.
  desc_t             cur_q;
  logic              busy_q, first_q, abort_q;
  logic [AddrW-1:0]  rd_q;
  logic [CountW-1:0] left_q;
  logic [3:0]        copy_q;
  logic [N_VF-1:0]   rest;
  port_t             port;
  logic              issue, copy_end, frame_end, abort_hit;
  logic [$clog2(OutDepth+1)-1:0] credit_q;

  always_comb begin
    port = '0;
    for (int i = int'(N_VF) - 1; i >= 0; i--) begin
      if (cur_q.targets[i]) port = port_t'(i);
    end
  end

  assign rest      = cur_q.targets & (cur_q.targets - 1'b1);
  assign issue     = busy_q && credit_q != '0;
  assign copy_end  = issue && (left_q == CountW'(1) || abort_q);
  assign frame_end = copy_end && rest == '0;
  assign desc_pop  = desc_valid && (!busy_q || frame_end);
  assign abort_hit = abort_i && busy_q && !first_q && abort_copy_i == copy_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q  <= 1'b0;
      first_q <= 1'b1;
      abort_q <= 1'b0;
      copy_q  <= '0;
      freed_q <= '0;
    end else begin
      freed_q <= frame_end ? cur_q.beats : '0;
      if (desc_pop) busy_q <= 1'b1;
      else if (frame_end) busy_q <= 1'b0;
      if (copy_end) copy_q <= copy_q + 1'b1;
      if (issue) first_q <= copy_end;
      abort_q <= (abort_q || abort_hit) && !copy_end;
    end
  end

  always_ff @(posedge clk_i) begin
    if (issue) begin
      rd_q   <= rd_q + 1'b1;
      left_q <= left_q - 1'b1;
    end
    if (copy_end) begin
      cur_q.targets <= rest;
      rd_q          <= cur_q.base;
      left_q        <= cur_q.beats;
    end
    if (desc_pop) begin
      cur_q  <= desc_out;
      rd_q   <= desc_out.base;
      left_q <= desc_out.beats;
    end
  end

  // The RAM's two cycles, then a small FIFO with a place for every read under way.
  logic [DATA_W-1:0] ram_data;
  beat_t             issued, pipe1_q;
  out_t              pipe1, pipe2_q, pipe2, out;
  logic              valid1_q, valid2_q, out_full;
  logic [$clog2(OutDepth+1)-1:0] out_count;

  assign issued = '{
    info: cur_q.info, sof: first_q, eof: copy_end, port: port,
    tag: |(cur_q.tags & cur_q.targets & ~rest), copy: copy_q
  };

  hp_ram_1r1w #(
    .WIDTH(DATA_W),
    .DEPTH(BEATS)
  ) u_ram (
    .clk_i,
    .we_i   (write),
    .waddr_i(wr_q),
    .wdata_i(eg_data_i),
    .re_i   (issue),
    .raddr_i(rd_q),
    .rdata_o(ram_data)
  );

  always_comb begin
    pipe1 = '{
      cost: '0, last: bus_last(pipe1_q.info.len, {1'b0, pipe1_q.tag}), single: 1'b0,
      vvlan: pipe1_q.info.vvlan, seq: pipe1_q.info.seq, vvidx_valid: pipe1_q.info.vvidx_valid,
      vvidx: pipe1_q.info.vvidx, sof: pipe1_q.sof, eof: pipe1_q.eof, port: pipe1_q.port,
      tag: pipe1_q.tag, copy: pipe1_q.copy
    };
    pipe1.single = 32'(pipe1.last) < Bytes;
    pipe2        = pipe2_q;
    pipe2.cost   = CostW'(3) + CostW'(pipe2_q.last >> BeatW) + CostW'({pipe2_q.last >> BeatW, 1'b0});
  end

  always_ff @(posedge clk_i) begin
    pipe1_q <= issued;
    pipe2_q <= pipe1;
    if (!rst_ni) begin
      valid1_q <= 1'b0;
      valid2_q <= 1'b0;
      credit_q <= ($clog2(OutDepth + 1))'(OutDepth);
    end else begin
      valid1_q <= issue;
      valid2_q <= valid1_q;
      credit_q <= credit_q - ($clog2(OutDepth + 1))'(issue)
                  + ($clog2(OutDepth + 1))'(out_valid_o && out_ready_i);
    end
  end

  hp_fifo #(
    .WIDTH($bits(out_t) + DATA_W),
    .DEPTH(OutDepth)
  ) u_out (
    .clk_i,
    .rst_ni,
    .push_i (valid2_q),
    .data_i ({pipe2, ram_data}),
    .full_o (out_full),
    .pop_i  (out_valid_o && out_ready_i),
    .valid_o(out_valid_o),
    .data_o ({out, out_data_o}),
    .count_o(out_count)
  );

  assign out_sof_o         = out.sof;
  assign out_eof_o         = out.eof;
  assign out_port_o        = out.port;
  assign out_tag_o         = out.tag;
  assign out_vvlan_o       = out.vvlan;
  assign out_last_o        = out.last;
  assign out_single_o      = out.single;
  assign out_cost_o        = out.cost;
  assign out_seq_o         = out.seq;
  assign out_vvidx_valid_o = out.vvidx_valid;
  assign out_vvidx_o       = out.vvidx;
  assign out_copy_o        = out.copy;

  assign idle_o = 32'(free_q) == BEATS && !busy_q && 32'(credit_q) == OutDepth && !here && !loss_o.valid;

  logic unused;
  assign unused = ^{desc_count, out_count, eg_meta_i};

  `HP_ASSERT_INIT(Room_A, BEATS * Bytes >= MaxFrame + 8 && BEATS == 2 ** AddrW)
  `HP_ASSERT_INIT(Ports_A, N_VF >= 1 && N_VF <= MaxVf)
  `HP_ASSERT(OutNeverFull_A, !(valid2_q && out_full))
  `HP_ASSERT(LocalTargetsOnly_A, !here || 64'(eg_meta_i.targets[N_VF-1:0]) == eg_meta_i.targets)
endmodule
