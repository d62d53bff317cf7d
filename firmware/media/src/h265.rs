//! H.265 parameter sets and the start of slice headers (ITU-T H.265, 7.3.2 and 7.3.6).
//!
//! Read here, on the bit reader of `h264-reader`: `scuffle-h265` panics on damaged sets (a hundredth
//! of those with a few bytes changed) and allocates as much as they ask for.

use std::num::NonZeroUsize;

use h264_reader::rbsp::{BitRead, BitReaderError};

use crate::MediaError;
use crate::nal::h265_type;
use crate::order::{Picture, PocCounter};
use crate::rbsp::{at_most, bits, explain};
use crate::sps::{self, FrameRate, PpsFacts, PpsOrderFacts, SpsFacts};

const HEADER_LEN: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);
/// Limit of `sps_max_dec_pic_buffering_minus1` (A.4.2), so of reordering too.
const MAX_DPB_MINUS1: u32 = 15;

/// What of an SPS a slice header depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderFacts {
    separate_planes: bool,
    poc_bits: u8,
}

pub(crate) fn parse_sps(nal: &[u8]) -> Result<SpsFacts, String> {
    let r = &mut bits(nal, HEADER_LEN);
    r.skip(4, "sps_video_parameter_set_id").map_err(explain)?;
    let sub_layers: u8 = r
        .read::<3, _>("sps_max_sub_layers_minus1")
        .map_err(explain)?;
    r.skip(1, "sps_temporal_id_nesting_flag").map_err(explain)?;
    profile_tier_level(r, sub_layers).map_err(explain)?;
    let id = ue(r, 15, "sps_seq_parameter_set_id")? as u8;
    let chroma_format = ue(r, 3, "chroma_format_idc")?;
    let separate_planes = chroma_format == 3 && bit(r, "separate_colour_plane_flag")?;
    let (width, height) = size(r, chroma_format)?;
    ue(r, 8, "bit_depth_luma_minus8")?;
    ue(r, 8, "bit_depth_chroma_minus8")?;
    let poc_bits = ue(r, 12, "log2_max_pic_order_cnt_lsb_minus4")? as u8 + 4;
    let max_reorder = sub_layer_ordering(r, sub_layers)?;
    coding_blocks(r)?;
    reference_pictures(r, poc_bits)?;
    let rate = if bit(r, "vui_parameters_present_flag")? {
        vui_rate(r)?
    } else {
        None
    };
    Ok(SpsFacts {
        id,
        width,
        height,
        rate,
        // Only the hypothetical decoder's parameters could promise it, and hardly anyone writes them.
        fixed_rate: rate.is_some(),
        max_reorder,
        order: sps::OrderFacts::H265(OrderFacts {
            separate_planes,
            poc_bits,
        }),
    })
}

fn ue(r: &mut impl BitRead, max: u32, element: &'static str) -> Result<u32, String> {
    at_most(r.read_ue(element).map_err(explain)?, max, element)
}

fn bit(r: &mut impl BitRead, element: &'static str) -> Result<bool, String> {
    r.read_bit(element).map_err(explain)
}

/// Goes over 7.3.3 with `profilePresentFlag`.
fn profile_tier_level(r: &mut impl BitRead, sub_layers: u8) -> Result<(), BitReaderError> {
    r.skip(8 + 32 + 48 + 8, "general_level_idc")?;
    let mut present = [(false, false); 8];
    for flags in present.iter_mut().take(sub_layers.into()) {
        let profile = r.read_bit("sub_layer_profile_present_flag")?;
        *flags = (profile, r.read_bit("sub_layer_level_present_flag")?);
    }
    if sub_layers > 0 {
        r.skip(2 * u32::from(8 - sub_layers), "reserved_zero_2bits")?;
    }
    for (profile, level) in present {
        if profile {
            r.skip(88, "sub_layer_profile_idc")?;
        }
        if level {
            r.skip(8, "sub_layer_level_idc")?;
        }
    }
    Ok(())
}

