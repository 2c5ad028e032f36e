"""rspamd's verdict on each DKIM signature of some messages.

Usage: rspamd.py <DNS address:port> <message file>...
Prints one JSON line a message: [{"domain", "selector", "algorithm", "result", "detail"}, ...]. EDGE_JUDGES names the
folder that holds rspamd/; its server runs for as long as this does, on a loopback port, with the DKIM module alone.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SETTINGS = """
options {{
  pidfile = "{folder}/pid"; control_socket = "{folder}/control"; hs_cache_dir = "{folder}"; url_tld = "{folder}/tld";
  filters = "dkim"; task_timeout = 60s; max_message = 100M; rrd = ""; history_file = "";
  dns {{ nameserver = ["{host}:{dns_port}"]; timeout = 5s; retransmits = 2; }}
}}
logging {{ type = "console"; level = "error"; }}
actions {{ reject = 1000; }}
group "policies" {{ symbols = {{ {symbols} }} }}
dkim {{ max_sigs = 100; check_local = true; check_authed = true; trusted_only = false; time_jitter = 10y; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
"""

RESULTS = {"R_DKIM_ALLOW": "pass", "R_DKIM_REJECT": "fail", "R_DKIM_PERMFAIL": "permerror", "R_DKIM_TEMPFAIL": "temperror"}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def start(folder, server):
    host, dns_port = server.rsplit(":", 1)
    port = free_port()
    symbols = " ".join(f"{name} {{ weight = 0; }}" for name in [*RESULTS, "DKIM_CHECK", "R_DKIM_NA", "DKIM_TRACE"])
    settings = SETTINGS.format(folder=folder, host=host, dns_port=dns_port, port=port, symbols=symbols)
    open(os.path.join(folder, "tld"), "w").close()
    with open(os.path.join(folder, "settings"), "w") as file:
        file.write(settings)
    judges = os.path.join(os.environ["EDGE_JUDGES"], "rspamd")
    machine = os.uname().machine + "-linux-gnu"
    libraries = [os.path.join(judges, "usr/lib", place) for place in [machine, "rspamd", machine + "/rspamd"]]
    shared = os.path.join(judges, "usr/share/rspamd")
    places = {"DBDIR": folder, "RUNDIR": folder, "LOGDIR": folder, "SHAREDIR": shared, "PLUGINSDIR": shared + "/plugins"}
    places |= {"LUALIBDIR": shared + "/lualib", "RULESDIR": shared + "/rules"}
    command = [os.path.join(judges, "usr/bin/rspamd"), "-i", "-f", "-c", os.path.join(folder, "settings")]
    command += [f"--var={name}={place}" for name, place in places.items()]
    environment = dict(os.environ, LD_LIBRARY_PATH=":".join(libraries))
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), port


def ask(rspamd, port, message):
    """The reply to one message; the server is waited for while it starts."""
    address = f"http://127.0.0.1:{port}/checkv2"
    for _ in range(300):
        try:
            with urllib.request.urlopen(urllib.request.Request(address, data=message), timeout=120) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            return {"symbols": {}, "error": error.read().decode("utf-8", "replace")}
        except urllib.error.URLError:
            if rspamd.poll() is not None:
                sys.exit(f"rspamd ended with {rspamd.returncode}")
            time.sleep(0.1)
    sys.exit("rspamd does not answer")


def verdicts(reply):
    found = []
    for symbol, result in RESULTS.items():
        for option in reply["symbols"].get(symbol, {}).get("options", []):
            domain, _, selector = option.partition(":s=")
            found.append(
                {"domain": domain, "selector": selector, "algorithm": None, "result": result, "detail": symbol}
            )
    return found


def main():
    with tempfile.TemporaryDirectory() as folder:
        rspamd, port = start(folder, sys.argv[1])
        try:
            for path in sys.argv[2:]:
                with open(path, "rb") as file:
                    print(json.dumps(verdicts(ask(rspamd, port, file.read()))))
        finally:
            rspamd.terminate()
            rspamd.wait()


main()
