// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The AXI4 slave behind hp_virtio's master: memory of the host, reached by one call per burst.
//
// In order, each way. A read is carried out in the clock in which its first beat is offered, at least
// `read_latency` clocks after it was taken; a write in the clock in which its last beat is taken, its answer
// comes at least `write_latency` clocks later. What the host refuses is answered SLVERR, reads with all ones.
// Every rule of the bus that the master could break is checked.

#ifndef HP_HOST_MEMORY_H_
#define HP_HOST_MEMORY_H_

#include <array>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "hp_runtime.h"
#include "hp_shim.h"
#include "hp_wave.h"

template <uint32_t kBytes>
class HostMemory {
 public:
  void configure(const hp_host& h) {
    host = h;
    rng.seed(h.seed);
    const uint32_t hold = h.hold ? h.hold : 1;
    ar_ready = aw_ready = w_ready = Wave{h.ready, hold};
    r_valid = b_valid = Wave{h.ready, hold};
  }

  bool idle() const {
    return reads.empty() && writes.empty() && answers.empty() && !reading && gathered.empty();
  }

  template <class Top>
  void reset(Top& top) {
    top.m_axi_arready_i = top.m_axi_awready_i = top.m_axi_wready_i = 0;
    top.m_axi_rvalid_i = top.m_axi_bvalid_i = 0;
    top.m_axi_rlast_i = 0;
    top.m_axi_rresp_i = top.m_axi_bresp_i = 0;
  }

  // Inputs of the design for this clock.
  template <class Top>
  void drive(Top& top, uint64_t now) {
    top.m_axi_arready_i = reads.size() < kOutstanding && ar_ready.step(rng);
    top.m_axi_awready_i = writes.size() + answers.size() < kOutstanding && aw_ready.step(rng);
    top.m_axi_wready_i = !writes.empty() && w_ready.step(rng);

    if (!reading && !reads.empty() && reads.front().due <= now) {
      reading = true;
      beat = 0;
      fetch(reads.front());
    }
    r_offered = reading && (r_offered || r_valid.step(rng));
    top.m_axi_rvalid_i = r_offered;
    if (r_offered) {
      std::memcpy(top.m_axi_rdata_i.data(), data.data() + beat * kBytes, kBytes);
      top.m_axi_rresp_i = resp;
      top.m_axi_rlast_i = beat + 1 == reads.front().beats;
    }

    b_offered = !answers.empty() && answers.front().due <= now && (b_offered || b_valid.step(rng));
    top.m_axi_bvalid_i = b_offered;
    if (b_offered) top.m_axi_bresp_i = answers.front().resp;
  }

  // Handshakes of this clock, outputs settled.
  template <class Top>
  void sample(Top& top, uint64_t now, hp_status& st) {
    status = &st;
    held("m_axi_ar", ar_held, top.m_axi_arvalid_o, top.m_axi_arready_i,
         {top.m_axi_araddr_o, uint64_t(top.m_axi_arlen_o) << 32 | top.m_axi_aruser_o});
    held("m_axi_aw", aw_held, top.m_axi_awvalid_o, top.m_axi_awready_i,
         {top.m_axi_awaddr_o, uint64_t(top.m_axi_awlen_o) << 32 | top.m_axi_awuser_o});
    held_data(top);

    if (top.m_axi_rvalid_i && top.m_axi_rready_o) {
      r_offered = false;
      if (++beat == reads.front().beats) {
        reading = false;
        reads.pop_front();
      }
    }
    if (top.m_axi_bvalid_i && top.m_axi_bready_o) {
      b_offered = false;
      answers.pop_front();
    }
    if (top.m_axi_wvalid_o && top.m_axi_wready_i) {
      take(top.m_axi_wdata_o.data(), top.m_axi_wstrb_o, top.m_axi_wlast_o, now);
    }
    if (top.m_axi_arvalid_o && top.m_axi_arready_i) {
      Burst b = burst("m_axi_ar", top.m_axi_araddr_o, top.m_axi_arlen_o, top.m_axi_aruser_o);
      b.due = now + host.read_latency;
      reads.push_back(b);
    }
    if (top.m_axi_awvalid_o && top.m_axi_awready_i) {
      writes.push_back(burst("m_axi_aw", top.m_axi_awaddr_o, top.m_axi_awlen_o, top.m_axi_awuser_o));
    }
  }

