"""dnspython's reading of a TXT record, from the standard input.

Usage: txt_record.py zone|rdata
`zone` is a zone file of one record, `rdata` what stands behind the type. Prints one JSON line: [owner, [string, ...]],
the owner empty for rdata.
"""

import json
import sys

import dns.rdata
import dns.rdatatype
import dns.zone

text = sys.stdin.read()
if sys.argv[1] == "zone":
    zone = dns.zone.from_text("$TTL 60\n" + text, origin="test.", relativize=False, check_origin=False)
    ((owner, _, rdata),) = zone.iterate_rdatas("TXT")
else:
    owner, rdata = "", dns.rdata.from_text("IN", "TXT", text)
print(json.dumps([str(owner), [string.decode("ascii") for string in rdata.strings]]))