/// Picture size and conformance window.
fn size(r: &mut impl BitRead, chroma_format: u32) -> Result<(u16, u16), String> {
    const MAX: u32 = u16::MAX as u32;
    let width = ue(r, MAX, "pic_width_in_luma_samples")?;
    let height = ue(r, MAX, "pic_height_in_luma_samples")?;
    let mut cut = [0; 4];
    if bit(r, "conformance_window_flag")? {
        for side in &mut cut {
            *side = ue(r, MAX, "conf_win_offset")?;
        }
    }
    let [left, right, top, bottom] = cut;
    let sub_width = if matches!(chroma_format, 1 | 2) { 2 } else { 1 };
    let sub_height = if chroma_format == 1 { 2 } else { 1 };
    let inside = |size: u32, cut: u32| {
        size.checked_sub(cut)
            .and_then(|n| u16::try_from(n).ok())
            .filter(|&n| n > 0)
    };
    match (
        inside(width, (left + right) * sub_width),
        inside(height, (top + bottom) * sub_height),
    ) {
        (Some(width), Some(height)) => Ok((width, height)),
        _ => Err(format!(
            "the conformance window leaves nothing of {width}x{height}"
        )),
    }
}

/// `sps_max_num_reorder_pics` of the highest sub-layer.
fn sub_layer_ordering(r: &mut impl BitRead, sub_layers: u8) -> Result<u8, String> {
    let all = bit(r, "sps_sub_layer_ordering_info_present_flag")?;
    let mut reorder = 0;
    for _ in if all { 0 } else { sub_layers }..=sub_layers {
        ue(r, MAX_DPB_MINUS1, "sps_max_dec_pic_buffering_minus1")?;
        reorder = ue(r, MAX_DPB_MINUS1, "sps_max_num_reorder_pics")? as u8;
        r.read_ue("sps_max_latency_increase_plus1")
            .map_err(explain)?;
    }
    Ok(reorder)
}

/// From the coding block sizes to `pcm_loop_filter_disabled_flag`.
fn coding_blocks(r: &mut impl BitRead) -> Result<(), String> {
    for element in [
        "log2_min_luma_coding_block_size_minus3",
        "log2_diff_max_min_luma_coding_block_size",
        "log2_min_luma_transform_block_size_minus2",
        "log2_diff_max_min_luma_transform_block_size",
        "max_transform_hierarchy_depth_inter",
        "max_transform_hierarchy_depth_intra",
    ] {
        ue(r, 8, element)?;
    }
    if bit(r, "scaling_list_enabled_flag")? && bit(r, "sps_scaling_list_data_present_flag")? {
        scaling_lists(r).map_err(explain)?;
    }
    r.skip(2, "sample_adaptive_offset_enabled_flag")
        .map_err(explain)?;
    if bit(r, "pcm_enabled_flag")? {
        r.skip(8, "pcm_sample_bit_depth_luma_minus1")
            .map_err(explain)?;
        ue(r, 8, "log2_min_pcm_luma_coding_block_size_minus3")?;
        ue(r, 8, "log2_diff_max_min_pcm_luma_coding_block_size")?;
        bit(r, "pcm_loop_filter_disabled_flag")?;
    }
    Ok(())
}

/// 7.3.4.
fn scaling_lists(r: &mut impl BitRead) -> Result<(), BitReaderError> {
    for size in 0..4u32 {
        for _ in (0..6).step_by(if size == 3 { 3 } else { 1 }) {
            if !r.read_bit("scaling_list_pred_mode_flag")? {
                r.read_ue("scaling_list_pred_matrix_id_delta")?;
                continue;
            }
            if size > 1 {
                r.read_se("scaling_list_dc_coef_minus8")?;
            }
            for _ in 0..64.min(1 << (4 + 2 * size)) {
                r.read_se("scaling_list_delta_coef")?;
            }
        }
    }
    Ok(())
}

