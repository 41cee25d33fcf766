// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Types inside the virtqueue engine (hp_vq and what it contains).

package hp_vq_pkg;
  import hp_pkg::*, hp_vio_pkg::*;

  localparam int unsigned PageLog2 = 12;
  localparam int unsigned MaxPiece = 1024;              // bytes of payload in one read
  localparam int unsigned MinPacket = 14;               // of a frame to send; shorter is refused
  localparam int unsigned MaxPacket = MaxFrame + 4;

  // Bytes of a descriptor that count: no frame is longer.
  typedef logic [13:0] bytes_t;
  localparam bytes_t BytesMax = '1;

  // A read of 1 to 16 bytes, anywhere: the answer is one word, first byte lowest.
  typedef struct packed {
    fn_t         fn;
    logic [63:0] addr;
    logic [4:0]  len;
  } word_read_t;

  // A read of payload, within a page.
  typedef struct packed {
    fn_t         fn;
    logic [63:0] addr;
    logic [10:0] len;          // 1 to MaxPiece
  } data_read_t;

  // Who wrote, to tell the answers apart.
  typedef enum logic [2:0] {
    WrFrame,                   // a received frame
    WrUsed,                    // used elements
    WrIndex,                   // used index; `info` is its value
    WrEvent,                   // avail_event
    WrMsg,                     // an MSI-X message: belongs to no queue
    WrCtrl,                    // of a control queue: whoever writes knows which
    WrFence                    // nothing is written; answered when all before it is
  } wr_kind_e;

  typedef struct packed {
    wr_kind_e    kind;
    qid_t        q;
    logic [15:0] info;
  } wr_tag_t;

  // A write. The data of small ones (not WrFrame, WrUsed) are in `data`.
  typedef struct packed {
    wr_tag_t     tag;
    fn_t         fn;
    logic [63:0] addr;
    bytes_t      len;          // 0: a fence
    logic [31:0] data;
  } wr_job_t;

  // One descriptor of a checked chain.
  typedef struct packed {
    logic [63:0] addr;
    bytes_t      len;
  } seg_t;

  // A checked chain.
  typedef struct packed {
    logic [7:0]  head;
    logic [4:0]  last;         // descriptors - 1
    bytes_t      total;        // bytes
  } chain_t;

  // A run of bytes of a frame to send, ahead of its data.
  typedef struct packed {
    logic        marker;       // nothing: goes on to where done chains go
    logic        kill;         // its payload is not read: a bad frame
    logic        zeros;        // padding
    logic        last;         // of the frame
    logic        hdr;          // the frame begins with its virtio_net_hdr
    bytes_t      len;          // of the frame, without header and padding
    qid_t        q;
    port_t       vport;
    logic [7:0]  head;
    logic [5:0]  off;          // of the first byte in its beat
    logic [10:0] bytes;
  } piece_t;

  // A chain that the device is done with.
  typedef struct packed {
    logic        marker;       // nothing: tell when everything before it is settled
    qid_t        q;
    logic [7:0]  head;
    bytes_t      len;          // bytes written
    logic        last;         // the frame's last chain
  } done_t;
endpackage
