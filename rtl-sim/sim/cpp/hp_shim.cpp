// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Clocks, bus sources and sinks, and the event log around one variant of the Verilated NIC.
//
// Compiled once per variant with HP_TOP (class), HP_TOP_H (its header), HP_ENTRY (exported function),
// HP_FLAGS, HP_N_VF and HP_DATA_W. A clock is: inputs applied with clk_i low, eval (outputs
// settle), handshakes sampled, clk_i high, eval. core_clk_i rises together with every N-th clk_i.

#include <array>
#include <cinttypes>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include HP_TOP_H
#include "hp_host_memory.h"
#include "hp_runtime.h"
#include "hp_shim.h"
#include "hp_wave.h"
#include "verilated.h"
#if HP_FLAGS & 2
#include "verilated_fst_c.h"
#endif

namespace {

constexpr uint32_t kBytes = HP_DATA_W / 8;
constexpr uint32_t kWords = HP_DATA_W / 32;
constexpr uint32_t kNvf = HP_N_VF;
constexpr uint32_t kMaxBus = 65536;       // longest frame a source may put on a bus
constexpr uint32_t kSettle = 64;          // quiet clocks that make "idle"
constexpr uint32_t kCsrLimit = 100000;    // clocks until a register access has failed
constexpr uint32_t kResetClocks = 32;
constexpr uint64_t kNever = ~uint64_t{0};
constexpr size_t kCommandBytes = 22 * 4;
constexpr size_t kDecisionBytes = 24 * 4;

struct Frame {
  uint32_t id = 0;
  uint32_t len = 0;
  uint64_t earliest = 0;
  bool bad = false;
  std::unique_ptr<uint8_t[]> data;  // padded to whole beats
};

// A frame on its way into the design, one beat at a time.
struct Sender {
  bool busy = false;
  uint32_t port = 0;
  uint32_t offset = 0;
  Frame frame;
  bool offered = false;  // tvalid was high without tready: must stay
  void start(uint32_t p, Frame&& f) { busy = true; port = p; offset = 0; frame = std::move(f); }
  uint32_t left() const { return frame.len - offset; }
  bool last() const { return left() <= kBytes; }
};

// A frame on its way out.
struct Receiver {
  explicit Receiver(const char* bus) : name(bus) {}
  const char* name;
  bool open = false;
  uint8_t port = 0;
  uint16_t seq = 0;
  uint64_t first = 0;
  std::vector<uint8_t> bytes;
  // Last stalled beat, which must be held.
  bool stalled = false;
  std::array<uint32_t, kWords> data{};
  uint64_t keep = 0;
  uint32_t side = 0;
};

// The runtime takes random values, and what an assertion does, from the context of the thread; several
// models may take turns in one.
class Thread {
 public:
  explicit Thread(VerilatedContext& ctx) { Verilated::threadContextp(&ctx); }
  ~Thread() { Verilated::threadContextp(&idle()); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

 private:
  // Outlives every model: the thread must not keep the context of one that is gone.
  static VerilatedContext& idle() {
    static thread_local VerilatedContext ctx;
    return ctx;
  }
};

constexpr uint64_t ones(uint32_t n) { return n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1; }

[[noreturn]] void broken(const std::string& what) { throw HpStop("bus rule broken: " + what); }

}  // namespace

struct hp_model {
  explicit hp_model(const hp_options& o)
      : ratio(o.core_ratio ? o.core_ratio : 1), jump_limit(o.jump_limit ? o.jump_limit : 1),
        rings(o.rings != 0) {
    ctx.randReset(2);
    ctx.randSeed(int(o.seed & 0x7fffffff));
    ctx.fatalOnError(true);
#if HP_FLAGS & 2
    ctx.traceEverOn(true);
#endif
    top = std::make_unique<HP_TOP>(&ctx, "hp");
    guarded(0, [&] {
      start(o);
      return 0;
    });
  }

  void start([[maybe_unused]] const hp_options& o) {
#if HP_FLAGS & 2
    if (o.fst) {
      fst_from = o.fst_from;
      fst_until = o.fst_until;
      fst = std::make_unique<VerilatedFstC>();
      top->trace(fst.get(), 99);
      fst->open(o.fst);
      if (!fst->isOpen()) throw HpStop(std::string("cannot write ") + o.fst);
    }
#endif
    hp_patterns p{};
    p.wire_ready = p.host_ready = p.rx_ready = p.grant_ready = p.host_valid = p.wire_valid = kAlways;
    p.hold = 1;
    p.rx_mask = ~uint64_t{0};
    patterns(p);
    reset();
  }

