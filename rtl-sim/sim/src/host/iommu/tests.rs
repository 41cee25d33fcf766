// SPDX-License-Identifier: Apache-2.0 OR MIT

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use super::*;

const BASE: u64 = 0x1_0000;

fn file(pages: u64) -> (File, OwnedFd) {
    let file = tempfile::tempfile().unwrap();
    file.set_len(pages * PAGE).unwrap();
    let fd = file.try_clone().unwrap().into();
    (file, fd)
}

fn map(address: u64, size: u64) -> DmaMap {
    DmaMap {
        read: true,
        write: true,
        offset: 0,
        address,
        size,
    }
}

fn range(address: u64, size: u64) -> DmaUnmap {
    DmaUnmap::Range { address, size }
}

fn why(result: Result<Reach, (Refused, Option<Fault>)>) -> &'static str {
    result.unwrap_err().1.expect("told").why
}

#[test]
fn the_function_sees_the_file_and_the_client_sees_what_it_writes() {
    let mut iommu = Iommu::default();
    let (client, fd) = file(4);
    let offset = PAGE;
    let part = DmaMap {
        offset,
        ..map(BASE, 2 * PAGE)
    };
    iommu.map(&part, Some(fd)).unwrap();
    client.write_all_at(b"hello", offset + 7).unwrap();
    let mut seen = [0; 5];
    iommu.read(BASE + 7, &mut seen).unwrap();
    assert_eq!(&seen, b"hello");
    // Every alignment and length, so that every width of access is used.
    for at in 0..16u64 {
        for len in 1..40usize {
            let data: Vec<u8> = (0..len).map(|i| (at as usize * 40 + i) as u8).collect();
            iommu.write(BASE + 64 + at, &data).unwrap();
            let mut seen = vec![0; len];
            client.read_exact_at(&mut seen, offset + 64 + at).unwrap();
            assert_eq!(seen, data, "{len} bytes at {at}");
            seen.fill(0);
            iommu.read(BASE + 64 + at, &mut seen).unwrap();
            assert_eq!(seen, data, "{len} bytes at {at}");
        }
    }
}

#[test]
fn nothing_outside_or_against_the_permission_is_touched() {
    let mut iommu = Iommu::default();
    let (client, fd) = file(4);
    let read_only = DmaMap {
        write: false,
        ..map(BASE, PAGE)
    };
    iommu
        .map(&read_only, Some(fd.try_clone().unwrap()))
        .unwrap();
    let write_only = DmaMap {
        read: false,
        offset: PAGE,
        ..map(BASE + PAGE, PAGE)
    };
    iommu.map(&write_only, Some(fd)).unwrap();
    iommu.map(&map(BASE + 8 * PAGE, PAGE), None).unwrap();
    let mut data = [0; 8];
    assert_eq!(why(iommu.write(BASE, &data)), "may not be written");
    assert_eq!(why(iommu.read(BASE + PAGE, &mut data)), "may not be read");
    for outside in [BASE - 1, BASE + 2 * PAGE, 0, u64::MAX] {
        assert_eq!(why(iommu.read(outside, &mut data)), "is not mapped");
    }
    // Its last byte is outside.
    assert_eq!(
        why(iommu.write(BASE + 2 * PAGE - 7, &data)),
        "is not mapped"
    );
    let without = iommu.read(BASE + 8 * PAGE, &mut data);
    assert_eq!(without, Ok(Reach::ByMessage));
    assert_eq!(iommu.faults(), 7);
    let mut all = vec![1; 4 * PAGE as usize];
    client.read_exact_at(&mut all, 0).unwrap();
    assert!(all.iter().all(|byte| *byte == 0));
}

