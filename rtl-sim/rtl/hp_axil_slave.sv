// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// AXI4-Lite in front of a register block. One access at a time; writes and reads in turn when both wait.
//
// Only BAR 0 of functions 0 (the PF) to N_VF exists: any other access is answered SLVERR, reads with all ones,
// and never reaches the registers. So is one the registers refuse. A master that holds back the data of a write, or
// leaves an answer untaken, stops only its own channel. The block must answer every request.

module hp_axil_slave #(
  parameter int unsigned N_VF = 0
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic [7:0]  s_csr_fn_i,
  input  logic [2:0]  s_csr_bar_i,
  input  logic        s_csr_awvalid_i,
  output logic        s_csr_awready_o,
  input  logic [15:0] s_csr_awaddr_i,
  input  logic        s_csr_wvalid_i,
  output logic        s_csr_wready_o,
  input  logic [31:0] s_csr_wdata_i,
  input  logic [3:0]  s_csr_wstrb_i,
  output logic        s_csr_bvalid_o,
  input  logic        s_csr_bready_i,
  output logic [1:0]  s_csr_bresp_o,
  input  logic        s_csr_arvalid_i,
  output logic        s_csr_arready_o,
  input  logic [15:0] s_csr_araddr_i,
  output logic        s_csr_rvalid_o,
  input  logic        s_csr_rready_i,
  output logic [31:0] s_csr_rdata_o,
  output logic [1:0]  s_csr_rresp_o,

  // Register block: req for one clock, the answer in the same clock or later.
  output logic        req_o,
  output logic        we_o,
  output logic [7:0]  fn_o,
  output logic [15:0] addr_o,
  output logic [31:0] wdata_o,
  output logic [31:0] wmask_o,
  input  logic        ack_i,
  input  logic        err_i,
  input  logic [31:0] rdata_i
);
  localparam logic [1:0] RespOkay   = 2'b00;
  localparam logic [1:0] RespSlverr = 2'b10;

  // Captured channels.
  logic        aw_q, w_q, ar_q, aw_ours_q, ar_ours_q;
  logic [15:0] awaddr_q, araddr_q;
  logic [7:0]  awfn_q, arfn_q;
  logic [31:0] wdata_q;
  logic [3:0]  wstrb_q;
  // Answers.
  logic        b_q, r_q;
  logic [1:0]  bresp_q, rresp_q;
  logic [31:0] rdata_q;
  // Access under way.
  logic        busy_q, write_q, read_next_q, ours, mine;
  logic        can_write, can_read, start, start_write, write, finish, error;

  assign ours        = 32'(s_csr_fn_i) <= N_VF && s_csr_bar_i == 3'd0;
  assign can_write   = aw_q && w_q && !b_q;
  assign can_read    = ar_q && !r_q;
  assign start       = !busy_q && (can_write || can_read);
  assign start_write = can_write && !(can_read && read_next_q);
  assign write       = busy_q ? write_q : start_write;

  // Accesses that are not ours end at once, without a request.
  assign mine    = write ? aw_ours_q : ar_ours_q;
  assign req_o   = start && mine;
  assign we_o    = write;
  assign fn_o    = write ? awfn_q : arfn_q;
  assign addr_o  = write ? awaddr_q : araddr_q;
  assign wdata_o = wdata_q;
  for (genvar i = 0; i < 4; i++) begin : gen_mask
    assign wmask_o[8*i+:8] = {8{wstrb_q[i]}};
  end

  assign finish = (start && !mine) || ((start || busy_q) && ack_i);
  assign error  = !mine || err_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      aw_q        <= 1'b0;
      w_q         <= 1'b0;
      ar_q        <= 1'b0;
      b_q         <= 1'b0;
      r_q         <= 1'b0;
      busy_q      <= 1'b0;
      write_q     <= 1'b0;
      read_next_q <= 1'b0;
    end else begin
      if (s_csr_awvalid_i && s_csr_awready_o) aw_q <= 1'b1;
      if (s_csr_wvalid_i && s_csr_wready_o) w_q <= 1'b1;
      if (s_csr_arvalid_i && s_csr_arready_o) ar_q <= 1'b1;
      if (b_q && s_csr_bready_i) b_q <= 1'b0;
      if (r_q && s_csr_rready_i) r_q <= 1'b0;
      if (start) write_q <= start_write;
      if (finish) begin
        busy_q      <= 1'b0;
        read_next_q <= write;
        if (write) begin
          aw_q <= 1'b0;
          w_q  <= 1'b0;
          b_q  <= 1'b1;
        end else begin
          ar_q <= 1'b0;
          r_q  <= 1'b1;
        end
      end else if (start) begin
        busy_q <= 1'b1;
      end
    end

    if (s_csr_awvalid_i && s_csr_awready_o) begin
      awaddr_q  <= s_csr_awaddr_i;
      awfn_q    <= s_csr_fn_i;
      aw_ours_q <= ours;
    end
    if (s_csr_wvalid_i && s_csr_wready_o) begin
      wdata_q <= s_csr_wdata_i;
      wstrb_q <= s_csr_wstrb_i;
    end
    if (s_csr_arvalid_i && s_csr_arready_o) begin
      araddr_q  <= s_csr_araddr_i;
      arfn_q    <= s_csr_fn_i;
      ar_ours_q <= ours;
    end
    if (finish && write) bresp_q <= error ? RespSlverr : RespOkay;
    if (finish && !write) begin
      rresp_q <= error ? RespSlverr : RespOkay;
      rdata_q <= error ? '1 : rdata_i;
    end
  end

  assign s_csr_awready_o = !aw_q;
  assign s_csr_wready_o  = !w_q;
  assign s_csr_arready_o = !ar_q;
  assign s_csr_bvalid_o  = b_q;
  assign s_csr_bresp_o   = bresp_q;
  assign s_csr_rvalid_o  = r_q;
  assign s_csr_rdata_o   = rdata_q;
  assign s_csr_rresp_o   = rresp_q;
endmodule