  ~hp_model() {
    const Thread thread(ctx);
#if HP_FLAGS & 2
    if (fst) fst->close();
#endif
    guarded(0, [&] {
      top->final();
      return 0;
    });
  }

  void reset() {
    top->clk_i = 0;
    top->core_clk_i = 0;
    top->rst_ni = 0;
    top->core_rst_ni = 0;
    // Inputs start out random like everything else.
    top->s_csr_awvalid_i = top->s_csr_wvalid_i = top->s_csr_arvalid_i = 0;
    top->s_csr_fn_i = top->s_csr_bar_i = 0;
    top->s_csr_bready_i = 1;
    top->s_csr_rready_i = 1;
    top->rings_i = rings;
    top->flr_req_i = 0;
    top->msix_enable_i = 0;
    top->msix_mask_i = 0;
    memory.reset(*top);
    // What was random before the first clock of the reset is nobody's fault.
    ctx.assertOn(false);
    for (uint32_t i = 0; i < 2 * ratio; ++i) clock(false);
    ctx.assertOn(true);
    for (uint32_t i = 0; i < kResetClocks * ratio; ++i) clock(false);
    top->rst_ni = 1;
    top->core_rst_ni = 1;
    for (uint32_t i = 0; i < kResetClocks; ++i) clock(true);
  }

  void patterns(const hp_patterns& p) {
    rng.seed(p.seed);
    const uint32_t hold = p.hold ? p.hold : 1;
    wire_ready = Wave{p.wire_ready, hold};
    host_ready = Wave{p.host_ready, hold};
    rx_wave = Wave{p.rx_ready, hold};
    grant_ready = Wave{p.grant_ready, hold};
    host_gap = Wave{p.host_valid, hold};
    wire_gap = Wave{p.wire_valid, hold};
    rx_mask = p.rx_mask;
    rx_bits = ~uint64_t{0};
  }

  // ---- sources

  bool push(uint32_t port, uint32_t id, uint64_t earliest, uint32_t flags, const uint8_t* data,
            size_t len) {
    if (len == 0 || len > kMaxBus) return false;
    if (port != HP_UPLINK && (rings || port >= kNvf)) return false;
    Frame f;
    f.id = id;
    f.len = uint32_t(len);
    f.earliest = earliest;
    f.bad = (flags & HP_BAD) != 0;
    const size_t padded = (len + kBytes - 1) / kBytes * kBytes;
    f.data.reset(new uint8_t[padded]);
    std::memcpy(f.data.get(), data, len);
    std::memset(f.data.get() + len, 0xA5, padded - len);  // the NIC must not look at these
    if (port == HP_UPLINK) wire_queue.push_back(std::move(f));
    else host_queue[port].push_back(std::move(f));
    ++queued;
    return true;
  }

  template <class Data>
  void drive_beat(const Sender& s, Data& data, QData& keep, CData& last, CData& user) {
    std::memcpy(data.data(), s.frame.data.get() + s.offset, kBytes);
    keep = ones(s.left() < kBytes ? s.left() : kBytes);
    last = s.last();
    user = s.last() && s.frame.bad;
  }

