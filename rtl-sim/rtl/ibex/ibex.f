// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// lowRISC Ibex for Verilator. HAIRPIN_IBEX is the folder pythondata_cpu_ibex/system_verilog of the PyPI
// package pythondata-cpu-ibex. Its files are never committed here; the shims in this folder take the place
// of its technology-dependent primitives. HAIRPIN_RTL is the folder rtl-sim/rtl.
$HAIRPIN_RTL/ibex/ibex.vlt
+incdir+$HAIRPIN_IBEX/vendor/lowrisc_ip/ip/prim/rtl
+incdir+$HAIRPIN_IBEX/vendor/lowrisc_ip/dv/sv/dv_utils
$HAIRPIN_IBEX/rtl/ibex_pkg.sv
$HAIRPIN_IBEX/vendor/lowrisc_ip/ip/prim/rtl/prim_util_pkg.sv
$HAIRPIN_IBEX/vendor/lowrisc_ip/ip/prim/rtl/prim_ram_1p_pkg.sv
$HAIRPIN_IBEX/vendor/lowrisc_ip/ip/prim/rtl/prim_secded_pkg.sv
$HAIRPIN_IBEX/vendor/lowrisc_ip/ip/prim/rtl/prim_count_pkg.sv
$HAIRPIN_IBEX/vendor/lowrisc_ip/ip/prim/rtl/prim_mubi_pkg.sv
$HAIRPIN_IBEX/vendor/lowrisc_ip/ip/prim/rtl/prim_cipher_pkg.sv
$HAIRPIN_RTL/ibex/prim_and2.sv
$HAIRPIN_RTL/ibex/prim_buf.sv
$HAIRPIN_RTL/ibex/prim_clock_gating.sv
$HAIRPIN_RTL/ibex/prim_clock_mux2.sv
$HAIRPIN_RTL/ibex/prim_flop.sv
$HAIRPIN_RTL/ibex/prim_ram_1p.sv
-y $HAIRPIN_IBEX/rtl
-y $HAIRPIN_IBEX/vendor/lowrisc_ip/ip/prim/rtl
