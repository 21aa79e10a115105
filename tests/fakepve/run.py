#!/usr/bin/env python3
"""The nine tools against fakepve, an independent fake of the Proxmox API (PyPI `fakepve`).

usage: run.py BINARY
       run.py --with COMMAND [WORD...]   only runs COMMAND while fakepve runs; `{config}` in its arguments is
                                         replaced by the path of a configuration file for it

fakepve runs as a process of its own, over HTTPS with a self-signed certificate. Each way to log in and to trust
the certificate is tried; calls that must fail have to give the reason in a sentence. Prints a line per check
and `N passed, N failed` at the end.
"""
import asyncio, contextlib, hashlib, json, logging, os, ssl, subprocess, sys, tempfile

TOKEN, SECRET = "root@pam!test", "11111111-2222-3333-4444-555555555555"
passed = failed = 0


def serve(directory):
    logging.disable()  # it tells each connection that it drops on purpose
    from fakepve.certs import make_cert
    from fakepve.server import FakePve

    async def main():
        pve = FakePve(user="root@pam", password="secret", host="127.0.0.1", port=0)
        pve.time_scale = 0.05
        pve.apitokens[TOKEN] = SECRET
        pve.add_vm(100, "web01", node="pve1", status="stopped", config={"cores": 2, "memory": "2048"})
        db = pve.add_vm(101, "db01", node="pve1", status="running", config={"cores": 4, "memory": "4096"})
        slow = pve.add_vm(102, "slow01", node="pve1", status="stopped", config={"cores": 1, "memory": "512"})
        slow.start_secs = 10_000
        pve.add_ct(200, "ct200", node="pve1", status="running", config={"cores": 1, "memory": "512"})
        cert, key, _ = make_cert(directory, hosts=("127.0.0.1",))
        await pve.start(cert, key)
        print(pve.port, flush=True)
        # Each line on stdin is a fault: one of fakepve's own methods, and its arguments.
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            method, arguments = json.loads(line)
            if method == "lock":
                db.lock = arguments["lock"]
            else:
                getattr(pve, method)(**arguments)
            print("done", flush=True)

    asyncio.run(main())


def check(name, condition, seen=""):
    global passed, failed
    if condition:
        passed += 1
        print(f"  ok   {name}")
    else:
        failed += 1
        print(f"  FAIL {name}: {seen}")


def call(binary, settings, tool, **arguments):
    """Runs one tool; returns its JSON object, or its error message."""
    env = {"PATH": os.environ["PATH"], "PROXMOX_MCP_CONFIG": settings["config"]} | settings["env"]
    pairs = [f"{key}={value}" for key, value in arguments.items()]
    done = subprocess.run([binary, "call", tool, *pairs], env=env, capture_output=True, text=True, timeout=60)
    if SECRET in done.stderr + done.stdout:
        check("no secret in the output", False, done.stderr)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def column(table, name):
    return [row[table["columns"].index(name)] for row in table["rows"]]


def nine_tools(binary, settings, how):
    run = lambda tool, **arguments: call(binary, settings, tool, **arguments)
    seen = run("proxmox_test_connection")
    check(f"{how}: test_connection", isinstance(seen, dict) and column(seen, "result") == ["ok"] * 5, seen)
    seen = run("proxmox_get_version")
    check(f"{how}: get_version", isinstance(seen, dict) and "version" in seen, seen)
    seen = run("proxmox_list_nodes")
    check(f"{how}: list_nodes", isinstance(seen, dict) and "pve1" in column(seen, "node"), seen)
    seen = run("proxmox_list_vms")
    check(f"{how}: list_vms", isinstance(seen, dict) and column(seen, "vmid") == [100, 101, 102], seen)
    seen = run("proxmox_get_vm_info", vmid=101)
    check(f"{how}: get_vm_info", isinstance(seen, dict) and seen["status"]["status"] == "running", seen)
    seen = run("proxmox_start_vm", vmid=100)
    check(f"{how}: start_vm", isinstance(seen, dict) and seen.get("exitstatus") == "OK", seen)
    seen = run("proxmox_stop_vm", vmid=100)
    check(f"{how}: stop_vm", isinstance(seen, dict) and seen.get("exitstatus") == "OK", seen)
    seen = run("proxmox_list_containers")
    check(f"{how}: list_containers", isinstance(seen, dict) and column(seen, "vmid") == [200], seen)
    seen = run("proxmox_list_storage")
    check(f"{how}: list_storage", isinstance(seen, dict) and 0 < seen["total"], seen)


def failing(binary, settings, how, tool, *words, **arguments):
    seen = call(binary, settings, tool, **arguments)
    check(f"{how}: says {words}", isinstance(seen, str) and all(word in seen for word in words), seen)


@contextlib.contextmanager
def fakepve():
    """A running fakepve: yields its folder, its port and its certificate."""
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, os.path.abspath(__file__), "--serve", directory]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def order(method, **arguments):
            server.stdin.write(json.dumps([method, arguments]) + "\n")
            server.stdin.flush()
            assert server.stdout.readline() == "done\n", f"fakepve does not know {method}"

        try:
            port = server.stdout.readline().strip()
            if not port:
                sys.exit(f"fakepve did not start (exit code {server.wait()})")
            yield directory, port, os.path.join(directory, "fakepve.crt"), order
        finally:
            server.kill()
            server.wait()