  void drive(bool live) {
    uint64_t req = 0;
    if (live && !hold_sources) {
      for (uint32_t p = 0; p < kNvf; ++p) {
        const auto& q = host_queue[p];
        if (q.size() > granted[p] && q[granted[p]].earliest <= now) req |= uint64_t{1} << p;
      }
    }
    top->host_req_i = req;
    if (!host.busy && grants_n != 0) {
      const uint32_t p = grants[0];
      grants[0] = grants[1];
      --grants_n;
      --granted[p];
      host.start(p, std::move(host_queue[p].front()));
      host_queue[p].pop_front();
      --queued;
    }
    top->host_grant_ready_i = live && grants_n < 2 && grant_ready.step(rng);

    const bool host_valid = host.busy && (host.offered || host_gap.step(rng));
    top->s_host_tvalid_i = host_valid;
    if (host_valid) {
      QData keep;
      CData last, user;
      drive_beat(host, top->s_host_tdata_i, keep, last, user);
      top->s_host_tkeep_i = keep;
      top->s_host_tlast_i = last;
      top->s_host_tuser_i = user;
      top->s_host_tdest_i = CData(host.port);
    }

    if (!wire.busy && live && !hold_sources && !wire_queue.empty() &&
        wire_queue.front().earliest <= now) {
      wire.start(HP_UPLINK, std::move(wire_queue.front()));
      wire_queue.pop_front();
      --queued;
    }
    const bool wire_valid = wire.busy && (wire.offered || wire_gap.step(rng));
    top->s_wire_tvalid_i = wire_valid;
    if (wire_valid) {
      QData keep;
      CData last, user;
      drive_beat(wire, top->s_wire_tdata_i, keep, last, user);
      top->s_wire_tkeep_i = keep;
      top->s_wire_tlast_i = last;
      top->s_wire_tuser_i = user;
    }

    top->m_wire_tready_i = wire_ready.step(rng);
    top->m_host_tready_i = host_ready.step(rng);
    if (rx_wave.level < kAlways && rx_wave.left-- == 0) {
      // Every bit is drawn with the wave's level, four bits per word of randomness.
      rx_bits = 0;
      uint64_t r = 0;
      for (uint32_t p = 0; p < kNvf; ++p) {
        if (p % 4 == 0) r = rng.next();
        if (((r >> (16 * (p % 4))) & 0xffff) < rx_wave.level) rx_bits |= uint64_t{1} << p;
      }
      rx_wave.left = uint32_t(rng.next() % rx_wave.hold);
    }
    top->host_rx_ready_i = rx_bits & rx_mask;
    if (live) memory.drive(*top, now);
  }

  // ---- log

  uint8_t* record(uint8_t kind, uint8_t port, uint16_t seq, uint64_t cycle, uint32_t aux,
                  size_t payload, uint32_t flags = 0) {
    const size_t size = sizeof(hp_record) + (payload + 7) / 8 * 8;
    const size_t at = log.size();
    log.resize(at + size);
    const hp_record r{kind, port, seq, uint32_t(size), cycle, aux, flags};
    std::memcpy(log.data() + at, &r, sizeof r);
    return log.data() + at + sizeof r;
  }

  void log_loss(uint32_t word) {
    if (word >> 31) {
      record(HP_LOSS, uint8_t((word >> 16) & 0x7f), uint16_t(word), now, (word >> 24) & 0x3f, 0);
    }
  }

  void log_command() {
    std::memcpy(record(HP_COMMAND, 0, 0, now, 0, kCommandBytes), top->cmd_o.data(), kCommandBytes);
  }

  // ---- handshakes of this clock, outputs settled

  void sent(Sender& s, bool valid, bool ready) {
    if (!valid) return;
    if (!ready) { s.offered = true; return; }
    s.offered = false;
    if (s.offset == 0) record(HP_INPUT, uint8_t(s.port), 0, now, s.frame.id, 0);
    s.offset += kBytes;
    if (s.offset >= s.frame.len) s.busy = false;
  }

  // A beat that a VF's rings send.
  void ring_beat() {
    Receiver& r = ring_in;
    if (!r.open) {
      r.open = true;
      r.port = top->host_tdest_o;
      r.first = now;
      r.bytes.clear();
    } else if (r.port != top->host_tdest_o) {
      broken("s_host: tdest changed inside a frame");
    }
    const uint64_t keep = top->host_tkeep_o;
    const uint32_t n = uint32_t(__builtin_popcountll(keep));
    if (keep != ones(n) || n == 0 || (!top->host_tlast_o && n != kBytes)) {
      broken("s_host: tkeep is not a run of ones");
    }
    const auto* bytes = reinterpret_cast<const uint8_t*>(top->host_tdata_o.data());
    r.bytes.insert(r.bytes.end(), bytes, bytes + n);
    if (r.bytes.size() >= kMaxBus) broken("s_host: frame without end");
    if (!top->host_tlast_o) return;
    r.open = false;
    std::memcpy(record(HP_INPUT, r.port, uint16_t(r.bytes.size()), r.first, HP_RING | (ring_frames++ & ~HP_RING),
                       r.bytes.size(), top->host_tuser_o ? HP_BAD : 0),
                r.bytes.data(), r.bytes.size());
  }

