//! VNC displays and consoles of the sample cluster, over its websockets.

use proxmox_mcp::{
    cancel::Cancel,
    demo::{Options, Server},
    pve::{Auth, Host, Method, Params, Pve, Settings, Trust},
    secret::{Secret, SecretSource},
};
use std::time::Duration;

fn settings(server: &Server, auth: Auth) -> Settings {
    let address = server.address();
    let host = Host { name: address.ip().to_string(), port: address.port(), plain: true };
    Settings::new(vec![host], auth, Trust::System)
}

fn with_token(server: &Server) -> Pve {
    let (id, secret) = server.token();
    Pve::new(settings(server, Auth::Token { id, secret: SecretSource::Value(secret) }))
}

fn with_password(server: &Server, user: &str) -> Pve {
    let password = SecretSource::Value(Secret::new("demo"));
    Pve::new(settings(server, Auth::Password { user: user.into(), password, totp: None }))
}

fn start() -> Server {
    Server::start(Options { clock_speed: 100.0, ..Options::default() }).unwrap()
}

#[test]
fn what_is_seen_is_what_was_drawn() {
    let server = Server::start(Options::default()).unwrap();
    for pve in [with_token(&server), with_password(&server, "root@pam")] {
        for (guest, vmid) in [("/nodes/pve1/qemu/105", 105), ("/nodes/pve3/qemu/107", 107)] {
            let picture = pve.screen(&Cancel::new(), guest).unwrap();
            let drawn = server.screen(vmid).unwrap();
            assert_eq!((picture.width, picture.height), (drawn.width, drawn.height));
            assert!(picture.rgb == drawn.rgb, "{guest}");
            assert!(drawn.rgb.iter().any(|byte| *byte != 0));
        }
    }
    assert!(server.screen(105) != server.screen(107));
    assert!(server.screen(999).is_none());
    assert_eq!(server.unhandled(), [""; 0]);
}

#[test]
fn consoles_say_who_they_are() {
    let server = Server::start(Options::default()).unwrap();
    let pve = with_token(&server);
    let heard =
        pve.listen(&Cancel::new(), "/nodes/pve1/lxc/202", None, Duration::from_millis(400), 10_000).unwrap();
    let text = String::from_utf8(heard.bytes).unwrap();
    assert!(text.contains("Debian GNU/Linux 13 proxy01 tty1") && text.ends_with("proxy01 login: "), "{text}");
    assert!(!heard.cut && !heard.ended);
    // A VM without a serial port has no text console.
    let error = pve.listen(&Cancel::new(), "/nodes/pve1/qemu/105", None, Duration::from_millis(400), 10_000);
    assert!(error.unwrap_err().to_string().contains("unable to find a serial interface"));
}

#[test]
fn a_guest_that_does_not_run_shows_nothing() {
    let server = start();
    let error = with_token(&server).screen(&Cancel::new(), "/nodes/pve1/qemu/100").unwrap_err().to_string();
    assert!(error.contains("closed the connection"), "{error}");
}

#[test]
fn nobody_looks_without_the_privilege_or_with_anothers_ticket() {
    let server = Server::start(Options::default()).unwrap();
    let refused = with_password(&server, "alice@pve").screen(&Cancel::new(), "/nodes/pve1/qemu/105");
    assert!(refused.unwrap_err().to_string().contains("VM.Console"));
    // A proxy opened by one user is not valid for another user or guest, or with a forged ticket.
    let root = with_token(&server);
    let open = || {
        let reply = root.send(&Cancel::new(), Method::Post, "/nodes/pve1/qemu/105/vncproxy", &Params::new());
        reply.unwrap().value()
    };
    for (pve, guest, ticket) in [
        (with_password(&server, "root@pam"), 105, None),
        (with_token(&server), 106, None),
        (with_token(&server), 105, Some("PVEVNC:0::x")),
    ] {
        let opened = open();
        let ticket = ticket.unwrap_or_else(|| opened["ticket"].as_str().unwrap());
        let params = Params::new().with("port", opened["port"].as_str().unwrap()).with("vncticket", ticket);
        let node = if guest == 106 { "pve2" } else { "pve1" };
        let path = format!("/nodes/{node}/qemu/{guest}/vncwebsocket");
        let error = pve.get(&Cancel::new(), &path, &params).unwrap_err().to_string();
        assert!(error.contains("invalid PVEVNC ticket"), "{error}");
    }
}