#[test]
fn a_fault_is_told_once_a_page_and_again_after_an_unmap() {
    let mut iommu = Iommu::default();
    let told = |iommu: &mut Iommu, addr| iommu.read(addr, &mut [0]).unwrap_err().1.is_some();
    assert!(told(&mut iommu, BASE));
    assert!(!told(&mut iommu, BASE + 1));
    assert!(told(&mut iommu, BASE + PAGE));
    assert!(iommu.write(BASE, &[0]).unwrap_err().1.is_some());
    iommu.unmap(range(BASE, PAGE));
    assert!(told(&mut iommu, BASE));
    assert!(!told(&mut iommu, BASE + PAGE));
    for page in 0..10_000 {
        let _ = iommu.read(page * PAGE, &mut [0]);
    }
    assert!(iommu.told.len() <= MAX_TOLD);
}

#[test]
fn maps_that_make_no_sense_are_refused() {
    let mut iommu = Iommu::default();
    let (_client, fd) = file(4);
    let mut refused = |wanted: &DmaMap| {
        let fd = fd.try_clone().unwrap();
        iommu.map(wanted, Some(fd)).err()
    };
    let good = map(BASE, 2 * PAGE);
    assert_eq!(refused(&good), None);
    let invalid = [
        map(BASE + 16 * PAGE, 0),
        map(BASE + 1, PAGE),
        map(BASE + 16 * PAGE, PAGE - 1),
        map(u64::MAX - PAGE + 1, 2 * PAGE),
        map(BASE + 16 * PAGE, 5 * PAGE),
        DmaMap {
            offset: 3 * PAGE,
            ..map(BASE + 16 * PAGE, 2 * PAGE)
        },
        DmaMap {
            offset: 8,
            ..map(BASE + 16 * PAGE, PAGE)
        },
        DmaMap {
            offset: u64::MAX - PAGE + 1,
            ..map(BASE + 16 * PAGE, 2 * PAGE)
        },
        DmaMap {
            read: false,
            write: false,
            ..map(BASE + 16 * PAGE, PAGE)
        },
    ];
    for map in &invalid {
        assert_eq!(refused(map), Some(Errno::EINVAL), "{map:?}");
    }
    for overlap in [
        good,
        map(BASE + PAGE, PAGE),
        map(BASE - PAGE, 2 * PAGE),
        map(BASE - PAGE, 4 * PAGE),
    ] {
        assert_eq!(refused(&overlap), Some(Errno::EEXIST), "{overlap:?}");
    }
    // Neighbours, and the last page there is.
    for fits in [
        map(BASE - PAGE, PAGE),
        map(BASE + 2 * PAGE, PAGE),
        map(u64::MAX - PAGE + 1, PAGE),
    ] {
        assert_eq!(refused(&fits), None, "{fits:?}");
    }
    let pipe = File::open("/dev/null").unwrap();
    let no_file = iommu.map(&map(BASE + 64 * PAGE, PAGE), Some(pipe.into()));
    assert_eq!(no_file, Err(Errno::EINVAL));
}

#[test]
fn a_file_that_may_only_be_read_is_not_mapped_for_writing() {
    let path = tempfile::NamedTempFile::new().unwrap();
    path.as_file().set_len(PAGE).unwrap();
    let open = || File::open(path.path()).unwrap().into();
    let mut iommu = Iommu::default();
    let wanted = map(BASE, PAGE);
    assert_eq!(iommu.map(&wanted, Some(open())), Err(Errno::EACCES));
    let read_only = DmaMap {
        write: false,
        ..wanted
    };
    iommu.map(&read_only, Some(open())).unwrap();
    iommu.read(BASE, &mut [1; 8]).unwrap();
    // The same file with more rights is another mapping of it.
    let more = DmaMap {
        address: BASE + PAGE,
        ..wanted
    };
    let writable = path.as_file().try_clone().unwrap();
    iommu.map(&more, Some(writable.into())).unwrap();
    iommu.write(BASE + PAGE, b"x").unwrap();
    let mut seen = [0];
    iommu.read(BASE, &mut seen).unwrap();
    assert_eq!(&seen, b"x");
}