  template <class Data>
  void received(Receiver& r, bool ready, const Data& data, uint64_t keep, bool last, uint8_t port,
                uint16_t seq) {
    const uint32_t side = uint32_t(port) | uint32_t(seq) << 8 | uint32_t(last) << 24;
    if (r.stalled && (keep != r.keep || side != r.side ||
                      std::memcmp(r.data.data(), data.data(), kBytes) != 0)) {
      broken(std::string(r.name) + ": a beat changed while it waited");
    }
    r.stalled = !ready;
    if (!ready) {
      r.keep = keep;
      r.side = side;
      std::memcpy(r.data.data(), data.data(), kBytes);
      return;
    }
    if (!r.open) {
      r.open = true;
      r.port = port;
      r.seq = seq;
      r.first = now;
      r.bytes.clear();
    } else if (port != r.port || seq != r.seq) {
      broken(std::string(r.name) + ": tdest or tid changed inside a frame");
    }
    const uint32_t n = uint32_t(__builtin_popcountll(keep));
    if (keep != ones(n) || n == 0 || (!last && n != kBytes)) {
      broken(std::string(r.name) + ": tkeep is not a run of ones");
    }
    const auto* bytes = reinterpret_cast<const uint8_t*>(data.data());
    r.bytes.insert(r.bytes.end(), bytes, bytes + n);
    if (r.bytes.size() > kMaxBus) broken(std::string(r.name) + ": frame without end");
    if (last) {
      r.open = false;
      std::memcpy(record(HP_OUTPUT, r.port, r.seq, r.first, uint32_t(r.bytes.size()),
                         r.bytes.size()),
                  r.bytes.data(), r.bytes.size());
    }
  }

  void sample() {
    const bool host_beat = top->host_tvalid_o && top->host_tready_o;
    const bool wire_beat = top->s_wire_tvalid_i;
    if (wire_beat && !top->s_wire_tready_o) broken("s_wire: tready is low");
    st.host_in_beats += host_beat;
    st.wire_in_beats += wire_beat;
    if (!rings) sent(host, top->s_host_tvalid_i, top->s_host_tready_o);
    else if (host_beat) ring_beat();
    sent(wire, wire_beat, true);
    memory.sample(*top, now, st);

    if (!rings && top->host_grant_valid_o && top->host_grant_ready_i) {
      const uint32_t p = top->host_grant_vport_o;
      if (p >= kNvf) broken("host_grant: no such vPort");
      if (host_queue[p].size() <= granted[p]) broken("host_grant: nobody asked");
      grants[grants_n++] = uint8_t(p);
      ++granted[p];
    }

    if (top->entry_o) entered[top->entry_seq_o] = now;
    if (top->tbl_done_o) record(HP_ANSWERED, 0, 0, now, top->tbl_status_o, 0);
    if (top->tbl_taken_o) record(HP_TAKEN, 0, 0, now, top->tbl_what_o, 0);
    if (top->cmd_valid_o) log_command();
    if (top->dec_valid_o) {
      const uint32_t w0 = top->dec_o[0], w1 = top->dec_o[1];
      const uint32_t age = uint32_t(now - entered[uint16_t(w1)]);
      std::memcpy(record(HP_DECISION, uint8_t(w0), uint16_t(w1), now, age, kDecisionBytes),
                  top->dec_o.data(), kDecisionBytes);
    }
    if (top->loss_valid_o) {
      log_loss(top->loss_host_o);
      log_loss(top->loss_rep_o);
      log_loss(top->loss_other_o);
    }

    if (top->m_host_tvalid_o) {
      st.host_out_beats += top->host_rx_tready_o;
      received(host_out, top->host_rx_tready_o, top->m_host_tdata_o, top->m_host_tkeep_o,
               top->m_host_tlast_o, top->m_host_tdest_o, top->m_host_tid_o);
    } else if (host_out.stalled) {
      broken("m_host: tvalid fell without tready");
    }
    if (top->m_wire_tvalid_o) {
      st.wire_out_beats += top->m_wire_tready_i;
      received(wire_out, top->m_wire_tready_i, top->m_wire_tdata_o, top->m_wire_tkeep_o,
               top->m_wire_tlast_o, uint8_t(HP_UPLINK), top->m_wire_tid_o);
    } else if (wire_out.stalled) {
      broken("m_wire: tvalid fell without tready");
    }
  }