def write_config(directory, **keys):
    path = os.path.join(directory, "config.json")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(keys, file)
    return path


def run_with(words):
    with fakepve() as (directory, port, ca_file, _):
        login = {"token_id": TOKEN, "token_secret": SECRET, "ca_file": ca_file}
        config = write_config(directory, host="127.0.0.1", port=int(port), **login)
        return subprocess.run([word.replace("{config}", config) for word in words]).returncode


def session(binary, settings, how="session", may_fail=False):
    """Several concurrent calls over one pipe: each is answered once, and the server exits at the end of its input. If
    calls may fail, some still succeed, and each failure is reported in a sentence."""
    calls = ["proxmox_get_version", "proxmox_list_nodes", "proxmox_list_vms", "proxmox_list_storage"] * 5
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "run.py", "version": "1"}}
    lines = [{"id": 0, "method": "initialize", "params": client}]
    lines += [{"id": place, "method": "tools/call", "params": {"name": name}} for place, name in enumerate(calls, 1)]
    text = "".join(json.dumps({"jsonrpc": "2.0"} | line) + "\n" for line in lines)
    env = {"PATH": os.environ["PATH"], "PROXMOX_MCP_CONFIG": settings["config"]} | settings["env"]
    done = subprocess.run([binary], env=env, input=text, capture_output=True, text=True, timeout=60)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    check(f"{how}: every request is answered once", sorted(a["id"] for a in answers) == list(range(len(lines))), answers)
    failed = [a for a in answers if "result" not in a or a["result"].get("isError")]
    told = [a["result"]["content"][0]["text"] for a in failed if "result" in a]
    fine = len(told) == len(failed) < len(calls) and all(text.endswith(".") and "`" in text for text in told)
    check(f"{how}: {'failures are sentences' if may_fail else 'no answer is an error'}", fine and (may_fail or not failed), failed)
    check(f"{how}: exit code 0", done.returncode == 0, done.stderr)


def faults(binary, settings, order):
    """fakepve's own faults, one after the other."""
    order("slow_network", latency=10, jitter=5)
    session(binary, settings, "slow network")
    order("slow_network", latency=0)
    order("lock", lock="backup")
    failing(binary, settings, "locked VM", "proxmox_shutdown_vm", "VM is locked (backup)", vmid=101)
    order("lose_quorum")
    session(binary, settings, "no quorum")
    failing(binary, settings, "no quorum", "proxmox_start_vm", "no quorum", vmid=100)
    order("regain_quorum")
    for seed in range(5):
        order("flaky_network", drop_rate=0.2, seed=seed)
        session(binary, settings, f"flaky network {seed}", may_fail=True)


def main(binary):
    binary = os.path.abspath(binary)
    with fakepve() as (directory, port, ca_file, order):
        with open(ca_file) as file:
            digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest().upper()
        fingerprint = ":".join(digest[place : place + 2] for place in range(0, 64, 2))
        empty = write_config(directory)

        def settings(**env):
            base = {"PROXMOX_HOST": "127.0.0.1", "PROXMOX_PORT": port}
            return {"config": empty, "env": base | {f"PROXMOX_{key.upper()}": value for key, value in env.items()}}

        token = {"token_id": TOKEN, "token_secret": SECRET}
        password = {"user": "root", "realm": "pam", "password": "secret"}
        nine_tools(binary, settings(**token, ca_file=ca_file), "token, CA file")
        nine_tools(binary, settings(**token, fingerprint=fingerprint), "token, fingerprint")
        nine_tools(binary, settings(**token, verify_ssl="false"), "token, verification off")
        nine_tools(binary, settings(**password, ca_file=ca_file), "password, CA file")
        nine_tools(binary, settings(**password, fingerprint=fingerprint.lower().replace(":", "")), "password, fingerprint")
        nine_tools(binary, settings(**password, ssl_verify="0"), "password, verification off")

        wrong = "00" + fingerprint[2:]
        good = settings(**token, ca_file=ca_file)
        failing(binary, settings(**token), "unknown authority", "proxmox_list_vms", fingerprint, "ca_file")
        failing(binary, settings(**token, fingerprint=wrong), "wrong fingerprint", "proxmox_list_vms", fingerprint, wrong)
        failing(binary, settings(**(password | {"password": "no"}), ca_file=ca_file), "wrong password", "proxmox_list_vms", "root@pam")
        failing(binary, settings(**(token | {"token_secret": "no"}), ca_file=ca_file), "wrong token", "proxmox_list_vms", TOKEN)
        failing(binary, good, "missing VM", "proxmox_start_vm", "There is no VM 999", "web01", vmid=999)
        failing(binary, good, "running VM", "proxmox_start_vm", "already running", vmid=101)
        session(binary, good)
        nowhere = settings(**token, ca_file=ca_file, port="1")
        failing(binary, nowhere, "unreachable host", "proxmox_list_vms", "127.0.0.1:1", "pveproxy")
        faults(binary, good, order)
        order("flaky_network")
        failing(binary, good, "wrong kind", "proxmox_start_vm", "container", vmid=200)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    elif sys.argv[1:2] == ["--with"] and 2 < len(sys.argv):
        sys.exit(run_with(sys.argv[2:]))
    elif len(sys.argv) == 2:
        sys.exit(main(sys.argv[1]))
    else:
        sys.exit(__doc__)
