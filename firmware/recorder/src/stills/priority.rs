//! A thread that shall be in nobody's way. The recorder's threads are real-time ones, and this one begins as such.
#![allow(unsafe_code)]

use std::io;

/// Nice value of the thread: ordinary programs go first, too.
const NICE: libc::c_int = 10;
/// `IOPRIO_WHO_PROCESS`, and the lowest of `IOPRIO_CLASS_BE` (`linux/ioprio.h`).
const WHO_PROCESS: libc::c_int = 1;
const LAST: libc::c_int = 2 << 13 | 7;

/// Makes the thread that calls an ordinary one of low priority, for processor and card.
///
/// # Errors
/// If the system does not let it.
pub(super) fn step_back() -> io::Result<()> {
    let ordinary = libc::sched_param { sched_priority: 0 };
    // SAFETY: of the thread that calls (0); the parameter is read and not kept.
    let done = unsafe { libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const ordinary) };
    checked(done.into())?;
    rustix::process::nice(NICE)?;
    // SAFETY: three numbers; of the thread that calls (0).
    checked(unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, LAST) })
}

fn checked(done: libc::c_long) -> io::Result<()> {
    match done {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Policy and nice value, by proc_pid_stat(5).
    fn own() -> (i32, i32) {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        // The first of these is field 3.
        let field = |n: usize| fields[n - 3].parse().unwrap();
        (field(41), field(19))
    }

    #[test]
    fn a_thread_that_was_real_time_is_behind_all_others() {
        let thread = std::thread::spawn(|| {
            let first = libc::sched_param { sched_priority: 10 };
            // SAFETY: as above.
            let may = unsafe { libc::sched_setscheduler(0, libc::SCHED_RR, &raw const first) } == 0;
            assert_eq!(
                own().0,
                if may {
                    libc::SCHED_RR
                } else {
                    libc::SCHED_OTHER
                }
            );
            let (_, before) = own();
            step_back().unwrap();
            // 19 is the last there is (nice(2)).
            assert_eq!(own(), (libc::SCHED_OTHER, (before + NICE).min(19)));
        });
        thread.join().unwrap();
        assert_eq!(own().0, libc::SCHED_OTHER);
    }
}