  // ---- time

  /// The core's clock falls with the next one, and goes on from there at its new rate.
  void core_ratio(uint32_t clocks) {
    ratio = clocks ? clocks : 1;
    core_phase = ratio / 2;
  }

  void settle(bool live) {
    drive(live);
    top->time_i = now;
    top->clk_i = 0;
    if (core_phase == ratio / 2) top->core_clk_i = 0;
    top->eval();
    dump(0);
    if (live) sample();
  }

  void rise() {
    top->clk_i = 1;
    if (core_phase == 0) {
      top->core_clk_i = 1;
      ++st.core_clocks;
    }
    if (++core_phase == ratio) core_phase = 0;
    top->eval();
    dump(1);
    ++now;
    ++st.clocks;
  }

  void clock(bool live) {
    settle(live);
    rise();
  }

  void dump([[maybe_unused]] int half) {
#if HP_FLAGS & 2
    if (fst && now >= fst_from && now <= fst_until) fst->dump((now * 2 + uint64_t(half)) * 3200);  // ps, 156.25 MHz
#endif
  }

  uint64_t next_due() const {
    uint64_t due = wire_queue.empty() ? kNever : wire_queue.front().earliest;
    for (const auto& q : host_queue) {
      if (!q.empty() && q.front().earliest < due) due = q.front().earliest;
    }
    return due;
  }

  bool quiet(uint32_t flags) const {
    return top->idle_o && memory.idle() && !ring_in.open && !host.busy && !wire.busy && grants_n == 0 && !host_out.open &&
           !wire_out.open && !top->m_host_tvalid_o && !top->m_wire_tvalid_o &&
           ((flags & HP_IGNORE_CORE) || top->core_sleep_o);
  }

  int32_t run(uint64_t until, uint32_t flags, size_t log_limit) {
    hold_sources = (flags & HP_HOLD_SOURCES) != 0;
    uint32_t settled = 0;
    int32_t why = HP_UNTIL;
    while (now < until) {
      if (log.size() >= log_limit) { why = HP_LOG_FULL; break; }
      clock(true);
      if (!quiet(flags)) { settled = 0; continue; }
      const uint64_t due = hold_sources ? kNever : next_due();
      if (due <= now) { settled = 0; continue; }
      if (++settled < kSettle) continue;
      if (due == kNever && (flags & HP_STOP_IDLE)) { why = HP_IDLE; break; }
      if (flags & HP_JUMP) {
        const uint64_t to = due < until ? due : until;
        now = to - now > jump_limit ? now + jump_limit : to;
        settled = 0;
      }
    }
    hold_sources = false;
    return why;
  }

  int32_t csr(uint32_t fn_bar, uint32_t addr, bool write, uint32_t& value, uint32_t strobes = 0xf) {
    bool aw = write, w = write, ar = !write;
    top->s_csr_fn_i = CData(fn_bar);
    top->s_csr_bar_i = CData(fn_bar >> 8 & 7);
    top->s_csr_awaddr_i = top->s_csr_araddr_i = SData(addr);
    top->s_csr_wdata_i = value;
    top->s_csr_wstrb_i = CData(strobes & 0xf);
    for (uint32_t n = 0; n < kCsrLimit; ++n) {
      top->s_csr_awvalid_i = aw;
      top->s_csr_wvalid_i = w;
      top->s_csr_arvalid_i = ar;
      settle(true);
      const bool done = write ? top->s_csr_bvalid_o : top->s_csr_rvalid_o;
      const uint32_t resp = write ? top->s_csr_bresp_o : top->s_csr_rresp_o;
      if (!write) value = top->s_csr_rdata_o;
      aw = aw && !top->s_csr_awready_o;
      w = w && !top->s_csr_wready_o;
      ar = ar && !top->s_csr_arready_o;
      rise();
      if (done) {
        top->s_csr_awvalid_i = top->s_csr_wvalid_i = top->s_csr_arvalid_i = 0;
        return resp == 0 ? HP_CSR_OK : HP_CSR_ERROR;
      }
    }
    top->s_csr_awvalid_i = top->s_csr_wvalid_i = top->s_csr_arvalid_i = 0;
    return HP_CSR_TIMEOUT;
  }

