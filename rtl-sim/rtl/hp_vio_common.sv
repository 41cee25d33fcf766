// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// An access to the part of a VF's common configuration that is about the device (virtio 1.2, 4.1.4.3, words 0 to
// 5). Combinational: the VF's state goes in, what is read and the new state come out.
//
// A write must cover a field whole, else the field stays. Bits of device_status can only be added; FEATURES_OK and
// DRIVER_OK only when they are due. Writing 0 asks for a reset, unless nothing was set up yet: then it is done.

module hp_vio_common
  import hp_vio_regs_pkg::*;
#(
  parameter bit CTRL_VQ = 1'b0,
  parameter bit MQ      = 1'b0
) (
  input  vf_row_t     vf_i,
  input  logic        we_i,
  input  logic [2:0]  word_i,
  input  logic [31:0] wdata_i,
  input  logic [3:0]  wstrb_i,

  output logic [31:0] rdata_o,
  output vf_drv_t     drv_o,
  output logic        reset_o
);
  logic [63:0] offered;
  logic [15:0] num_queues;
  logic [7:0]  status, wanted;

  assign offered    = features_offered(vf_i.pf.mtu, CTRL_VQ, MQ);
  assign num_queues = {8'd0, (CTRL_VQ && MQ) ? vf_i.pf.count : 7'd1, 1'b0} + 16'(CTRL_VQ);
  assign wanted     = wdata_i[7:0];

  // The next device_status, for a write that is not 0.
  always_comb begin
    status = vf_i.drv.status;
    if (wanted[SAcknowledge]) status[SAcknowledge] = 1'b1;
    if (wanted[SDriver]) status[SDriver] = 1'b1;
    if (wanted[SFailed]) status[SFailed] = 1'b1;
    if (!status[SNeedsReset] && status[SDriver]) begin
      if (wanted[SDriverOk] && vf_i.drv.status[SFeaturesOk]) status[SDriverOk] = 1'b1;
      if (wanted[SFeaturesOk] && features_good(vf_i.drv.features, offered)) begin
        status[SFeaturesOk] = 1'b1;
      end
    end
  end

  always_comb begin
    unique case (word_i)
      3'd0: rdata_o = vf_i.drv.dev_sel;
      3'd1: begin
        rdata_o = (vf_i.drv.dev_sel == 32'd0) ? offered[31:0] :
                  (vf_i.drv.dev_sel == 32'd1) ? offered[63:32] : '0;
      end
      3'd2: rdata_o = vf_i.drv.drv_sel;
      3'd3: begin
        rdata_o = (vf_i.drv.drv_sel == 32'd0) ? vf_i.drv.features[31:0] :
                  (vf_i.drv.drv_sel == 32'd1) ? vf_i.drv.features[63:32] : '0;
      end
      3'd4:    rdata_o = {num_queues, vector_read(vf_i.drv.vec)};
      3'd5:    rdata_o = {vf_i.drv.queue_sel, vf_i.drv.generation, vf_i.drv.status};
      default: rdata_o = '0;
    endcase
  end

  always_comb begin
    drv_o   = vf_i.drv;
    reset_o = 1'b0;
    if (we_i) begin
      unique case (word_i)
        3'd0: if (wstrb_i == '1) drv_o.dev_sel = wdata_i;
        3'd2: if (wstrb_i == '1) drv_o.drv_sel = wdata_i;
        3'd3: begin
          if (wstrb_i == '1 && !vf_i.drv.status[SFeaturesOk]) begin
            if (vf_i.drv.drv_sel == 32'd0) drv_o.features[31:0] = wdata_i;
            if (vf_i.drv.drv_sel == 32'd1) drv_o.features[63:32] = wdata_i;
          end
        end
        3'd4: if (wstrb_i[1:0] == '1) drv_o.vec = vector_of(wdata_i[15:0], vf_i.pf.vectors);
        3'd5: begin
          if (wstrb_i[3:2] == '1) drv_o.queue_sel = wdata_i[31:16];
          if (wstrb_i[0] && wanted != '0) drv_o.status = status;
          if (wstrb_i[0] && wanted == '0) begin
            reset_o = vf_i.drv.status != '0;
            if (!reset_o) drv_o = '0;
          end
        end
        default: ;
      endcase
    end
  end
endmodule
