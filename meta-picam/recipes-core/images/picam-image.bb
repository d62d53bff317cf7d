SUMMARY = "The card of a picam dashcam"
DESCRIPTION = "A read-only root with the recorder, its hotspot and its page; see docs/image.md"

require picam-image.inc