/// From `num_short_term_ref_pic_sets` to `strong_intra_smoothing_enabled_flag`.
fn reference_pictures(r: &mut impl BitRead, poc_bits: u8) -> Result<(), String> {
    let sets = ue(r, 64, "num_short_term_ref_pic_sets")?;
    let mut pictures = 0;
    for set in 0..sets {
        pictures = short_term_set(r, set > 0, pictures)?;
    }
    if bit(r, "long_term_ref_pics_present_flag")? {
        for _ in 0..ue(r, 32, "num_long_term_ref_pics_sps")? {
            r.skip(u32::from(poc_bits) + 1, "lt_ref_pic_poc_lsb_sps")
                .map_err(explain)?;
        }
    }
    r.skip(2, "strong_intra_smoothing_enabled_flag")
        .map_err(explain)
}

/// 7.3.7; `before` is the number of pictures in the set before, the result that in this one.
fn short_term_set(r: &mut impl BitRead, may_predict: bool, before: u32) -> Result<u32, String> {
    if may_predict && bit(r, "inter_ref_pic_set_prediction_flag")? {
        bit(r, "delta_rps_sign")?;
        ue(r, (1 << 15) - 1, "abs_delta_rps_minus1")?;
        let mut pictures = 0;
        for _ in 0..=before {
            let kept = bit(r, "used_by_curr_pic_flag")? || bit(r, "use_delta_flag")?;
            pictures += u32::from(kept);
        }
        return at_most(pictures, MAX_DPB_MINUS1 + 1, "NumDeltaPocs");
    }
    let negative = ue(r, MAX_DPB_MINUS1 + 1, "num_negative_pics")?;
    let positive = ue(r, MAX_DPB_MINUS1 + 1, "num_positive_pics")?;
    for _ in 0..negative + positive {
        ue(r, (1 << 15) - 1, "delta_poc_minus1")?;
        bit(r, "used_by_curr_pic_flag")?;
    }
    Ok(negative + positive)
}

/// E.2.1 as far as the frame rate.
fn vui_rate(r: &mut impl BitRead) -> Result<Option<FrameRate>, String> {
    if bit(r, "aspect_ratio_info_present_flag")? {
        let idc: u8 = r.read::<8, _>("aspect_ratio_idc").map_err(explain)?;
        if idc == 255 {
            r.skip(32, "sar_width").map_err(explain)?;
        }
    }
    if bit(r, "overscan_info_present_flag")? {
        bit(r, "overscan_appropriate_flag")?;
    }
    if bit(r, "video_signal_type_present_flag")? {
        r.skip(4, "video_format").map_err(explain)?;
        if bit(r, "colour_description_present_flag")? {
            r.skip(24, "colour_primaries").map_err(explain)?;
        }
    }
    if bit(r, "chroma_loc_info_present_flag")? {
        ue(r, 5, "chroma_sample_loc_type_top_field")?;
        ue(r, 5, "chroma_sample_loc_type_bottom_field")?;
    }
    r.skip(3, "frame_field_info_present_flag")
        .map_err(explain)?;
    if bit(r, "default_display_window_flag")? {
        for _ in 0..4 {
            r.read_ue("def_disp_win_offset").map_err(explain)?;
        }
    }
    if !bit(r, "vui_timing_info_present_flag")? {
        return Ok(None);
    }
    let seconds = r.read::<32, _>("vui_num_units_in_tick").map_err(explain)?;
    let frames = r.read::<32, _>("vui_time_scale").map_err(explain)?;
    Ok(FrameRate::new(frames, seconds))
}

pub(crate) fn parse_pps(nal: &[u8]) -> Result<PpsFacts, String> {
    let r = &mut bits(nal, HEADER_LEN);
    let id = ue(r, 63, "pps_pic_parameter_set_id")? as u8;
    let sps_id = ue(r, 15, "pps_seq_parameter_set_id")? as u8;
    bit(r, "dependent_slice_segments_enabled_flag")?;
    let output_flag = bit(r, "output_flag_present_flag")?;
    let extra_bits = r
        .read::<3, _>("num_extra_slice_header_bits")
        .map_err(explain)?;
    Ok(PpsFacts {
        id,
        sps_id,
        order: PpsOrderFacts {
            output_flag,
            extra_bits,
            ..PpsOrderFacts::default()
        },
    })
}

