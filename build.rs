//! Packs the table of the API: as text it would be a twenty-fifth of the binary.

use flate2::{Compression, write::DeflateEncoder};
use std::{env, error::Error, fs, io::Write, path::Path};

const TABLE: &str = "src/pve/api/table.txt";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={TABLE}");
    // The linker reads it (scripts/build.sh), and nobody else tells cargo so.
    println!("cargo::rerun-if-changed=scripts/start.ld");
    println!("cargo::rerun-if-changed=scripts/start_constants.ld");
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&fs::read(TABLE)?)?;
    let folder = env::var("OUT_DIR")?;
    fs::write(Path::new(&folder).join("table.deflate"), packer.finish()?)?;
    Ok(())
}
