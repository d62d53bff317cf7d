//! H.264 parameter sets and the start of slice headers (ITU-T H.264, 7.3.2 and 7.3.3).

use std::num::NonZeroUsize;

use h264_reader::nal::sps::{FrameMbsFlags, PicOrderCntType, SeqParameterSet};
use h264_reader::rbsp::{BitRead, BitReaderError};

use crate::order::{Picture, PocCounter};
use crate::rbsp::{at_most, bits, explain};
use crate::sps::{self, FrameRate, PpsFacts, PpsOrderFacts, SpsFacts};
use crate::{Colour, MediaError};

const HEADER_LEN: NonZeroUsize = NonZeroUsize::MIN;
const NAL_IDR: u8 = 5;
/// `matrix_coefficients` (table E-5).
const BT709: u8 = 1;

/// What of an SPS a slice header depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderFacts {
    separate_planes: bool,
    frame_num_bits: u8,
    frames_only: bool,
    poc: PocType,
}

/// `pic_order_cnt_type` (8.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PocType {
    /// Type 0: the slice header carries this many low bits.
    Lsb { bits: u8 },
    /// Type 1: deltas to an expected cycle.
    Deltas,
    /// Type 2: display order is decoding order.
    DecodingOrder,
}

pub(crate) fn parse_sps(nal: &[u8]) -> Result<SpsFacts, String> {
    let sps = SeqParameterSet::from_bits(bits(nal, HEADER_LEN)).map_err(|e| format!("{e:?}"))?;
    let (width, height) = sps.pixel_dimensions().map_err(|e| format!("{e:?}"))?;
    let side = |n: u32| u16::try_from(n).ok().filter(|&n| n > 0);
    let (Some(width), Some(height)) = (side(width), side(height)) else {
        return Err(format!("pictures of {width}x{height}"));
    };
    let timing = sps
        .vui_parameters
        .as_ref()
        .and_then(|vui| vui.timing_info.as_ref());
    // A tick is a field's time (E.2.1).
    let rate =
        timing.and_then(|t| FrameRate::new(t.time_scale, t.num_units_in_tick.checked_mul(2)?));
    let poc = match sps.pic_order_cnt {
        PicOrderCntType::TypeZero {
            log2_max_pic_order_cnt_lsb_minus4: bits,
        } => PocType::Lsb { bits: bits + 4 },
        PicOrderCntType::TypeOne { .. } => PocType::Deltas,
        PicOrderCntType::TypeTwo => PocType::DecodingOrder,
    };
    let frames_only = sps.frame_mbs_flags == FrameMbsFlags::Frames;
    Ok(SpsFacts {
        id: sps.id().id(),
        width,
        height,
        rate,
        fixed_rate: timing.is_some_and(|t| t.fixed_frame_rate_flag),
        max_reorder: max_reorder(&sps, poc),
        order: sps::OrderFacts::H264(OrderFacts {
            separate_planes: sps.chroma_info.separate_colour_plane_flag,
            frame_num_bits: sps.log2_max_frame_num(),
            frames_only,
            poc,
        }),
    })
}

/// What an SPS says of colours; `None` if it does not.
pub(crate) fn colour(nal: &[u8]) -> Option<Colour> {
    let sps = SeqParameterSet::from_bits(bits(nal, HEADER_LEN)).ok()?;
    let signal = sps.vui_parameters?.video_signal_type?;
    let is_709 = signal.colour_description?.matrix_coefficients == BT709;
    Some(match (is_709, signal.video_full_range_flag) {
        (true, false) => Colour::Bt709,
        (true, true) => Colour::Bt709Full,
        (false, false) => Colour::Bt601,
        (false, true) => Colour::Bt601Full,
    })
}

/// `max_num_reorder_frames`, or what E.2.1 says to take in its absence.
fn max_reorder(sps: &SeqParameterSet, poc: PocType) -> u8 {
    const MAX_DPB_FRAMES: u64 = 16;
    // Baseline has no B pictures; its encoders often leave the VUI out.
    if poc == PocType::DecodingOrder || u8::from(sps.profile_idc) == 66 {
        return 0;
    }
    let stated = sps
        .vui_parameters
        .as_ref()
        .and_then(|vui| vui.bitstream_restrictions.as_ref());
    let frames = match stated {
        Some(stated) => u64::from(stated.max_num_reorder_frames),
        // constraint_set3_flag in these profiles: only intra pictures.
        None if [44, 86, 100, 110, 122, 244].contains(&u8::from(sps.profile_idc))
            && sps.constraint_flags.flag3() =>
        {
            0
        }
        None => {
            let rows = if sps.frame_mbs_flags == FrameMbsFlags::Frames {
                1
            } else {
                2
            };
            let size = (u64::from(sps.pic_width_in_mbs_minus1) + 1)
                * (u64::from(sps.pic_height_in_map_units_minus1) + 1)
                * rows;
            let room = sps
                .level()
                .limits()
                .map_or(u64::MAX, |l| u64::from(l.max_dpb_mbs));
            room / size
        }
    };
    u8::try_from(frames.min(MAX_DPB_FRAMES)).unwrap_or(0)
}

