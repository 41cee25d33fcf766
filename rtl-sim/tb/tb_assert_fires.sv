// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Proof that assertions are on: pushes into a full FIFO. The run must fail, and name the instance.
//
// bench-fails-with: tb_assert_fires.u_dut.NoOverflow_A

module tb_assert_fires;
  logic clk = 1'b0;
  logic rst_n = 1'b0;
  logic push = 1'b0;

  always #5 clk = ~clk;

  hp_fifo #(
    .WIDTH(8),
    .DEPTH(2)
  ) u_dut (
    .clk_i  (clk),
    .rst_ni (rst_n),
    .push_i (push),
    .data_i (8'h5A),
    .full_o (),
    .pop_i  (1'b0),
    .valid_o(),
    .data_o (),
    .count_o()
  );

  initial begin
    repeat (3) @(negedge clk);
    rst_n = 1'b1;
    push = 1'b1;
    repeat (10) @(negedge clk);
    $display("PASS");
    $finish;
  end
endmodule
