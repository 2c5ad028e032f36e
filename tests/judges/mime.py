"""What the parts of a message mean to Python's own reader of mail.

Usage: mime.py <file>
Prints one JSON line: [[type, charset, content in base64], ...], one element a leaf; those of messages within it, too.
"""

import base64
import email
import json
import sys


def main():
    with open(sys.argv[1], "rb") as file:
        # Not message_from_binary_file, which makes LF of CRLF.
        message = email.message_from_bytes(file.read())
    leaves = [
        (part.get_content_type(), part.get_content_charset(), part.get_payload(decode=True))
        for part in message.walk()
        if not part.is_multipart()
    ]
    print(json.dumps([(kind, charset, base64.b64encode(content).decode()) for kind, charset, content in leaves]))


main()
