//! What the process keeps in memory.

/// Tells the kernel to give this process no huge pages: of a service that mostly waits they keep twice as much memory as it
/// uses. A kernel without this setting changes nothing.
#[cfg(target_os = "linux")]
pub fn without_huge_pages() {
    // PR_SET_THP_DISABLE (prctl(2))
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Other systems have no such setting.
#[cfg(not(target_os = "linux"))]
pub fn without_huge_pages() {}
