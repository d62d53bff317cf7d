//! Encoders in hardware: the kernel's "memory-to-memory stateful video encoders" (`dev-encoder.rst`), such as the one of
//! Raspberry Pis up to 4.
//!
//! | file | does |
//! |---|---|
//! | `find` | which node is an encoder, and whether it suits |
//! | `plan` | how it is set up: calls, order, values |
//! | `machine` | what is known of its two queues; accounts for every picture |
//! | `rate` | keeps groups within what a segment can take |
//! | `share` | what cameras take of one encoder together |
//! | `session` | node and machine together; sets it up anew when it hangs |
//! | `encoder` | access units of what comes out |
//! | `fallback` | software, where the hardware does not work any more |
//! | `ioctl`, `layout` | the kernel's calls, and pictures in its buffers |

mod encoder;
mod fallback;
mod find;
mod ids;
mod ioctl;
mod layout;
mod machine;
mod plan;
mod port;
mod rate;
mod session;
mod share;

pub use encoder::{Hardware, open_encoder};
pub use find::{Facts, Found, choose, encoders};
pub use plan::{H264, PI_CARD, Wanted, YU12};
