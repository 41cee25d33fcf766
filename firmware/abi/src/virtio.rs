// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What hardware and host say about virtqueues.

codes! {
    /// Why hardware quarantined a virtqueue.
    pub enum QueueError {
        /// The available index is further ahead than the queue is long.
        AvailIndex = 1, "avail-index";
        /// An entry of the available ring names no descriptor.
        Head = 2, "head";
        /// A descriptor's link names no descriptor.
        Next = 3, "next";
        /// A chain has more descriptors than the device takes, or is a loop.
        Chain = 4, "chain";
        /// A descriptor has the wrong direction, or flags that do not go together.
        Flags = 5, "flags";
        /// A descriptor is empty, or its end is past the end of the address space.
        Length = 6, "length";
        /// An indirect table has a bad length, was not negotiated, or stands in another one.
        Indirect = 7, "indirect";
        /// A read of the driver's memory failed.
        Read = 8, "read";
        /// A write to the driver's memory failed.
        Write = 9, "write";
        /// A buffer is too short for the header of a frame.
        Header = 10, "header";
        /// A request on the control queue is malformed.
        Control = 11, "control";
    }
}

codes! {
    /// Class of a request on the control queue (virtio 1.2, 5.1.6.5).
    pub enum CtrlClass {
        /// Which frames are received.
        Rx = 0, "rx";
        /// MAC addresses.
        Mac = 1, "mac";
        /// VLAN filter.
        Vlan = 2, "vlan";
        /// The guest has announced itself.
        Announce = 3, "announce";
        /// Queue pairs in use.
        Mq = 4, "mq";
    }
}

codes! {
    /// What an answer to a guest changes in the VLANs that it takes.
    pub enum GuestVlans {
        /// One more.
        Add = 1, "add";
        /// Not this one any more.
        Remove = 2, "remove";
        /// All of them, whatever was added.
        All = 3, "all";
        /// Those that were added.
        Listed = 4, "listed";
    }
}

/// Command of [`CtrlClass::Rx`]: unicast frames that nobody takes; a byte, 0 or 1.
pub const CTRL_RX_PROMISC: u8 = 0;
/// Command of [`CtrlClass::Rx`]: frames of every group; a byte, 0 or 1.
pub const CTRL_RX_ALLMULTI: u8 = 1;
/// Command of [`CtrlClass::Mac`]: all other addresses: a list of unicast and one of group addresses, each a
/// little-endian `u32` and so many addresses.
pub const CTRL_MAC_TABLE_SET: u8 = 0;
/// Command of [`CtrlClass::Mac`]: the first address.
pub const CTRL_MAC_ADDR_SET: u8 = 1;
/// Command of [`CtrlClass::Vlan`]: one more VLAN is taken, a little-endian `u16`.
pub const CTRL_VLAN_ADD: u8 = 0;
/// Command of [`CtrlClass::Vlan`]: one less.
pub const CTRL_VLAN_DEL: u8 = 1;
/// Command of [`CtrlClass::Announce`]: the guest has announced itself.
pub const CTRL_ANNOUNCE_ACK: u8 = 0;
/// Command of [`CtrlClass::Mq`]: the number of queue pairs in use, a little-endian `u16`.
pub const CTRL_MQ_PAIRS_SET: u8 = 0;
/// Answer to a request that was done.
pub const CTRL_OK: u8 = 0;
/// Answer to a request that was refused.
pub const CTRL_ERR: u8 = 1;
