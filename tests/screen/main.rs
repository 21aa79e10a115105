//! VNC displays of independent servers: this program's client against QEMU's own VNC server and against x11vnc, both
//! over their websockets, through a stand-in for the API that only forwards bytes; compared with the image that QEMU
//! and the X server themselves save of the same display.
//!
//! Needs `qemu-system-x86_64`, and `x11vnc` with `Xvfb` for the second; starts them itself. `cargo test --test screen`.

#![allow(clippy::print_stdout, reason = "it says what it found")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]
#![allow(unreachable_pub, reason = "its modules are for this test alone")]

mod desktop;
mod qemu;
mod stand_in;

use proxmox_mcp::{
    cancel::Cancel,
    plot::png::Image,
    pve::{Auth, Host, Pve, Settings, Trust},
    secret::{Secret, SecretSource},
};
use std::{
    env, fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

const GUEST: &str = "/nodes/pve1/qemu/100";

fn main() {
    let folder = env::temp_dir().join(format!("proxmox-mcp-screen-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let result = of_qemu(&folder).and_then(|()| of_a_desktop(&folder));
    fs::remove_dir_all(&folder).unwrap();
    result.unwrap();
}

/// A client that reaches that VNC server through the stand-in.
fn client(websocket: u16) -> io::Result<Pve> {
    let host = Host { name: "127.0.0.1".into(), port: stand_in::start(websocket)?, plain: true };
    let secret = SecretSource::Value(Secret::new("secret"));
    let auth = Auth::Token { id: "root@pam!test".into(), secret };
    Ok(Pve::new(Settings::new(vec![host], auth, Trust::System)))
}

fn of_qemu(folder: &Path) -> io::Result<()> {
    let websocket = stand_in::free_port()?;
    let mut machine = qemu::Machine::start(folder, websocket)?;
    let pve = client(websocket)?;

    // The firmware keeps writing for a moment: the display is compared once it stops changing.
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let before = machine.saved()?;
        let begun = Instant::now();
        machine.allow()?;
        let seen = pve.screen(&Cancel::new(), GUEST).map_err(io::Error::other)?;
        let took = begun.elapsed();
        let after = machine.saved()?;
        let drawn = before.2.iter().any(|byte| *byte != 0);
        if before == after && drawn {
            assert_eq!((seen.width, seen.height), (after.0, after.1));
            assert!(seen.rgb == after.2, "the picture differs from the one that QEMU saved");
            let image = Image { width: seen.width, height: seen.height, rgb: seen.rgb };
            let file = image.png();
            if let Some(path) = env::args().nth(1) {
                fs::write(path, &file)?;
            }
            println!(
                "{} × {} pixels after {took:?}, {} bytes as PNG, equal to QEMU's own",
                image.width,
                image.height,
                file.len()
            );
            break;
        }
        assert!(Instant::now() < until, "the screen was never still");
        thread::sleep(Duration::from_millis(300));
    }
    machine.refuse()?;
    let refused = pve.screen(&Cancel::new(), GUEST).unwrap_err().to_string();
    assert!(refused.contains("refused"), "{refused}");
    println!("with another password: {refused}");
    Ok(())
}

fn of_a_desktop(folder: &Path) -> io::Result<()> {
    let there = |program: &str| {
        env::split_paths(&env::var_os("PATH").unwrap_or_default())
            .any(|folder| folder.join(program).is_file())
    };
    if !there("x11vnc") || !there("Xvfb") {
        println!("not compared with x11vnc, because x11vnc or Xvfb is not installed");
        return Ok(());
    }
    let websocket = stand_in::free_port()?;
    let desktop = desktop::Desktop::start(folder, websocket)?;
    let seen = client(websocket)?.screen(&Cancel::new(), GUEST).map_err(io::Error::other)?;
    let saved = desktop.saved()?;
    assert_eq!((seen.width, seen.height), (saved.0, saved.1));
    assert!(saved.2.iter().any(|byte| *byte != saved.2[0]), "the desktop has a pattern");
    assert!(seen.rgb == saved.2, "the picture differs from the one that the X server keeps");
    println!("{} × {} pixels from x11vnc, equal to the X server's own", seen.width, seen.height);
    Ok(())
}
