//! What a manifest may state.

use facenet::MAX_CHIP_EDGE_PX;

use super::{Decode, DetectorOutput, EmbedderOutput, Input, Manifest};

/// Checks the values of a manifest.
///
/// # Errors
/// What was found and expected, in words.
pub(super) fn check(manifest: &Manifest) -> Result<(), String> {
    let name = &manifest.name;
    let letters = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(letters) {
        return Err(format!("the name `{name}` is not 1 to 64 letters, digits, `.`, `_` and `-`"));
    }
    check_input(&manifest.input)?;
    match (&manifest.embedder, &manifest.detector) {
        (Some(embedder), None) => check_embedder(embedder, &manifest.input),
        (None, Some(detector)) => check_detector(detector),
        (None, None) => Err("it has neither `[embedder]` nor `[detector]`".into()),
        (Some(_), Some(_)) => Err("it has both `[embedder]` and `[detector]`, expected one of them".into()),
    }
}

fn check_input(input: &Input) -> Result<(), String> {
    let allowed = |edge| (1..=MAX_CHIP_EDGE_PX).contains(&edge);
    if let Some([height, width]) = input.size
        && !(allowed(height) && allowed(width))
    {
        return Err(format!("an input of {height} x {width} pixels, expected 1 to {MAX_CHIP_EDGE_PX} each"));
    }
    if !input.mean.iter().all(|mean| mean.is_finite()) {
        return Err(format!("the means {:?} are not finite", input.mean));
    }
    if !input.scale.iter().all(|scale| scale.is_normal()) {
        return Err(format!("the scales {:?} cannot be divided by", input.scale));
    }
    Ok(())
}

fn check_embedder(embedder: &EmbedderOutput, input: &Input) -> Result<(), String> {
    if !(embedder.field > 0.0 && embedder.field <= 1.0) {
        return Err(format!("the field {} is not above 0 and at most 1", embedder.field));
    }
    match input.size {
        Some([height, width]) if height == width => Ok(()),
        Some([height, width]) => {
            Err(format!("an embedder's input is square, but it is {height} x {width} pixels"))
        }
        None => Err("an embedder's `input.size` is missing".into()),
    }
}

fn check_detector(detector: &DetectorOutput) -> Result<(), String> {
    let DetectorOutput { decode, score, overlap, largest_edge_px, strides, anchors, least_face_px, .. } =
        detector;
    for (what, part) in [("score", score), ("overlap", overlap)] {
        if !(*part > 0.0 && *part < 1.0) {
            return Err(format!("the {what} {part} is not between 0 and 1"));
        }
    }
    if !(32..=MAX_CHIP_EDGE_PX).contains(largest_edge_px) {
        return Err(format!("largest_edge_px {largest_edge_px} is not 32 to {MAX_CHIP_EDGE_PX}"));
    }
    if !(*least_face_px >= 4.0 && least_face_px.is_finite()) {
        return Err(format!("least_face_px {least_face_px} is not 4 or more"));
    }
    if let Some(stride) = strides.iter().find(|&&stride| !(1..=256).contains(&stride)) {
        return Err(format!("the stride {stride} is not 1 to 256"));
    }
    let needs_strides =
        matches!(decode, Decode::Yunet | Decode::Scrfd | Decode::Retinaface | Decode::Pyramid);
    if needs_strides && (strides.is_empty() || strides.len() > 8) {
        return Err(format!("it has {} strides, expected 1 to 8", strides.len()));
    }
    if *decode == Decode::Retinaface && anchors.len() != strides.len() {
        return Err(format!("it has {} lists of anchors for {} strides", anchors.len(), strides.len()));
    }
    let edges = || anchors.iter().flatten();
    if anchors.iter().any(|list| list.is_empty() || list.len() > 16)
        || !edges().all(|e| *e > 0.0 && e.is_finite())
    {
        return Err(format!("the anchors {anchors:?} are not 1 to 16 lengths a stride"));
    }
    Ok(())
}