pub(crate) fn parse_pps(nal: &[u8]) -> Result<PpsFacts, String> {
    let mut r = bits(nal, HEADER_LEN);
    let id = r.read_ue("pic_parameter_set_id").map_err(explain)?;
    let sps_id = r.read_ue("seq_parameter_set_id").map_err(explain)?;
    r.read_bit("entropy_coding_mode_flag").map_err(explain)?;
    let bottom_field_order = r
        .read_bit("bottom_field_pic_order_in_frame_present_flag")
        .map_err(explain)?;
    Ok(PpsFacts {
        id: at_most(id, 255, "pic_parameter_set_id")? as u8,
        sps_id: at_most(sps_id, 31, "seq_parameter_set_id")? as u8,
        order: PpsOrderFacts {
            bottom_field_order,
            ..PpsOrderFacts::default()
        },
    })
}

/// `pic_parameter_set_id` of a slice.
pub(crate) fn slice_pps_id(head: &[u8]) -> Option<u8> {
    let mut r = bits(head, HEADER_LEN);
    r.read_ue("first_mb_in_slice").ok()?;
    r.read_ue("slice_type").ok()?;
    u8::try_from(r.read_ue("pic_parameter_set_id").ok()?).ok()
}

/// Whether the slice is coded without reference to other pictures (I, SI).
pub(crate) fn is_intra_slice(head: &[u8]) -> bool {
    let mut r = bits(head, HEADER_LEN);
    r.read_ue("first_mb_in_slice").is_ok() && matches!(r.read_ue("slice_type"), Ok(2 | 4 | 7 | 9))
}

/// The place in display order of the picture that the slice in `head` begins (8.2.1.1).
///
/// `memory_management_control_operation` 5 is not looked for: it stands deep in the header, and
/// encoders that reorder use IDR pictures instead.
pub(crate) fn picture(
    head: &[u8],
    sps: &OrderFacts,
    pps: &PpsOrderFacts,
    counter: &mut PocCounter,
) -> Result<Picture, MediaError> {
    const DAMAGED: MediaError = MediaError::Slice;
    let header = *head.first().ok_or(DAMAGED)?;
    let idr = header & 0x1f == NAL_IDR;
    let reference = header & 0x60 != 0;
    let PocType::Lsb { bits: lsb_bits } = sps.poc else {
        return Err(MediaError::NeedsContainer(
            "this raw H.264 stream orders its frames by picture order count type 1",
        ));
    };
    let slice = read_slice(head, sps, pps, idr, lsb_bits).map_err(|_| DAMAGED)?;
    if slice.field {
        return Err(MediaError::NeedsContainer(
            "this raw H.264 stream codes single fields",
        ));
    }
    if idr {
        counter.reset();
    }
    let top = counter.next(slice.lsb, lsb_bits, reference);
    Ok(Picture {
        starts_sequence: idr,
        poc: top.saturating_add(slice.delta_bottom.min(0)),
    })
}

struct SliceStart {
    field: bool,
    lsb: u32,
    delta_bottom: i32,
}

/// Reads 7.3.3 up to `delta_pic_order_cnt_bottom`.
fn read_slice(
    head: &[u8],
    sps: &OrderFacts,
    pps: &PpsOrderFacts,
    idr: bool,
    lsb_bits: u8,
) -> Result<SliceStart, BitReaderError> {
    let mut r = bits(head, HEADER_LEN);
    r.read_ue("first_mb_in_slice")?;
    r.read_ue("slice_type")?;
    r.read_ue("pic_parameter_set_id")?;
    if sps.separate_planes {
        r.skip(2, "colour_plane_id")?;
    }
    r.skip(u32::from(sps.frame_num_bits), "frame_num")?;
    let field = !sps.frames_only && r.read_bit("field_pic_flag")?;
    if field {
        r.read_bit("bottom_field_flag")?;
    }
    if idr {
        r.read_ue("idr_pic_id")?;
    }
    let lsb = r.read_var(u32::from(lsb_bits), "pic_order_cnt_lsb")?;
    let delta_bottom = if pps.bottom_field_order && !field {
        r.read_se("delta_pic_order_cnt_bottom")?
    } else {
        0
    };
    Ok(SliceStart {
        field,
        lsb,
        delta_bottom,
    })
}
