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
