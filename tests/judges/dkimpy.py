"""dkimpy's verdict on each DKIM signature of some messages.

Usage: dkimpy.py <DNS address:port> <message file>...
Prints one JSON line a message: [{"domain", "selector", "algorithm", "result", "detail"}, ...], top signature first.
"""

import json
import sys

import dkim
import dns.message
import dns.query
import dns.rdatatype


def lookup_at(server):
    host, port = server.rsplit(":", 1)

    def lookup(name, timeout=5):
        text = name.decode("ascii") if isinstance(name, bytes) else name
        question = dns.message.make_query(text, dns.rdatatype.TXT, use_edns=0, payload=4096)
        answer, _ = dns.query.udp_with_fallback(question, host, port=int(port), timeout=timeout)
        for rrset in answer.answer:
            if rrset.rdtype == dns.rdatatype.TXT:
                return b"".join(rrset[0].strings)
        return None

    return lookup


def tags(value):
    pairs = (part.split(b"=", 1) for part in value.split(b";") if b"=" in part)
    return {name.strip(): b"".join(text.split()).decode("ascii", "replace") for name, text in pairs}


def judge(message, lookup):
    try:
        header = dkim.DKIM(message).headers
    except dkim.MessageFormatError as error:
        print(f"dkimpy cannot read a message: {error}", file=sys.stderr)
        return []
    fields = [value for name, value in header if name.lower() == b"dkim-signature"]
    verdicts = []
    for index, value in enumerate(fields):
        said = tags(value)
        try:
            passed = dkim.DKIM(message, minkey=1024).verify(idx=index, dnsfunc=lookup)
            result, detail = ("pass", "") if passed else ("fail", "the signature does not verify")
        except Exception as error:  # whatever dkimpy raises is its verdict
            result, detail = "fail", f"{type(error).__name__}: {error}"
        verdicts.append(
            {
                "domain": said.get(b"d", ""),
                "selector": said.get(b"s", ""),
                "algorithm": said.get(b"a", ""),
                "result": result,
                "detail": detail,
            }
        )
    return verdicts


def main():
    lookup = lookup_at(sys.argv[1])
    for path in sys.argv[2:]:
        with open(path, "rb") as file:
            print(json.dumps(judge(file.read(), lookup)))


main()
