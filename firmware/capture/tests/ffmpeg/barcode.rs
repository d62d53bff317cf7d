//! Reads the frame number that the simulated camera draws.

/// The number in a luma plane of `width`; `None` where a cell is neither black nor white, or the
/// margin is not black.
pub(crate) fn read(luma: &[u8], width: usize) -> Option<u32> {
    let cell = (width / 40).max(4);
    // The middle of a cell, so that coding noise at its edges does not matter.
    let level = |column: usize, row: usize| {
        let (x, y) = (column * cell + cell / 2, row * cell + cell / 2);
        let around = [(0, 0), (0, 1), (1, 0), (1, 1)];
        around
            .iter()
            .map(|(dx, dy)| u32::from(luma[(y + dy - 1) * width + x + dx - 1]))
            .sum::<u32>()
            / 4
    };
    let margin = (3..37)
        .flat_map(|c| [(c, 0), (c, 2)])
        .chain([(3, 1), (36, 1)]);
    if margin
        .into_iter()
        .any(|(column, row)| level(column, row) > 70)
    {
        return None;
    }
    (4..36).try_fold(0, |number, column| match level(column, 1) {
        0..=70 => Some(number << 1),
        180.. => Some(number << 1 | 1),
        _ => None,
    })
}
