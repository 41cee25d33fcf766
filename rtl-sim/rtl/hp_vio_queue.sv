// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// An access to the part of a VF's common configuration that is about the selected queue (virtio 1.2, 4.1.4.3, words
// 6 to 14). Combinational: the state of VF and queue goes in, what is read and the queue's new state come out.
//
// Size and addresses can be set after FEATURES_OK and before the queue is enabled, the vector also later. A queue
// whose rings are not aligned, or do not end in the address space, is not enabled: `bad_o`. Only a reset of the
// device disables it.

module hp_vio_queue
  import hp_vio_regs_pkg::*;
(
  input  vf_row_t     vf_i,
  input  vq_row_t     vq_i,
  input  logic [5:0]  index_i,       // the VF's number
  input  logic        we_i,
  input  logic [3:0]  word_i,
  input  logic [31:0] wdata_i,
  input  logic [3:0]  wstrb_i,

  output logic [31:0] rdata_o,
  output vq_row_t     vq_o,
  output logic        enable_o,
  output logic        bad_o
);
  logic        negotiated, setup, good;
  logic [15:0] size;
  logic [3:0]  shrink;
  logic        size_good;

  assign negotiated = vf_i.drv.status[SFeaturesOk] && !vf_i.drv.status[SNeedsReset];
  assign setup      = negotiated && vq_i.state == QueueOff;
  assign size       = 16'd256 >> vq_i.shrink;

  // The sizes of the rings are 16 per entry, 2 per entry and 6, 8 per entry and 6; the last byte may not wrap.
  logic [64:0] desc_last, avail_last, used_last;

  assign desc_last  = 65'(vq_i.desc) + 65'({size, 4'b0}) - 65'd1;
  assign avail_last = 65'(vq_i.avail) + 65'({size, 1'b0}) + 65'd5;
  assign used_last  = 65'(vq_i.used) + 65'({size, 3'b0}) + 65'd5;
  assign good = vq_i.desc[3:0] == '0 && vq_i.avail[0] == '0 && vq_i.used[1:0] == '0 &&
                !desc_last[64] && !avail_last[64] && !used_last[64];

  logic unused;
  assign unused = ^{desc_last[63:0], avail_last[63:0], used_last[63:0]};

  always_comb begin
    size_good = 1'b0;
    shrink    = '0;
    for (int unsigned i = 0; i <= hp_vio_pkg::MaxQueueLog2; i++) begin
      if (wdata_i[15:0] == 16'd256 >> i) begin
        size_good = 1'b1;
        shrink    = 4'(i);
      end
    end
  end

  always_comb begin
    unique case (word_i)
      4'd6:    rdata_o = {vector_read(vq_i.vec), size};
      4'd7:    rdata_o = {vf_i.drv.queue_sel, 15'd0, vq_i.state != QueueOff};
      4'd8:    rdata_o = vq_i.desc[31:0];
      4'd9:    rdata_o = vq_i.desc[63:32];
      4'd10:   rdata_o = vq_i.avail[31:0];
      4'd11:   rdata_o = vq_i.avail[63:32];
      4'd12:   rdata_o = vq_i.used[31:0];
      4'd13:   rdata_o = vq_i.used[63:32];
      default: rdata_o = '0;         // queue_notif_config_data, queue_reset
    endcase
  end

  always_comb begin
    vq_o     = vq_i;
    enable_o = 1'b0;
    bad_o    = 1'b0;
    if (we_i && word_i == 4'd6) begin
      if (wstrb_i[1:0] == '1 && setup && size_good) vq_o.shrink = shrink;
      if (wstrb_i[3:2] == '1 && negotiated) vq_o.vec = vector_of(wdata_i[31:16], vf_i.pf.vectors);
    end
    if (we_i && word_i == 4'd7 && wstrb_i[1:0] == '1 && wdata_i[15:0] == 16'd1 && setup) begin
      enable_o = good;
      bad_o    = !good;
      if (good) begin
        vq_o.state = QueueWanted;
        vq_o.vf    = index_i;
      end
    end
    if (we_i && wstrb_i == '1 && setup) begin
      unique case (word_i)
        4'd8:    vq_o.desc[31:0]   = wdata_i;
        4'd9:    vq_o.desc[63:32]  = wdata_i;
        4'd10:   vq_o.avail[31:0]  = wdata_i;
        4'd11:   vq_o.avail[63:32] = wdata_i;
        4'd12:   vq_o.used[31:0]   = wdata_i;
        4'd13:   vq_o.used[63:32]  = wdata_i;
        default: ;
      endcase
    end
  end
endmodule
