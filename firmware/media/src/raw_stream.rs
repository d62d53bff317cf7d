//! A raw Annex B stream as access units with times.

use std::io::Read;

use crate::annexb::{MAX_NAL_LEN, NalReader};
use crate::nal::NalKind;
use crate::order::{DisplayOrder, Picture, PocCounter};
use crate::sps::{FrameRate, OrderFacts};
use crate::unit_builder::{UnitBuilder, is_stored};
use crate::{AccessUnit, Codec, Leading, MediaError, h264, h265};

/// Longest access unit kept.
const MAX_UNIT_LEN: usize = 2 * MAX_NAL_LEN;

/// Reads a raw stream, which has no timestamps, and gives it some.
///
/// Frame number `n` in decoding order is decoded at `n` frame durations. Where pictures are reordered,
/// they are shown in the order of their picture order counts, all later by the depth of reordering, so
/// that none is shown before it is decoded. Units before the first key frame are left out.
pub struct RawStream<R> {
    nals: NalReader<R>,
    builder: UnitBuilder,
    /// Parameter sets on their way to the builder.
    scratch: Vec<u8>,
    stated_rate: Option<FrameRate>,
    rate: Option<FrameRate>,
    counter: PocCounter,
    order: DisplayOrder,
    /// Reordering depth the times were shifted by, once a picture came.
    shift: Option<u8>,
    /// Number of the next unit in decoding order.
    next: u64,
    ended: bool,
    /// Whether the next NAL unit's head was looked at and belongs to the next access unit.
    peeked: bool,
    /// Whether a key frame was met since the start of the stream.
    decodable: bool,
    /// Whether the last key frame was the first: leading pictures that refer to what came before it
    /// cannot be decoded.
    first_sequence: bool,
}

impl<R: Read> RawStream<R> {
    /// Reads `reader`; `rate` overrules what the stream says of its rate.
    pub fn new(reader: R, codec: Codec, rate: Option<FrameRate>) -> Self {
        Self {
            nals: NalReader::new(reader),
            builder: UnitBuilder::new(codec),
            scratch: Vec::new(),
            stated_rate: rate,
            rate: None,
            counter: PocCounter::default(),
            order: DisplayOrder::new(),
            shift: None,
            next: 0,
            ended: false,
            peeked: false,
            decodable: false,
            first_sequence: true,
        }
    }

    /// Starts over with the same stream from its beginning; times go on.
    pub fn restart(&mut self, reader: R) {
        self.nals.restart(reader);
        self.counter.end_of_sequence();
        self.ended = false;
        self.peeked = false;
        self.decodable = false;
        self.first_sequence = true;
    }

    /// Damage that no unit followed; counts from 0 again.
    pub fn take_damage(&mut self) -> u32 {
        self.builder.take_damage()
    }

    /// Fills `unit` (data, parameter sets, start, dts, pts, damage) with the next access unit in decoding order;
    /// `false` at the end of the stream.
    ///
    /// # Errors
    /// [`MediaError::NoRate`] if neither the caller nor the stream says the rate,
    /// [`MediaError::NeedsContainer`] if frames are reordered in a way that cannot be followed,
    /// [`MediaError::Garbage`] if nothing but damage comes. What is damaged otherwise is left out and counted.
    pub fn read(&mut self, unit: &mut AccessUnit) -> Result<bool, MediaError> {
        loop {
            if let Some(shown) = self.order.pop(unit) {
                self.stamp(unit, shown);
                return Ok(true);
            }
            if self.ended {
                return Ok(false);
            }
            let Some(picture) = self.read_picture(unit)? else {
                self.ended = true;
                self.order.show_all();
                continue;
            };
            let depth = self.depth()?;
            if depth == 0 {
                let shown = self.order.show_at_once();
                self.stamp(unit, shown);
                return Ok(true);
            }
            self.order.push(unit, picture, depth);
        }
    }

    fn stamp(&mut self, unit: &mut AccessUnit, shown: u64) {
        if let Some(rate) = self.rate {
            unit.dts = rate.ticks(self.next);
            unit.pts = rate.ticks(shown + u64::from(self.shift.unwrap_or(0)));
        }
        self.next += 1;
    }

    /// The reordering depth in force; fixes rate and shift at the first picture.
    fn depth(&mut self) -> Result<u8, MediaError> {
        let facts = self.builder.sets().facts();
        let depth = facts.map_or(0, |f| f.max_reorder);
        if self.rate.is_none() {
            let rate = self.stated_rate.or(facts.and_then(|f| f.rate));
            self.rate = Some(rate.ok_or(MediaError::NoRate)?);
        }
        let shift = *self.shift.get_or_insert(depth);
        if depth > shift {
            return Err(MediaError::NeedsContainer(
                "this raw stream begins to reorder its frames more deeply halfway",
            ));
        }
        // All that are held must be numbered by one rule.
        Ok(shift)
    }

