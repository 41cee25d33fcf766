// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// An access of the PF to a VF's 64 bytes of its window. Combinational: the VF's state goes in, what is read and
// what the PF has set now come out.
//
// Pool and number of vectors stand still while the VF owns its pool, that is from enable to the end of the reset that
// disabling it is. Enable reads as 1 all that time.

module hp_vio_window
  import hp_vio_regs_pkg::*;
(
  input  vf_row_t     vf_i,
  input  logic        owner_i,       // the VF owns its pool
  input  logic [31:0] nobuf_i,
  input  logic [31:0] refused_i,
  input  logic [31:0] filtered_i,
  input  logic        we_i,
  input  logic [3:0]  word_i,
  input  logic [31:0] wdata_i,

  output logic [31:0] rdata_o,
  output vf_pf_t      pf_o,
  output logic        changed_o      // something that the driver can see
);
  logic [7:0] vectors;

  assign vectors = wdata_i[31:24];

  always_comb begin
    unique case (word_i)
      4'd0: begin
        rdata_o = {3'd0, vf_i.pf.vectors, 1'b0, vf_i.pf.count, 1'b0, vf_i.pf.base, 6'd0, vf_i.pf.link, owner_i};
      end
      4'd1: rdata_o = vf_i.pf.mac[31:0];
      4'd2: rdata_o = {vf_i.pf.mtu, vf_i.pf.mac[47:32]};
      4'd3: rdata_o = vf_i.pf.speed;
      4'd4: begin
        rdata_o = {7'd0, vf_i.drv.bad, vf_i.drv.bad_queue, vf_i.drv.bad_code, vf_i.drv.status};
      end
      4'd5:    rdata_o = vf_i.drv.status[SFeaturesOk] ? vf_i.drv.features[31:0] : '0;
      4'd6:    rdata_o = vf_i.drv.status[SFeaturesOk] ? vf_i.drv.features[63:32] : '0;
      4'd7:    rdata_o = nobuf_i;
      4'd8:    rdata_o = refused_i;
      4'd9:    rdata_o = vf_i.pf.rate;
      4'd10:   rdata_o = 32'(vf_i.pf.gap);
      4'd11:   rdata_o = filtered_i;
      default: rdata_o = '0;
    endcase
  end

  always_comb begin
    pf_o = vf_i.pf;
    if (we_i) begin
      unique case (word_i)
        4'd0: begin
          pf_o.link = wdata_i[1];
          if (!owner_i) begin
            pf_o.base    = wdata_i[14:8];
            pf_o.count   = wdata_i[22:16];
            pf_o.vectors = (vectors > 8'(MaxVectors)) ? 5'(MaxVectors) : vectors[4:0];
          end
        end
        4'd1:    pf_o.mac[31:0] = wdata_i;
        4'd2:    {pf_o.mtu, pf_o.mac[47:32]} = wdata_i;
        4'd3:    pf_o.speed = wdata_i;
        4'd9:    pf_o.rate = wdata_i;
        4'd10:   pf_o.gap = wdata_i[$bits(gap_t)-1:0];
        default: ;
      endcase
    end
  end

  assign changed_o = {pf_o.link, pf_o.mac, pf_o.mtu, pf_o.speed} !=
                     {vf_i.pf.link, vf_i.pf.mac, vf_i.pf.mtu, vf_i.pf.speed};
endmodule