 private:
  static constexpr size_t kOutstanding = 64;
  static constexpr uint32_t kPage = 4096;
  static constexpr uint8_t kOkay = 0, kSlverr = 2;

  struct Burst {
    uint64_t addr = 0, due = 0;
    uint32_t len = 0, fn = 0, beats = 0;
    uint32_t offset() const { return uint32_t(addr % kBytes); }
  };
  struct Answer {
    uint64_t due;
    uint8_t resp;
  };
  struct Held {
    bool waits = false;
    std::array<uint64_t, 2> value{};
  };

  [[noreturn]] static void broken(const std::string& what) { throw HpStop("bus rule broken: " + what); }

  static void held(const char* bus, Held& h, bool valid, bool ready, std::array<uint64_t, 2> value) {
    if (h.waits && !valid) broken(std::string(bus) + ": valid fell without ready");
    if (h.waits && h.value != value) broken(std::string(bus) + ": a request changed while it waited");
    h.waits = valid && !ready;
    h.value = value;
  }

  template <class Top>
  void held_data(Top& top) {
    held("m_axi_w", w_held, top.m_axi_wvalid_o, top.m_axi_wready_i,
         {top.m_axi_wstrb_o, top.m_axi_wlast_o});
    const void* now = top.m_axi_wdata_o.data();
    if (w_waited && std::memcmp(w_data.data(), now, kBytes) != 0) broken("m_axi_w: data changed while they waited");
    w_waited = w_held.waits;
    if (w_waited) std::memcpy(w_data.data(), now, kBytes);
  }

  static Burst burst(const char* bus, uint64_t addr, uint32_t last, uint32_t user) {
    Burst b;
    b.addr = addr;
    b.fn = user & 0xff;
    b.len = user >> 8 & 0x1fff;
    b.beats = last + 1;
    const std::string name = bus;
    if (b.len == 0 || b.len > kPage) broken(name + ": a length of " + std::to_string(b.len));
    if (addr % kPage + b.len > kPage) broken(name + ": the request crosses a page");
    if (b.beats != (b.offset() + b.len + kBytes - 1) / kBytes) broken(name + ": length and beats differ");
    return b;
  }

  void fetch(const Burst& b) {
    // Bytes that were not asked for are the master's to ignore.
    data.assign(size_t(b.beats) * kBytes, 0xA5);
    const bool ok = host.dma_read && host.dma_read(host.ctx, b.fn, b.addr, b.len, data.data() + b.offset()) == 0;
    if (!ok) data.assign(data.size(), 0xFF);
    resp = ok ? kOkay : kSlverr;
    ++status->dma_reads;
    status->dma_refused += !ok;
  }

  void take(const void* wdata, uint64_t strobes, bool last, uint64_t now) {
    const Burst& b = writes.front();
    const uint32_t n = uint32_t(gathered.size() / kBytes);
    const uint64_t from = uint64_t(n) * kBytes;  // of the burst, from the start of its first beat
    uint64_t expected = 0;
    for (uint32_t i = 0; i < kBytes; ++i) {
      if (from + i >= b.offset() && from + i < b.offset() + b.len) expected |= uint64_t{1} << i;
    }
    if (strobes != expected) broken("m_axi_w: strobes that are not those of the length");
    if (last != (n + 1 == b.beats)) broken("m_axi_w: wlast is not at the last beat");
    const auto* bytes = static_cast<const uint8_t*>(wdata);
    gathered.insert(gathered.end(), bytes, bytes + kBytes);
    if (!last) return;
    const bool ok = host.dma_write &&
                    host.dma_write(host.ctx, b.fn, b.addr, b.len, gathered.data() + b.offset()) == 0;
    ++status->dma_writes;
    status->dma_refused += !ok;
    answers.push_back(Answer{now + host.write_latency, ok ? kOkay : kSlverr});
    gathered.clear();
    writes.pop_front();
  }

  hp_host host{};
  hp_status* status = nullptr;
  Rng rng;
  Wave ar_ready, aw_ready, w_ready, r_valid, b_valid;

  std::deque<Burst> reads, writes;
  std::deque<Answer> answers;
  bool reading = false, r_offered = false, b_offered = false;
  uint32_t beat = 0;
  uint8_t resp = kOkay;
  std::vector<uint8_t> data, gathered;

  Held ar_held, aw_held, w_held;
  bool w_waited = false;
  std::array<uint8_t, kBytes> w_data{};
};

#endif  // HP_HOST_MEMORY_H_
