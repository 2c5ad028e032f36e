"""OpenDKIM's verdict on each DKIM signature of some messages.

Usage: opendkim.py <DNS address:port> <message file>...
Prints one JSON line a message: [{"domain", "selector", "algorithm", "result", "detail"}, ...], top signature first.

OpenDKIM's test mode tells of one signature a message, so that each is shown to it in a copy without the others. It reads
keys from a file, which is filled from the DNS. EDGE_JUDGES names the folder that holds opendkim/.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

import dns.message
import dns.query
import dns.rdatatype


def header_fields(message):
    """The fields of the header, each with its line ends, and the rest from the empty line on."""
    end = message.find(b"\r\n\r\n")
    header, rest = (message, b"") if end < 0 else (message[: end + 2], message[end + 2 :])
    return re.findall(rb"[^\r\n][^\n]*\n(?:[ \t][^\n]*\n)*", header), rest


def tags(field):
    pairs = (part.split(b"=", 1) for part in field.split(b":", 1)[1].split(b";") if b"=" in part)
    return {name.strip(): b"".join(text.split()).decode("ascii", "replace") for name, text in pairs}


def is_signature(field):
    return field.split(b":", 1)[0].strip().lower() == b"dkim-signature"


def record(server, name):
    host, port = server.rsplit(":", 1)
    question = dns.message.make_query(name, dns.rdatatype.TXT, use_edns=0, payload=4096)
    answer, _ = dns.query.udp_with_fallback(question, host, port=int(port), timeout=5)
    for rrset in answer.answer:
        if rrset.rdtype == dns.rdatatype.TXT:
            return b"".join(rrset[0].strings).decode("ascii", "replace")
    return None


def run(folder, files):
    judges = os.path.join(os.environ["EDGE_JUDGES"], "opendkim")
    libraries = os.path.join(judges, "usr/lib", os.uname().machine + "-linux-gnu")
    command = [os.path.join(judges, "usr/sbin/opendkim"), "-x", "settings", "-t", ",".join(files)]
    environment = dict(os.environ, LD_LIBRARY_PATH=libraries + ":" + os.path.join(judges, "usr/lib"))
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace")
    said = {}
    for line in (ran.stdout + ran.stderr).splitlines():
        match = re.match(r"opendkim: (\d+): (.*)", line)
        if match:
            said.setdefault(match[1], match[2][:200])
    if len(files) == 1:
        said.setdefault(files[0], f"it ended with {ran.returncode} and said nothing")
    elif len(said) < len(files):
        # One that it cannot read ends it for those behind, too.
        for file in files:
            if file not in said:
                said |= run(folder, [file])
    return said


def main():
    server, paths = sys.argv[1], sys.argv[2:]
    keys, messages, count = {}, [], 0
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            with open(path, "rb") as file:
                fields, rest = header_fields(file.read())
            shown = []
            for field in filter(is_signature, fields):
                said = tags(field)
                name = f"{said.get(b's', '')}._domainkey.{said.get(b'd', '')}"
                if name not in keys and b"s" in said and b"d" in said:
                    keys[name] = record(server, name)
                others = b"".join(other for other in fields if other is field or not is_signature(other))
                with open(os.path.join(folder, str(count)), "wb") as copy:
                    copy.write(others + rest)
                shown.append((str(count), said))
                count += 1
            messages.append(shown)
        with open(os.path.join(folder, "keys"), "w") as file:
            file.writelines(f"{name} {value}\n" for name, value in keys.items() if value)
        with open(os.path.join(folder, "settings"), "w") as file:
            file.write("TestPublicKeys keys\nMinimumKeyBits 1024\nMaximumHeaders 0\nOn-BadSignature accept\n")
        said = {}
        for start in range(0, count, 100):
            said |= run(folder, [str(number) for number in range(start, min(start + 100, count))])
    for shown in messages:
        verdicts = [
            {
                "domain": found.get(b"d", ""),
                "selector": found.get(b"s", ""),
                "algorithm": found.get(b"a", ""),
                "result": "pass" if said.get(number, "").endswith("succeeded") else "fail",
                "detail": said.get(number, ""),
            }
            for number, found in shown
        ]
        print(json.dumps(verdicts))


main()