#[test]
fn a_part_of_a_map_can_go() {
    let mut iommu = Iommu::default();
    let (client, fd) = file(8);
    for page in 0..8 {
        client
            .write_all_at(&[page], u64::from(page) * PAGE)
            .unwrap();
    }
    iommu.map(&map(BASE, 8 * PAGE), Some(fd)).unwrap();
    iommu.unmap(range(BASE + 2 * PAGE, 3 * PAGE));
    for page in 0..8u8 {
        let mut seen = [0xee];
        let read = iommu.read(BASE + u64::from(page) * PAGE, &mut seen);
        let there = !(2..5).contains(&page);
        assert_eq!(read.is_ok(), there, "page {page}");
        assert_eq!(seen[0], if there { page } else { 0xee });
    }
    // Large ranges that hold nothing, or all there is.
    iommu.unmap(range(1 << 40, u64::MAX));
    assert_eq!(iommu.maps.len(), 2);
    iommu.unmap(range(0, u64::MAX));
    assert_eq!(iommu.maps.len(), 0);
    iommu.unmap(DmaUnmap::All);
}

#[test]
fn a_file_is_mapped_once_and_goes_with_its_last_map() {
    let mut iommu = Iommu::default();
    let (_client, fd) = file(4);
    for page in 0..4 {
        let part = DmaMap {
            offset: page * PAGE,
            ..map(BASE + 2 * page * PAGE, PAGE)
        };
        iommu.map(&part, Some(fd.try_clone().unwrap())).unwrap();
    }
    let files = || iommu.files.values().filter(|file| file.strong_count() != 0);
    assert_eq!(files().count(), 1);
    assert_eq!(files().map(Weak::strong_count).sum::<usize>(), 4);
    iommu.unmap(DmaUnmap::All);
    assert!(iommu.files.values().all(|file| file.strong_count() == 0));
}

#[test]
fn a_file_that_becomes_shorter_costs_only_its_own_memory() {
    let mut iommu = Iommu::default();
    let (client, fd) = file(4);
    iommu.map(&map(BASE, 4 * PAGE), Some(fd)).unwrap();
    client.write_all_at(b"kept", 0).unwrap();
    client.set_len(PAGE).unwrap();
    let mut seen = [0xff; 4];
    iommu.read(BASE, &mut seen).unwrap();
    assert_eq!(&seen, b"kept");
    iommu.read(BASE + 2 * PAGE, &mut seen).unwrap();
    assert_eq!(seen, [0; 4]);
    iommu.write(BASE + 3 * PAGE, b"lost").unwrap();
}

#[test]
fn random_maps_and_unmaps_agree_with_a_list_of_pages() {
    const PAGES: usize = 32;
    let seed = 7;
    println!("seed {seed}");
    let mut rng = crate::rng::Rng::new(seed);
    let (client, fd) = file(PAGES as u64);
    let place = |page: usize| page as u64 * PAGE;
    for page in 0..PAGES {
        client.write_all_at(&[page as u8], place(page)).unwrap();
    }
    let mut iommu = Iommu::default();
    // The file's page behind every page of the function, if there is one.
    let mut expected = [None; PAGES];
    for _ in 0..2000 {
        let first = rng.below(PAGES);
        let count = 1 + rng.below(PAGES - first);
        let pages = first..first + count;
        let address = BASE + place(first);
        if rng.below(2) == 0 {
            let from = rng.below(PAGES - count + 1);
            let wanted = DmaMap {
                offset: place(from),
                ..map(address, place(count))
            };
            let free = expected[pages.clone()].iter().all(Option::is_none);
            let mapped = iommu.map(&wanted, Some(fd.try_clone().unwrap()));
            assert_eq!(mapped.is_ok(), free);
            if free {
                for (page, from) in pages.zip(from..) {
                    expected[page] = Some(from as u8);
                }
            }
        } else {
            iommu.unmap(range(address, place(count)));
            expected[pages].fill(None);
        }
        for (page, expected) in expected.iter().enumerate() {
            let mut seen = [0];
            let read = iommu.read(BASE + place(page), &mut seen);
            assert_eq!(read.ok().map(|_| seen[0]), *expected, "page {page}");
        }
    }
}
