"""Sends the message of standard input by Python's smtplib.

Usage: smtplib_client.py <JSON>
with address, port, name, security ("clear", "starttls" or "tls"), authority (a file), from, to; and where they apply mechanism,
user and password, chunks (how many; BDAT in place of DATA, all written before the first reply is read), and smtputf8.
Ends with status 1 and the reply when the server refuses anything.
"""

import json
import smtplib
import ssl
import sys


def by_name(client, address):
    """The client, which connects to the address and still asks for the certificate of the name."""

    class ByName(client):
        def _get_socket(self, host, port, timeout):
            return super()._get_socket(address, port, timeout)

    return ByName


def connect(task):
    trusting = ssl.create_default_context(cafile=task["authority"])
    local = {"local_hostname": "client.renovations.com", "timeout": 30}
    if task["security"] == "tls":
        client = by_name(smtplib.SMTP_SSL, task["address"])
        return client(task["name"], task["port"], context=trusting, **local)
    client = by_name(smtplib.SMTP, task["address"])(task["name"], task["port"], **local)
    if task["security"] == "starttls":
        client.starttls(context=trusting)
    return client


def authenticate(client, task):
    client.ehlo_or_helo_if_needed()
    client.user, client.password = task["user"], task["password"]
    mechanisms = {"PLAIN": client.auth_plain, "LOGIN": client.auth_login}
    client.auth(task["mechanism"], mechanisms[task["mechanism"]])


def send_in_chunks(client, task, message):
    """Everything in one write, as RFC 3030 §4.2 allows."""
    client.ehlo_or_helo_if_needed()
    size = len(message) // task["chunks"] + 1
    chunks = [message[start : start + size] for start in range(0, len(message), size)]
    octets = b"MAIL FROM:<%s> BODY=8BITMIME\r\nRCPT TO:<%s>\r\n" % (task["from"].encode(), task["to"].encode())
    for chunk in chunks[:-1]:
        octets += b"BDAT %d\r\n%s" % (len(chunk), chunk)
    octets += b"BDAT %d LAST\r\n%s" % (len(chunks[-1]), chunks[-1])
    client.send(octets)
    for _ in range(2 + len(chunks)):
        reply = client.getreply()
        if reply[0] != 250:
            sys.exit(f"refused: {reply}")


def main():
    task = json.loads(sys.argv[1])
    message = sys.stdin.buffer.read()
    client = connect(task)
    if "mechanism" in task:
        authenticate(client, task)
    if "chunks" in task:
        send_in_chunks(client, task, message)
    else:
        options = ["BODY=8BITMIME"] + (["SMTPUTF8"] if task.get("smtputf8") else [])
        client.sendmail(task["from"], [task["to"]], message, mail_options=options)
    client.quit()


main()
