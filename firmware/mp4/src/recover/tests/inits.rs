//! Damaged inits.

use super::*;

#[test]
fn a_damaged_init_is_mended_or_borrowed_if_its_crc_agrees() {
    let init = {
        let (record, _) = read_record(&cut_off()).unwrap();
        init::stored(&cut_off(), &record).unwrap()
    };
    let head = u64::from(HEAD_LEN);
    let mut slot = cut_off();
    slot.flip(head + 300);
    assert!(check(&slot).map_or(true, |said| said.faults[0].contains("init")));
    assert!(mend(&mut slot, &Help::NONE).unwrap().init);
    assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());

    // Beyond that: another segment lends its own, or nobody can.
    let lend = |crc: u32| Some(init.clone()).filter(|init| crc32fast::hash(init) == crc);
    let wrong = |_: u32| Some(vec![7_u8; 700]);
    for damage in [0, 4] {
        let mut slot = cut_off();
        slot.zero(head + damage, 300);
        let found = slot.bytes.clone();
        for lend in [&|_| None, &wrong as &dyn Fn(u32) -> Option<Vec<u8>>] {
            let help = Help { lend, named: None };
            assert!(matches!(mend(&mut slot, &help), Err(RecoverError::Init(_))));
            assert!(
                slot.bytes == found,
                "changed although nothing could be done"
            );
        }
        let help = Help {
            lend: &lend,
            named: None,
        };
        assert!(mend(&mut slot, &help).unwrap().init);
        assert_eq!(slot.pictures(), ALL);
        assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
        // A finished one has it in its index.
        let mut slot = finished();
        slot.zero(head + damage, 300);
        assert!(mend(&mut slot, &Help::NONE).unwrap().init);
        assert!(slot.bytes == finished().bytes);
    }
    // And the other way round.
    let mut slot = finished();
    slot.zero(512, 3000);
    assert_eq!(slot.pictures(), 0);
    assert!(mend(&mut slot, &Help::NONE).unwrap().index);
    assert!(slot.bytes == finished().bytes);
}

#[test]
fn a_flipped_bit_anywhere_in_an_init_is_undone() {
    let slot = cut_off();
    let (record, _) = read_record(&slot).unwrap();
    let good = init::stored(&slot, &record).unwrap();
    for at in 0..good.len() as u64 {
        let mut slot = slot.clone();
        slot.flip(u64::from(HEAD_LEN) + at);
        let found = init::find(&slot, &record, None, &Help::NONE).unwrap();
        assert!(found.bytes == good, "byte {at}");
        assert!(found.verified && !found.in_place, "byte {at}");
    }
    // A checksum that is itself off is that of nothing.
    let mut wrong = record.clone();
    wrong.init_crc = record.init_crc.map(|crc| crc ^ 1);
    let found = init::find(&slot, &wrong, None, &Help::NONE).unwrap();
    assert!(!found.verified && found.in_place);
}

#[test]
fn what_is_damaged_of_an_init_may_be_what_nobody_needs() {
    let slot = cut_off();
    let (record, _) = read_record(&slot).unwrap();
    let good = init::stored(&slot, &record).unwrap();
    let reserved = good.windows(4).position(|w| w == b"hdlr").unwrap() as u64 + 16;
    let mut slot = slot.clone();
    slot.put(u64::from(HEAD_LEN) + reserved, &[1, 2, 3, 4]);
    assert!(init::stored(&slot, &record).unwrap() != good);
    let found = init::find(&slot, &record, None, &Help::NONE).unwrap();
    assert!(found.bytes == good && found.verified);
}

#[test]
fn an_init_is_padded_by_a_box_of_its_own() {
    let padded = |len: usize| {
        let init = Init {
            bytes: vec![0; len],
            tracks: Vec::new(),
            zero: 0,
            in_place: true,
            verified: true,
        };
        init.padded_len()
    };
    assert_eq!(
        [700, 4088, 4089, 4096].map(padded),
        [4096, 4096, 8192, 8192]
    );
}
