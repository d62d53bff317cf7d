//! A USB camera made of software: it speaks USB Video Class 1.1 to the kernel's own `uvcvideo`, over the sockets with
//! which `vhci_hcd` reaches devices on other machines (USB/IP). It delivers the pictures of files, MJPEG or H.264, by
//! the clock, as a camera does: who is not ready for one goes without it.

pub mod camera;
pub mod descriptors;
pub mod pictures;
pub mod usbip;
