// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The one C interface between the Verilated NIC and Rust (src/model/ffi.rs mirrors it).
//
// Every variant of the model (check, small, fast, trace) is a library with one exported function,
// hairpin_model_<variant>(), that returns the table of entry points below. All per-clock work stays
// behind hp_api.run; what happened comes back as one ordered binary log.

#ifndef HP_SHIM_H_
#define HP_SHIM_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HP_ABI 6u
#define HP_UPLINK 64u
#define HP_RING 0x80000000u

// One record of the log: this header, then `size - 24` bytes of payload, padded to 8.
//   kind        payload
//   1 decision  24 words, see sv/hp_sim_top.sv (seq repeated in the header), aux = clocks since the
//               frame entered the pipeline
//   2 command   22 words, see sv/hp_sim_top.sv
//   3 loss      none; port, seq, aux = reason
//   4 output    bytes of the frame, aux = length, cycle = its first beat
//   5 input     none; port, aux = the id given at push, cycle = its first beat. Of a frame from a VF's rings: its
//               bytes, seq = their number, aux = HP_RING | running number, flags (HP_BAD); logged with its last beat
//   6 taken     none; aux = {index, 8'd0, table, op} of a table command that the eSwitch takes
//   7 answered  none; aux = status of the table command that it took last
// Order: that of the serialization point. Inside one cycle: input, answered, taken, command, decision,
// loss, output (an output is logged with its last beat).
typedef struct {
  uint8_t kind;
  uint8_t port;
  uint16_t seq;
  uint32_t size;
  uint64_t cycle;
  uint32_t aux;
  uint32_t flags;
} hp_record;

enum {
  HP_DECISION = 1, HP_COMMAND = 2, HP_LOSS = 3, HP_OUTPUT = 4, HP_INPUT = 5, HP_TAKEN = 6, HP_ANSWERED = 7
};

// Why run() came back.
enum { HP_UNTIL = 0, HP_IDLE = 1, HP_LOG_FULL = 2, HP_FAILED = 3 };

// Flags of run().
enum {
  HP_STOP_IDLE = 1,    // come back when nothing is queued, in flight or awake
  HP_JUMP = 2,         // jump over idle time
  HP_IGNORE_CORE = 4,  // idle does not wait for the soft core to sleep (core in reset, or hung)
  HP_HOLD_SOURCES = 8  // start no new frame; frames already begun are finished
};

// Status of a register access.
enum { HP_CSR_OK = 0, HP_CSR_ERROR = 1, HP_CSR_TIMEOUT = 2, HP_CSR_FAILED = 3 };

// Flags of push().
enum { HP_BAD = 1 };

// Flags of hp_api.flags.
enum { HP_CHECKS = 1, HP_TRACES = 2, HP_SMALL = 4 };

// Ready and gap patterns. A level of 65536 is "always"; otherwise the signal is redrawn every 1 to
// `hold` cycles and high with probability level/65536.
typedef struct {
  uint64_t seed;
  uint32_t wire_ready;     // m_wire_tready_i
  uint32_t host_ready;     // m_host_tready_i
  uint32_t rx_ready;       // each bit of host_rx_ready_i
  uint32_t grant_ready;    // host_grant_ready_i
  uint32_t host_valid;     // s_host_tvalid_i between beats
  uint32_t wire_valid;     // s_wire_tvalid_i between beats
  uint32_t hold;
  uint32_t zero;
  uint64_t rx_mask;        // vPorts that ever have a buffer
} hp_patterns;

typedef struct {
  uint64_t seed;           // of power-up state and unassigned values
  uint32_t core_ratio;     // clk_i ticks per core_clk_i tick
  uint32_t rings;          // 1: VFs send and receive through rings in host memory, and push() takes only the uplink's
  uint64_t jump_limit;     // longest single jump, in ticks
  uint64_t fst_from, fst_until;  // ticks that are written to it
  const char* fst;         // trace variant: file to write, or null
} hp_options;

typedef struct {
  uint64_t now;            // time_i
  uint64_t clocks;         // clock cycles simulated
  uint64_t core_clocks;
  uint64_t host_in_beats, wire_in_beats, host_out_beats, wire_out_beats;
  uint64_t queued;         // frames not yet started
  uint32_t idle, core_sleep, irq, zero;
  uint64_t flr_done;       // a bit per VF
  uint64_t dma_reads, dma_writes, dma_refused;  // bursts
} hp_status;

// The host's memory, as a function sees it. Called within run(), csr_read() and csr_write(); 0 is done, anything else
// refused. A burst stays in one page.
typedef struct {
  void* ctx;
  int32_t (*dma_read)(void* ctx, uint32_t fn, uint64_t addr, uint32_t len, uint8_t* data);
  int32_t (*dma_write)(void* ctx, uint32_t fn, uint64_t addr, uint32_t len, const uint8_t* data);
  uint64_t seed;           // of the pattern
  uint32_t read_latency, write_latency;  // clocks, at least
  uint32_t ready, hold;    // as in hp_patterns; of all five channels
} hp_host;

typedef struct hp_model hp_model;

typedef struct {
  uint32_t abi, data_bytes, n_vf, flags;
  hp_model* (*create)(const hp_options*);
  void (*destroy)(hp_model*);
  // Queues one frame. port: 0..n_vf or HP_UPLINK. Returns 0, or 1 for a bad port or length.
  int32_t (*push)(hp_model*, uint32_t port, uint32_t id, uint64_t earliest, uint32_t flags,
                  const uint8_t* data, size_t len);
  int32_t (*run)(hp_model*, uint64_t until, uint32_t flags, size_t log_limit);
  // fn_bar: function number in bits 7:0, BAR in bits 10:8.
  int32_t (*csr_read)(hp_model*, uint32_t fn_bar, uint32_t addr, uint32_t* value);
  int32_t (*csr_write)(hp_model*, uint32_t fn_bar, uint32_t addr, uint32_t value, uint32_t strobes);
  const uint8_t* (*log)(hp_model*, size_t* len);
  void (*clear_log)(hp_model*);
  void (*set_patterns)(hp_model*, const hp_patterns*);
  void (*status)(const hp_model*, hp_status*);
  // What failed (an assertion, or a broken bus rule); empty while nothing has.
  const char* (*error)(const hp_model*);
  void (*set_host)(hp_model*, const hp_host*);
  // Function-level resets asked for (done: hp_status.flr_done), MSI-X enabled and masked: a bit per VF.
  void (*set_functions)(hp_model*, uint64_t flr, uint64_t msix_enable, uint64_t msix_mask);
  void (*set_core_ratio)(hp_model*, uint32_t core_ratio);
} hp_api;

#ifdef __cplusplus
}
#endif
#endif  // HP_SHIM_H_
