//! Which fragments a walk finds, and how many it says are missing.

use super::*;

/// A slot of which only some fragments are filled in, in a place of one's choice.
struct Sparse {
    slot: Slot,
    bytes: Vec<u8>,
    first: u64,
}

impl Sparse {
    fn new(len: usize) -> Self {
        let slot = cut_off();
        Self {
            first: slot.fragments()[0].0,
            slot,
            bytes: vec![0; len],
        }
    }

    /// Puts the nth fragment to `at`, and says where it ends.
    fn put(&mut self, n: usize, at: u64) -> u64 {
        let (from, len) = self.slot.fragments()[n];
        let bytes = &self.slot.bytes[from as usize..][..len as usize];
        self.bytes[at as usize..][..len as usize].copy_from_slice(bytes);
        at + u64::from(len)
    }

    fn put_free(&mut self, at: u64) {
        let mut header = Vec::new();
        crate::boxes::header(b"free", self.bytes.len() as u64 - at, &mut header);
        self.bytes[at as usize..][..header.len()].copy_from_slice(&header);
    }

    fn place(&self) -> Place {
        let (record, _) = read_record(&self.slot).unwrap();
        Place {
            sequence: record.sequence,
            boot_tag: writer::boot_tag(&record.boot_id),
            first: self.first,
            slot_len: self.bytes.len() as u64,
            limit: self.bytes.len() as u64,
        }
    }

    fn walked(&self) -> Walked {
        walk::walk(&self.bytes, self.place(), true).unwrap()
    }
}

/// The numbers of the fragments that were found, and how many are damaged or missing.
fn numbers(walked: &Walked) -> (Vec<u32>, u32) {
    let found = walked.intact().map(|(piece, _)| piece.index);
    (found.collect(), walked.damaged())
}

#[test]
fn a_free_hides_what_lies_further_behind_it_than_a_cut_damages() {
    const WINDOW: u64 = 8 << 20;
    let with = |first: Option<usize>, free: bool, distance: u64| {
        let mut sparse = Sparse::new(20 << 20);
        let end = first.map_or(sparse.first, |n| sparse.put(n, sparse.first));
        if free {
            sparse.put_free(end);
        }
        sparse.put(7, end + distance);
        numbers(&sparse.walked())
    };
    assert_eq!(with(Some(0), true, WINDOW), (vec![0, 7], 6));
    assert_eq!(with(Some(0), true, WINDOW + 4096), (vec![0], 0));
    // What is no `free` hides nothing, and neither does one where nothing is found before it.
    assert_eq!(with(Some(0), false, WINDOW + 4096), (vec![0, 7], 6));
    assert_eq!(with(None, true, WINDOW + 4096), (vec![7], 7));
}

#[test]
fn missing_fragments_are_counted_by_the_numbers_of_the_others() {
    let mut sparse = Sparse::new(1 << 20);
    let end = sparse.put(0, sparse.first);
    let end = sparse.put(3, end);
    sparse.put_free(end);
    assert_eq!(numbers(&sparse.walked()), (vec![0, 3], 2));

    // A copy of the next one's boxes, its record gone, is no fragment: no number is missing.
    let mut sparse = Sparse::new(1 << 20);
    let end = sparse.put(0, sparse.first);
    sparse.put(1, end);
    sparse.bytes[end as usize + 28..][..272].fill(0);
    let end = sparse.put(1, end + 4096);
    sparse.put_free(end);
    let walked = sparse.walked();
    assert_eq!(numbers(&walked), (vec![0, 1], 0));
    assert_eq!((walked.end, walked.free_follows), (end, true));
}

#[test]
fn a_finished_header_says_where_the_last_fragment_ends_if_that_can_be() {
    let mut sparse = Sparse::new(1 << 20);
    let end = sparse.put(0, sparse.first);
    let walked = sparse.walked();
    let whole = sparse.place();
    let extended = |sparse: &Sparse, place: Place, to: u64| {
        let mut longer = walked.clone();
        walk::extend(&mut longer, &sparse.bytes, place, to).unwrap();
        (longer != walked).then_some((longer.end, longer.pieces.len(), longer.free_follows))
    };
    let to = end + 8192;
    sparse.put_free(to);
    assert_eq!(extended(&sparse, whole, to), Some((to, 2, true)));
    assert_eq!(extended(&sparse, whole, end), None);
    assert_eq!(extended(&sparse, whole, to - 1), None);
    assert_eq!(extended(&sparse, whole, whole.limit + 4096), None);
    let all = Some((whole.limit, 2, true));
    assert_eq!(extended(&sparse, whole, whole.limit), all);
    // What follows is beyond what can be read, or not the `free` that belongs there.
    let cut = |limit| Place { limit, ..whole };
    assert_eq!(extended(&sparse, cut(to + 4096), to), Some((to, 2, true)));
    assert_eq!(extended(&sparse, cut(to), to), Some((to, 2, false)));
    sparse.bytes.truncate(to as usize);
    assert_eq!(extended(&sparse, cut(to), to), Some((to, 2, false)));
    let mut sparse = Sparse::new(1 << 20);
    sparse.put_free(to);
    sparse.bytes[to as usize + 4..][..2].fill(0);
    assert_eq!(extended(&sparse, whole, to), Some((to, 2, true)));
    sparse.bytes[to as usize + 6] = 0;
    assert_eq!(extended(&sparse, whole, to), Some((to, 2, false)));
}

#[test]
fn boxes_without_a_record_are_those_of_the_next_fragment_if_they_go_on_in_time() {
    let taken = |n: usize, base: u64| {
        let mut sparse = Sparse::new(1 << 20);
        let mut end = sparse.first;
        for before in 0..n {
            end = sparse.put(before, end);
        }
        let at = end as usize;
        end = sparse.put(n, end);
        sparse.bytes[at + 28..][..272].fill(0);
        let front = sparse.bytes[at..][..PAGE].windows(4);
        let tfdt = front.enumerate().find(|(_, w)| w == b"tfdt").unwrap().0;
        sparse.bytes[at + tfdt + 8..][..8].copy_from_slice(&base.to_be_bytes());
        end = sparse.put(n + 1, end);
        sparse.put_free(end);
        let walked = sparse.walked();
        assert_eq!(walked.damaged(), 1);
        walked.pieces[n].parts.is_some()
    };
    let end = PER_FRAGMENT as u64 * 9000;
    assert!(taken(0, 0) && !taken(0, 1));
    assert!(taken(1, end) && taken(1, end + 1) && !taken(1, end - 1));
}
