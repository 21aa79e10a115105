//! Tickets, tokens and second factors of the sample cluster.

use super::*;

/// Status and reason of a `GET /nodes` with these header lines.
fn enter(server: &Server, auth: &str) -> (u16, String, usize) {
    let answer = send(server, auth, "GET /nodes", &[]);
    (answer.status, answer.reason, answer.body.len())
}

#[test]
fn tickets_are_good_for_two_hours_and_can_be_renewed() {
    let server = slow();
    let headers = ticket_headers(&server, "root@pam");
    let ticket = headers.lines().next().unwrap().split_once('=').unwrap().1.to_owned();
    let forms = [
        format!("Cookie: a=b; PVEAuthCookie={ticket}\r\n"),
        format!("Cookie: PVEAuthCookie={}\r\n", ticket.replace(':', "%3A").replace('+', "%2B")),
        format!("Authorization: PVEAuthCookie={ticket}\r\n"),
    ];
    for form in &forms {
        assert_eq!(enter(&server, form).0, 200, "{form}");
    }
    server.skip(7000.0);
    assert_eq!(enter(&server, &headers).0, 200);
    let renewal = [("username", "root@pam"), ("password", ticket.as_str())];
    let renewed = send(&server, "", "POST /access/ticket", &renewal).data();
    let renewed = format!("Cookie: PVEAuthCookie={}\r\n", renewed["ticket"].as_str().unwrap());
    server.skip(300.0);
    assert_eq!(enter(&server, &renewed).0, 200);
    let fast = fast();
    let headers = ticket_headers(&fast, "root@pam");
    fast.skip(8000.0);
    assert_eq!(enter(&fast, &headers), (401, "permission denied - invalid PVE ticket".into(), 0));
    let headers = ticket_headers(&fast, "root@pam");
    fast.expire_tickets();
    assert_eq!(enter(&fast, &headers).0, 401);
    assert_eq!(enter(&fast, &ticket_headers(&fast, "root@pam")).0, 200);
}

#[test]
fn a_cookie_wins_over_a_token_and_tokens_cannot_log_in() {
    let server = fast();
    let both = format!("Cookie: PVEAuthCookie=PVE:root@pam:00000000::x\r\n{}", root(&server));
    assert_eq!(enter(&server, &both).0, 401);
    let blank = root(&server).replace("PVEAPIToken=", "PVEAPIToken ");
    assert_eq!(enter(&server, &blank).0, 200);
    let login = [("username", "root@pam"), ("password", "demo")];
    let body = send(&server, &root(&server), "POST /access/ticket", &login).json();
    assert_eq!(body["status"], "403");
    assert!(body["message"].as_str().unwrap().contains("not available with API token, need proper ticket"));
}

#[test]
fn a_second_factor_is_asked_for_and_good_once() {
    let server = slow();
    let ask = |password: &str, challenge: Option<&str>| {
        let mut pairs = vec![("username", "otto@pve"), ("password", password)];
        pairs.extend(challenge.map(|challenge| ("tfa-challenge", challenge)));
        send(&server, "", "POST /access/ticket", &pairs).json()
    };
    let half = ask("demo", None)["data"].clone();
    assert_eq!(half["NeedTFA"], 1);
    let ticket = half["ticket"].as_str().unwrap();
    assert!(ticket.starts_with("PVE:!tfa!{"), "{ticket}");
    let code = format!("totp:{}", server.totp("otto@pve").unwrap());
    let whole = ask(&code, Some(ticket))["data"].clone();
    assert!(whole.get("NeedTFA").is_none());
    let cookie = format!("Cookie: PVEAuthCookie={}\r\n", whole["ticket"].as_str().unwrap());
    assert_eq!(enter(&server, &cookie).0, 200);

    let server = fast();
    let pairs = [("username", "otto@pve"), ("password", "demo")];
    let half = send(&server, "", "POST /access/ticket", &pairs).data();
    let half = half["ticket"].as_str().unwrap().to_owned();
    assert_eq!(enter(&server, &format!("Cookie: PVEAuthCookie={half}\r\n")).0, 401);
    let wrong = [("username", "otto@pve"), ("password", "totp:x"), ("tfa-challenge", half.as_str())];
    assert_eq!(
        send(&server, "", "POST /access/ticket", &wrong).json()["message"],
        "authentication failure\n"
    );
    let server = slow();
    assert!(server.totp("root@pam").is_none());
}

#[test]
fn a_code_of_the_second_factor_is_refused_the_second_time() {
    let server = Server::start(Options { clock_speed: 100.0, ..Options::default() }).unwrap();
    let half =
        send(&server, "", "POST /access/ticket", &[("username", "otto@pve"), ("password", "demo")]).data();
    let half = half["ticket"].as_str().unwrap();
    let code = format!("totp:{}", server.totp("otto@pve").unwrap());
    let pairs = [("username", "otto@pve"), ("password", code.as_str()), ("tfa-challenge", half)];
    assert_eq!(send(&server, "", "POST /access/ticket", &pairs).json()["success"], 1);
    assert_eq!(send(&server, "", "POST /access/ticket", &pairs).json()["success"], 0);
}

#[test]
fn a_separated_token_sees_nothing_and_its_user_sees_one_guest() {
    let server = fast();
    let token = token_header("alice@pve!ro", server.token_secret("alice@pve!ro").unwrap().expose());
    assert_eq!(send(&server, &token, "GET /cluster/resources", &[("type", "vm")]).data(), json!([]));
    let ticket = ticket_headers(&server, "alice@pve");
    let seen = send(&server, &ticket, "GET /cluster/resources", &[("type", "vm")]).data();
    assert_eq!(seen.as_array().unwrap().iter().map(|row| &row["vmid"]).collect::<Vec<_>>(), [102]);
    assert_eq!(send(&server, &ticket, "POST /nodes/pve2/qemu/102/status/start", &[]).json()["success"], 1);
    let body = send(&server, &ticket, "POST /nodes/pve1/qemu/100/status/start", &[]).json();
    assert_eq!(body["message"], "Permission check failed (/vms/100, VM.PowerMgmt)\n");
    let made = ask(&server, "POST /access/users/alice@pve/token/t1", &[("privsep", "0")]);
    let made = token_header("alice@pve!t1", made["value"].as_str().unwrap());
    let seen = send(&server, &made, "GET /cluster/resources", &[("type", "vm")]).data();
    assert_eq!(seen.as_array().unwrap().len(), 1);
}
