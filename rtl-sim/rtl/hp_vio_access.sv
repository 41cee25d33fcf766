// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// An access to the registers of a VF, or of the PF to its window: waits until hp_vio_regs has a turn for it, then says
// which rows it needs, what becomes of them and what else happens. Where the regions are: virtio.md.
//
// `valid_o` from the request on; `start_i` begins it when the VF is `here_o`, and ends it with zero when not. In each
// `exec_i` the rows that it last asked for are there: `more_o` asks for those of `q_o` and `e_o`, `wait_o` for
// another clock with the same, else it is over. `ack` comes one clock later.

module hp_vio_access
  import hp_vio_pkg::*, hp_vio_regs_pkg::*;
#(
  parameter int unsigned N_VF    = 8,
  parameter bit          CTRL_VQ = 1'b0,
  parameter bit          MQ      = 1'b0,
  localparam int unsigned IdxW = (N_VF > 1) ? $clog2(N_VF) : 1
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic            vf_req_i,
  input  logic            vf_we_i,
  input  fn_t             vf_fn_i,
  input  logic [15:0]     vf_addr_i,
  input  logic [31:0]     vf_wdata_i,
  input  logic [31:0]     vf_wmask_i,
  output logic            vf_ack_o,
  output logic [31:0]     vf_rdata_o,
  input  logic            pf_req_i,
  input  logic            pf_we_i,
  input  logic [11:0]     pf_addr_i,
  input  logic [31:0]     pf_wdata_i,
  output logic            pf_ack_o,
  output logic [31:0]     pf_rdata_o,

  input  logic [N_VF-1:0] owner_i,
  input  logic [N_VF-1:0] visible_i,
  input  logic [N_VF-1:0] resetting_i,
  input  logic [N_VF-1:0] live_i,
  input  logic            pool_free_i,     // the VF's pool is nobody's
  input  logic            msg_free_i,
  input  logic [N_VF-1:0] announce_i,      // its guest is to announce itself
  input  logic [31:0]     nobuf_i,
  input  logic [31:0]     refused_i,
  input  logic [31:0]     filtered_i,

  output logic            valid_o,
  output logic            here_o,
  output logic [IdxW-1:0] v_o,
  input  logic            start_i,
  input  logic            exec_i,
  input  vf_row_t         vf_i,
  input  vq_row_t         vq_i,
  input  msix_row_t       mx_i,
  output logic            more_o,
  output logic            wait_o,
  output qid_t            q_o,
  output logic [3:0]      e_o,
  output writes_t         writes_o,
  output acts_t           acts_o,
  output logic            rate_set_o,      // the PF has set the VF's limit
  output logic [31:0]     rate_o,
  output logic            bell_o,
  output logic            bad_o            // a queue that cannot be enabled
);
  typedef struct packed {
    logic        pf;
    logic        we;
    logic [7:0]  v;
    logic [15:0] addr;
    logic [31:0] wdata;
    logic [3:0]  wstrb;
  } access_t;
  typedef enum logic [2:0] {Vf, Queue, Entry, Pending, Claim} stage_e;

  access_t     acc_q;
  stage_e      stage_q, stage_d;
  logic        ack, write;
  logic [31:0] ack_data, rdata_q;
  logic [3:0]  e_q;
  logic [14:0] pending_q;                  // bits read so far

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_o  <= 1'b0;
      vf_ack_o <= 1'b0;
      pf_ack_o <= 1'b0;
    end else begin
      if (vf_req_i || pf_req_i) valid_o <= 1'b1;
      else if (ack) valid_o <= 1'b0;
      vf_ack_o <= ack && !acc_q.pf;
      pf_ack_o <= ack && acc_q.pf;
    end
    if (vf_req_i) begin
      acc_q <= '{
        pf: 1'b0, we: vf_we_i, v: vf_fn_i - 8'd1, addr: vf_addr_i, wdata: vf_wdata_i,
        wstrb: {vf_wmask_i[31], vf_wmask_i[23], vf_wmask_i[15], vf_wmask_i[7]}
      };
    end else if (pf_req_i) begin
      acc_q <= '{
        pf: 1'b1, we: pf_we_i, v: {2'd0, pf_addr_i[11:6]}, addr: {4'd0, pf_addr_i}, wdata: pf_wdata_i, wstrb: '1
      };
    end
    if (ack) rdata_q <= start_i ? '0 : ack_data;
    if (start_i) stage_q <= Vf;
    else if (exec_i) stage_q <= stage_d;
    if (exec_i && !wait_o) begin
      e_q       <= e_o;
      pending_q <= {mx_i.pending, pending_q[14:1]};
    end
  end

  assign vf_rdata_o = rdata_q;
  assign pf_rdata_o = rdata_q;
  assign rate_set_o = exec_i && acc_q.pf && acc_q.we && stage_q == Vf && acc_q.addr[5:2] == 4'd9;
  assign rate_o     = acc_q.wdata;
  assign v_o        = acc_q.v[IdxW-1:0];
  assign here_o     = 32'(acc_q.v) < N_VF && (acc_q.pf || visible_i[v_o]);
  assign write      = acc_q.we && !resetting_i[v_o];     // a VF that is being reset takes nothing

  // The VF's queue that is meant: by queue_select, or by the place of a notification.
  logic        queue_word, notification, queue_exists;
  logic [15:0] queue_idx;
  qp_t         pairs;

  assign queue_word   = acc_q.addr[15:6] == '0 && acc_q.addr[5:2] > 4'd5;
  assign notification = acc_q.addr[15:12] == 4'd1 && write && acc_q.wstrb[0];
  assign queue_idx    = queue_word ? vf_i.drv.queue_sel : {6'd0, acc_q.addr[11:2]};
  assign pairs        = pairs_of(vf_i);
  assign queue_exists = queue_idx < {8'd0, pairs, CTRL_VQ};
  assign q_o          = (acc_q.pf || !queue_exists) ? '0 :
                        (queue_idx == {8'd0, pairs, 1'b0}) ? qid_t'(CtrlBase) + qid_t'(v_o)
                                                          : {vf_i.pf.base, 1'b0} + queue_idx[7:0];

  // Regions.
  logic [31:0] common_rdata, queue_rdata, window_rdata, config_rdata, entry_rdata;
  vf_drv_t     common_drv;
  vf_pf_t      window_pf;
  vq_row_t     queue_vq;
  msix_row_t   entry_mx;
  logic        common_reset, queue_enable, queue_bad, window_changed;

  hp_vio_common #(.CTRL_VQ(CTRL_VQ), .MQ(MQ)) u_common (
    .vf_i,
    .we_i   (write),
    .word_i (acc_q.addr[4:2]),
    .wdata_i(acc_q.wdata),
    .wstrb_i(acc_q.wstrb),
    .rdata_o(common_rdata),
    .drv_o  (common_drv),
    .reset_o(common_reset)
  );

  hp_vio_queue u_queue (
    .vf_i,
    .vq_i,
    .index_i (6'(v_o)),
    .we_i    (write),
    .word_i  (acc_q.addr[5:2]),
    .wdata_i (acc_q.wdata),
    .wstrb_i (acc_q.wstrb),
    .rdata_o (queue_rdata),
    .vq_o    (queue_vq),
    .enable_o(queue_enable),
    .bad_o   (queue_bad)
  );

  hp_vio_window u_window (
    .vf_i,
    .owner_i  (owner_i[v_o]),
    .nobuf_i,
    .refused_i,
    .filtered_i,
    .we_i     (acc_q.we),
    .word_i   (acc_q.addr[5:2]),
    .wdata_i  (acc_q.wdata),
    .rdata_o  (window_rdata),
    .pf_o     (window_pf),
    .changed_o(window_changed)
  );

  // virtio_net_config. The link is always full duplex.
  always_comb begin
    unique case (acc_q.addr[4:2])
      3'd0: config_rdata = {vf_i.pf.mac[23:16], vf_i.pf.mac[31:24], vf_i.pf.mac[39:32], vf_i.pf.mac[47:40]};
      3'd1: config_rdata = {14'd0, announce_i[v_o], vf_i.pf.link, vf_i.pf.mac[7:0], vf_i.pf.mac[15:8]};
      3'd2: config_rdata = {vf_i.pf.mtu, (CTRL_VQ && MQ) ? 16'(vf_i.pf.count) : 16'd1};
      3'd3: config_rdata = vf_i.pf.speed;
      3'd4: config_rdata = 32'd1;
      default: config_rdata = '0;
    endcase
  end

  // An entry of the MSI-X table.
  always_comb begin
    entry_mx = mx_i;
    unique case (acc_q.addr[3:2])
      2'd0: begin
        entry_rdata         = mx_i.addr[31:0];
        entry_mx.addr[31:0] = merge(mx_i.addr[31:0], acc_q.wdata, acc_q.wstrb) & 32'hFFFF_FFFC;
      end
      2'd1: begin
        entry_rdata          = mx_i.addr[63:32];
        entry_mx.addr[63:32] = merge(mx_i.addr[63:32], acc_q.wdata, acc_q.wstrb);
      end
      2'd2: begin
        entry_rdata   = mx_i.data;
        entry_mx.data = merge(mx_i.data, acc_q.wdata, acc_q.wstrb);
      end
      default: begin
        entry_rdata = {31'd0, !mx_i.unmasked};
        if (acc_q.wstrb[0]) entry_mx.unmasked = !acc_q.wdata[0];
      end
    endcase
  end

  always_comb begin
    stage_d  = stage_q;
    more_o   = 1'b0;
    wait_o   = 1'b0;
    e_o      = e_q;
    ack_data = '0;
    writes_o = '{vf_we: 1'b0, vf: vf_i, vq_we: 1'b0, vq: queue_vq, mx_we: 1'b0, mx: entry_mx};
    acts_o   = '0;
    bell_o   = 1'b0;
    bad_o    = 1'b0;

    unique case (stage_q)
      Vf: begin
        if (acc_q.pf) begin
          ack_data        = window_rdata;
          if (acc_q.addr[5:2] == 4'd0) ack_data[2] = announce_i[v_o];
          writes_o.vf_we  = acc_q.we;
          writes_o.vf.pf  = window_pf;
          acts_o.announce = acc_q.we && acc_q.addr[5:2] == 4'd0 && acc_q.wdata[0] && acc_q.wdata[2] && write &&
                            vf_i.drv.features[FGuestAnnounce] && vf_i.drv.status[SDriverOk];
          if (owner_i[v_o] && (window_changed || acts_o.announce)) begin
            writes_o.vf.drv.generation = vf_i.drv.generation + 8'd1;
            acts_o.notify              = 1'b1;
          end
          if (acc_q.we && acc_q.addr[5:2] == 4'd0) begin
            acts_o.leave = !acc_q.wdata[0] && owner_i[v_o];
            more_o       = acc_q.wdata[0] && !owner_i[v_o];
            stage_d      = Claim;
          end
        end else if (queue_word || notification) begin
          more_o  = queue_exists;
          stage_d = Queue;
        end else if (acc_q.addr[15:5] == '0) begin
          ack_data        = common_rdata;
          writes_o.vf_we  = write;
          writes_o.vf.drv = common_drv;
          acts_o.reset    = common_reset;
          acts_o.up       = common_drv.status[SDriverOk] && !vf_i.drv.status[SDriverOk];
        end else if (acc_q.addr[15:2] == 14'(16'h0100 >> 2)) begin
          ack_data                   = {30'd0, vf_i.drv.isr_config, vf_i.drv.isr_queue};
          writes_o.vf_we             = !acc_q.we;
          writes_o.vf.drv.isr_config = 1'b0;
          writes_o.vf.drv.isr_queue  = 1'b0;
        end else if (acc_q.addr[15:5] == 11'(16'h0200 >> 5)) begin
          ack_data = config_rdata;
        end else if (acc_q.addr[15:8] == 8'h20 && {1'b0, acc_q.addr[7:4]} < vf_i.pf.vectors) begin
          more_o  = 1'b1;
          stage_d = Entry;
          e_o     = acc_q.addr[7:4];
        end else if (acc_q.addr[15:2] == 14'(16'h3000 >> 2)) begin
          more_o  = 1'b1;
          stage_d = Pending;
          e_o     = '0;
        end
      end

      Queue: begin
        if (notification) begin
          bell_o = vq_i.state == QueueOn && live_i[v_o];
        end else begin
          ack_data       = queue_rdata;
          writes_o.vq_we = write;
          acts_o.enable  = queue_enable;
          bad_o          = queue_bad;
        end
      end

      // After what was written here, or read, no message may come that was decided on before.
      Entry: begin
        wait_o         = !msg_free_i;
        ack_data       = entry_rdata;
        writes_o.mx_we = acc_q.we && !wait_o;
        acts_o.scan    = acc_q.we && entry_mx.unmasked;
      end

      Pending: begin
        wait_o   = !msg_free_i;
        more_o   = e_q != '1;
        e_o      = e_q + 4'd1;
        ack_data = {16'd0, mx_i.pending, pending_q};
      end

      default: acts_o.claim = pool_free_i;               // Claim
    endcase
  end

  assign ack = (start_i && !here_o) || (exec_i && !more_o && !wait_o);

  logic unused;
  assign unused = ^vf_wmask_i;
endmodule
