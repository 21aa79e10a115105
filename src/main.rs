//! The binary: hands its arguments to [`proxmox_mcp::cli`].

use std::process::ExitCode;

/// musl's own allocator asks the system for memory page by page, and gives it back as soon.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    proxmox_mcp::cli::run(std::env::args_os().skip(1))
}
