//! Packs the table of the API, and compiles what hardens the start of a static binary.

use flate2::{Compression, write::DeflateEncoder};
use std::{env, error::Error, fs, io::Write, path::Path};

const TABLE: &str = "src/pve/api/table.txt";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={TABLE}");
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&fs::read(TABLE)?)?;
    let folder = env::var("OUT_DIR")?;
    fs::write(Path::new(&folder).join("table.deflate"), packer.finish()?)?;
    protect_relro();
    Ok(())
}

/// musl leaves RELRO of a static program unapplied; see the C file.
fn protect_relro() {
    const SOURCE: &str = "src/relro.c";
    println!("cargo::rerun-if-changed={SOURCE}");
    if env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|libc| libc == "musl") {
        for object in cc::Build::new().file(SOURCE).compile_intermediates() {
            println!("cargo::rustc-link-arg-bins={}", object.display());
        }
    }
}