  void fail(const std::string& what) {
    error = "cycle " + std::to_string(now) + ": " + what;
    const std::string text = hp_take_printed();
    if (!text.empty()) error += "\n" + text;
#if HP_FLAGS & 2
    if (fst) fst->flush();
#endif
  }

  // Runs `body`, turning a stop of the design into a lasting error.
  template <class F>
  int32_t guarded(int32_t failed, F body) {
    if (!error.empty()) return failed;
    const Thread thread(ctx);
    try {
      return body();
    } catch (const std::exception& e) {
      fail(e.what());
      return failed;
    }
  }

  VerilatedContext ctx;
  std::unique_ptr<HP_TOP> top;
#if HP_FLAGS & 2
  std::unique_ptr<VerilatedFstC> fst;
  uint64_t fst_from = 0, fst_until = ~uint64_t{0};
#endif
  uint32_t ratio;
  uint64_t jump_limit;
  const bool rings;
  uint32_t core_phase = 0;
  uint64_t now = 0;
  hp_status st{};

  Rng rng;
  Wave wire_ready, host_ready, rx_wave, grant_ready, host_gap, wire_gap;
  uint64_t rx_mask = ~uint64_t{0}, rx_bits = ~uint64_t{0};

  std::array<std::deque<Frame>, kNvf> host_queue;
  std::deque<Frame> wire_queue;
  uint64_t queued = 0;
  bool hold_sources = false;
  std::array<uint32_t, kNvf> granted{};  // of the queue's front, granted and not yet started
  std::array<uint8_t, 2> grants{};
  uint32_t grants_n = 0;
  Sender host, wire;
  Receiver host_out{"m_host"}, wire_out{"m_wire"}, ring_in{"s_host"};
  uint32_t ring_frames = 0;
  HostMemory<kBytes> memory;

  std::vector<uint64_t> entered = std::vector<uint64_t>(65536);  // by seq

  std::vector<uint8_t> log;
  std::string error;
};

namespace {

const hp_api kApi = {
    HP_ABI,
    kBytes,
    kNvf,
    HP_FLAGS,
    [](const hp_options* o) {
      const std::lock_guard<std::mutex> alone(hp_creation());
      return new hp_model(*o);
    },
    [](hp_model* m) { delete m; },
    [](hp_model* m, uint32_t port, uint32_t id, uint64_t earliest, uint32_t flags,
       const uint8_t* data, size_t len) -> int32_t {
      return m->push(port, id, earliest, flags, data, len) ? 0 : 1;
    },
    [](hp_model* m, uint64_t until, uint32_t flags, size_t limit) -> int32_t {
      return m->guarded(HP_FAILED, [&] { return m->run(until, flags, limit); });
    },
    [](hp_model* m, uint32_t fn_bar, uint32_t addr, uint32_t* value) -> int32_t {
      return m->guarded(HP_CSR_FAILED, [&] { return m->csr(fn_bar, addr, false, *value); });
    },
    [](hp_model* m, uint32_t fn_bar, uint32_t addr, uint32_t value, uint32_t strobes) -> int32_t {
      return m->guarded(HP_CSR_FAILED, [&] { return m->csr(fn_bar, addr, true, value, strobes); });
    },
    [](hp_model* m, size_t* len) -> const uint8_t* {
      *len = m->log.size();
      return m->log.data();
    },
    [](hp_model* m) { m->log.clear(); },
    [](hp_model* m, const hp_patterns* p) { m->patterns(*p); },
    [](const hp_model* m, hp_status* s) {
      *s = m->st;
      s->now = m->now;
      s->queued = m->queued;
      s->idle = m->top->idle_o;
      s->core_sleep = m->top->core_sleep_o;
      s->irq = m->top->irq_o;
      s->flr_done = m->top->flr_done_o;
    },
    [](const hp_model* m) -> const char* { return m->error.c_str(); },
    [](hp_model* m, const hp_host* h) { m->memory.configure(*h); },
    [](hp_model* m, uint64_t flr, uint64_t enable, uint64_t mask) {
      m->top->flr_req_i = flr;
      m->top->msix_enable_i = enable;
      m->top->msix_mask_i = mask;
    },
    [](hp_model* m, uint32_t core_ratio) { m->core_ratio(core_ratio); },
};

}  // namespace

extern "C" const hp_api* HP_ENTRY() { return &kApi; }
