//! Packs what is known of the API: as text it would be a twentieth of the binary. Refuses to build when the table of
//! effects does not fit the table of the API.

use flate2::{Compression, write::DeflateEncoder};
use std::{env, error::Error, fs, io::Write, path::Path};

#[path = "src/pve/api/effect/grammar.rs"]
#[allow(dead_code, unreachable_pub, reason = "the crate uses the rest")]
mod grammar;
#[path = "src/pve/api/effect/proof.rs"]
mod proof;
#[path = "src/pve/api/effect/terms.rs"]
#[allow(dead_code, unreachable_pub, reason = "the crate uses the rest")]
mod terms;

const TABLE: &str = "src/pve/api/table.txt";
/// The table of effects, file by file; the first holds what the others use.
const EFFECTS: &str = "src/pve/api/effect/rows";
const AREAS: [&str; 8] = ["words", "access", "cluster", "nodes", "storage", "guests", "firewall", "sdn"];

fn main() {
    if let Err(why) = pack() {
        println!("cargo::error={why}");
    }
}

fn pack() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={TABLE}");
    println!("cargo::rerun-if-changed=src/pve/api/effect");
    // The linker reads it (scripts/build.sh), and nobody else tells cargo so.
    println!("cargo::rerun-if-changed=scripts/start.ld");
    println!("cargo::rerun-if-changed=scripts/start_constants.ld");
    let table = fs::read_to_string(TABLE)?;
    let mut areas = Vec::new();
    for area in AREAS {
        let path = format!("{EFFECTS}/{area}.txt");
        areas.push((fs::read_to_string(&path)?, path));
    }
    let files: Vec<_> = areas.iter().map(|(text, path)| (path.as_str(), text.as_str())).collect();
    let effects = grammar::parse(&files).map_err(|why| format!("The effects cannot be read. {why}"))?;
    for problem in proof::problems(&table, &effects) {
        println!("cargo::error={problem} The rows are in {EFFECTS}.");
    }
    let mut rows = String::new();
    for line in areas.iter().flat_map(|(text, _)| text.lines()).filter(|line| !line.starts_with('#')) {
        rows.push_str(line);
        rows.push('\n');
    }
    let folder = env::var("OUT_DIR")?;
    for (name, text) in [("table", table), ("effects", rows)] {
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
        packer.write_all(text.as_bytes())?;
        fs::write(Path::new(&folder).join(format!("{name}.deflate")), packer.finish()?)?;
    }
    Ok(())
}