const fn is_irap(nal_unit_type: u8) -> bool {
    matches!(nal_unit_type, 16..=23)
}

const fn is_idr(nal_unit_type: u8) -> bool {
    matches!(nal_unit_type, 19 | 20)
}

/// Whether the unit ends a coded video sequence (EOS, EOB).
pub(crate) fn is_end_of_sequence(head: &[u8]) -> bool {
    matches!(h265_type(head), Some(36 | 37))
}

/// `slice_pic_parameter_set_id` of a picture's first slice.
pub(crate) fn slice_pps_id(head: &[u8]) -> Option<u8> {
    let r = &mut bits(head, HEADER_LEN);
    slice_start(r, h265_type(head)?).ok()
}

/// Whether the picture's first slice is coded without reference to other pictures.
pub(crate) fn is_intra_slice(head: &[u8], pps: &PpsOrderFacts) -> bool {
    let read = || {
        let nal_unit_type = h265_type(head)?;
        let r = &mut bits(head, HEADER_LEN);
        slice_start(r, nal_unit_type).ok()?;
        r.skip(u32::from(pps.extra_bits), "slice_reserved_flag")
            .ok()?;
        ue(r, 2, "slice_type").ok()
    };
    read() == Some(2)
}

fn slice_start(r: &mut impl BitRead, nal_unit_type: u8) -> Result<u8, String> {
    bit(r, "first_slice_segment_in_pic_flag")?;
    if is_irap(nal_unit_type) {
        bit(r, "no_output_of_prior_pics_flag")?;
    }
    Ok(ue(r, 63, "slice_pic_parameter_set_id")? as u8)
}

/// The place in display order of the picture that the slice in `head` begins (8.3.1).
pub(crate) fn picture(
    head: &[u8],
    sps: &OrderFacts,
    pps: &PpsOrderFacts,
    counter: &mut PocCounter,
) -> Result<Picture, MediaError> {
    const DAMAGED: MediaError = MediaError::Slice;
    let (Some(nal_unit_type), Some(&second)) = (h265_type(head), head.get(1)) else {
        return Err(DAMAGED);
    };
    let lsb = read_lsb(head, nal_unit_type, sps, pps).map_err(|_| DAMAGED)?;
    // IDR and BLA always, CRA at the start: NoRaslOutputFlag is 1, and with it the high bits are 0.
    let starts_sequence =
        matches!(nal_unit_type, 16..=20) || is_irap(nal_unit_type) && !counter.is_running();
    if starts_sequence {
        return Ok(Picture {
            starts_sequence,
            poc: counter.begin(lsb),
        });
    }
    // Leading pictures and sub-layer non-reference pictures are no anchors, nor are higher layers.
    let temporal_id_plus1 = second & 7;
    let anchors = temporal_id_plus1 == 1
        && !matches!(nal_unit_type, 6..=9)
        && !(nal_unit_type <= 14 && nal_unit_type % 2 == 0);
    let poc = counter.next(lsb, sps.poc_bits, anchors);
    Ok(Picture {
        starts_sequence,
        poc,
    })
}

/// Reads 7.3.6.1 up to `slice_pic_order_cnt_lsb`.
fn read_lsb(
    head: &[u8],
    nal_unit_type: u8,
    sps: &OrderFacts,
    pps: &PpsOrderFacts,
) -> Result<u32, String> {
    let r = &mut bits(head, HEADER_LEN);
    slice_start(r, nal_unit_type)?;
    if is_idr(nal_unit_type) {
        return Ok(0);
    }
    r.skip(u32::from(pps.extra_bits), "slice_reserved_flag")
        .map_err(explain)?;
    ue(r, 2, "slice_type")?;
    if pps.output_flag {
        bit(r, "pic_output_flag")?;
    }
    if sps.separate_planes {
        r.skip(2, "colour_plane_id").map_err(explain)?;
    }
    r.read_var(u32::from(sps.poc_bits), "slice_pic_order_cnt_lsb")
        .map_err(explain)
}