    /// Fills `unit` with the next decodable picture; `None` at the end.
    fn read_picture(&mut self, unit: &mut AccessUnit) -> Result<Option<Picture>, MediaError> {
        loop {
            self.builder.begin(unit);
            let mut picture = None;
            let mut leading = false;
            loop {
                let Some(head) = self.nals.current_or_next_head(self.peeked)? else {
                    self.peeked = false;
                    break;
                };
                self.peeked = false;
                let Some(kind) = NalKind::of(self.builder.sets().codec(), head) else {
                    continue;
                };
                if self.builder.ends_before(kind) {
                    self.peeked = true;
                    break;
                }
                if !is_stored(kind) {
                    if kind == NalKind::Delimiter || kind == NalKind::Filler {
                        continue;
                    }
                    self.scratch.clear();
                    match self.nals.append_to(&mut self.scratch) {
                        Ok(_) => self.builder.take(kind, &self.scratch)?,
                        Err(error) => self.left_out(error)?,
                    }
                    continue;
                }
                let begins_picture =
                    matches!(kind, NalKind::Slice { .. }) && !self.builder.has_picture();
                self.builder.note(kind, head);
                if begins_picture {
                    match self.builder.place(head, &mut self.counter) {
                        Ok(place) => picture = place,
                        Err(MediaError::Slice) => self.builder.damage_unit(),
                        Err(other) => return Err(other),
                    }
                    leading = is_rasl(kind);
                } else if self.builder.sets().codec() == Codec::H265
                    && h265::is_end_of_sequence(head)
                {
                    self.counter.end_of_sequence();
                }
                let length_at = unit.data.len();
                unit.data.extend_from_slice(&[0; 4]);
                let length = match self.nals.append_to(&mut unit.data) {
                    Ok(length) if unit.data.len() <= MAX_UNIT_LEN => length as u32,
                    Ok(_) => {
                        self.drop_from(unit, length_at, kind)?;
                        continue;
                    }
                    Err(error) => {
                        self.left_out(error)?;
                        self.drop_from(unit, length_at, kind)?;
                        continue;
                    }
                };
                let nal = unit.data.get(length_at + 4..).unwrap_or_default();
                self.builder.note_whole(kind, nal);
                if let Some(prefix) = unit.data.get_mut(length_at..length_at + 4) {
                    prefix.copy_from_slice(&length.to_be_bytes());
                }
            }
            if !self.builder.has_picture() {
                return Ok(None);
            }
            let complete = self.builder.finish(unit)?;
            if complete && unit.start.is_start() {
                self.first_sequence = !self.decodable;
                self.decodable = true;
            }
            if complete && self.decodable && !(leading && self.first_sequence) {
                return Ok(Some(picture.unwrap_or(Picture {
                    starts_sequence: false,
                    poc: 0,
                })));
            }
            self.builder.skip(unit);
            unit.damage_before = 0;
        }
    }
}

/// Whether the slice belongs to a picture that cannot be decoded when decoding starts at the random
/// access picture before it.
const fn is_rasl(kind: NalKind) -> bool {
    matches!(
        kind,
        NalKind::Slice {
            leading: Leading::Skipped,
            ..
        }
    )
}

impl<R: Read> RawStream<R> {
    /// A NAL unit longer than any is damage; other errors are the reader's.
    fn left_out(&mut self, error: std::io::Error) -> Result<(), MediaError> {
        // An error of the system has a number; the one made here has none.
        if error.kind() != std::io::ErrorKind::InvalidData || error.raw_os_error().is_some() {
            return Err(error.into());
        }
        self.builder.count_damage()
    }

    /// Takes what cannot be used back out of the unit.
    fn drop_from(
        &mut self,
        unit: &mut AccessUnit,
        at: usize,
        kind: NalKind,
    ) -> Result<(), MediaError> {
        unit.data.truncate(at);
        if matches!(kind, NalKind::Slice { .. }) {
            self.builder.damage_unit();
        } else {
            self.builder.count_damage()?;
        }
        Ok(())
    }
}

impl UnitBuilder {
    /// Where the picture that the slice in `head` begins stands in display order; `None` if the stream
    /// does not reorder or has not said its parameter sets.
    fn place(&self, head: &[u8], counter: &mut PocCounter) -> Result<Option<Picture>, MediaError> {
        if self
            .sets()
            .facts()
            .is_none_or(|facts| facts.max_reorder == 0)
        {
            return Ok(None);
        }
        let Some((sps, pps)) = self.sets().order_facts(head) else {
            return Ok(None);
        };
        match sps {
            OrderFacts::H264(sps) => h264::picture(head, sps, &pps.order, counter),
            OrderFacts::H265(sps) => h265::picture(head, sps, &pps.order, counter),
        }
        .map(Some)
    }
}
