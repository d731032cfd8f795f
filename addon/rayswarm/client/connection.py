# SPDX-License-Identifier: GPL-3.0-or-later
"""One call to a node: its address and token, JSON there and back, refusals and silence as exceptions."""

import contextlib
import hashlib
import http.client
import ipaddress
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request

from .problem import Offline, Problem, Refused

PORT = 3000
# Most calls answer at once; putting an upload together takes as long as its disk does.
ANSWER_S, LONG_ANSWER_S = 60, 900
# Answers of a proxy in front of a node that is down.
GATEWAY = range(502, 505)
TOO_MANY = 429
PAUSES_S = (0.4, 0.8, 1.6, 3.2)
FINGERPRINT_DIGITS = 64


def parse_address(text):
    """(`scheme://host:port`, token or None). Takes what `rayswarm studio` prints, a token behind its `#`, as well
    as `host:port`. Raises Refused for what is no address."""
    text = text.strip()
    parts = urllib.parse.urlsplit(text if "://" in text else f"http://{text}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise Refused.because(
            "bad_address", f"{text!r} is no address of a node", f"write it as https://host:port or 127.0.0.1:{PORT}"
        )
    shown = f"[{host}]" if ":" in host else host
    if port is None:
        port = PORT if "://" not in text else {"http": 80, "https": 443}[parts.scheme]
    token = urllib.parse.parse_qs(parts.fragment).get("token", [None])[0]
    return f"{parts.scheme}://{shown}:{port}", token


def is_loopback(address):
    """Whether an address from `parse_address` is this machine."""
    host = urllib.parse.urlsplit(address).hostname
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Node:
    """A node and the token it is called with. With `fingerprint`, the SHA-256 of its certificate, that certificate is
    trusted and no other."""

    def __init__(self, address, token, fingerprint=""):
        self.address, _ = parse_address(address)
        self._token = token.strip()
        if self.address.startswith("http:") and not is_loopback(self.address):
            raise Refused.because(
                "not_encrypted",
                f"{self.address} is another machine, and over http the token and the scene could be read on the way",
                "use the https address that `rayswarm up --https` prints there",
            )
        if not self._token:
            raise Refused.because("no_token", "the node is called with a token", "`rayswarm studio` makes one")
        # Redirects would carry the token elsewhere, and a node sends none.
        handlers = [NoRedirects(), HttpsHandler(fingerprint)]
        if is_loopback(self.address):
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def call(self, method, path, body=None, *, headers=None, timeout=ANSWER_S):
        """Sends JSON, if any, and gives the answer's, if any."""
        data = None if body is None else json.dumps(body).encode()
        with self.lines_lost():
            with self.open(method, path, data=data, headers=headers, timeout=timeout) as answer:
                text = answer.read()
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            raise Refused(Problem.of_answer(answer.status, "and no JSON", text)) from error

    def open(self, method, path, *, data=None, headers=None, media_type="application/json", timeout=ANSWER_S):
        """The answer as a stream, to be closed. Raises Refused or Offline."""
        request = urllib.request.Request(self.address + path, data=data, method=method, headers=headers or {})
        request.add_header("Authorization", f"Bearer {self._token}")
        if data is not None:
            request.add_header("Content-Type", media_type)
        with self.lines_lost():
            try:
                return self._opener.open(request, timeout=timeout)
            except urllib.error.HTTPError as answer:
                with answer:
                    body = answer.read()
                if answer.code in GATEWAY:
                    raise Offline(self.address, f"{answer.code} {answer.reason}") from None
                raise Refused(Problem.of_answer(answer.code, answer.reason, body)) from None

    @contextlib.contextmanager
    def lines_lost(self):
        """Turns what a lost or untrusted line raises into Offline or Refused."""
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise Refused.because(
                    "unknown_certificate",
                    f"this machine does not trust the certificate of {self.address}: {reason.verify_message or reason}",
                    "if the node made it itself, copy the SHA-256 that `rayswarm up` prints there into the preferences",
                ) from error
            raise Offline(self.address, reason) from error


def repeated(action, stop):
    """Does what may be done twice, again after short gaps in the line and when the node asks for patience."""
    for pause in PAUSES_S:
        stop.check()
        try:
            return action()
        except Offline:
            pass
        except Refused as refused:
            if refused.problem.status != TOO_MANY:
                raise
        stop.wait(pause)
    return action()


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Lets redirects be the refusals that they are here."""

    def redirect_request(self, *_):
        return None


class HttpsHandler(urllib.request.HTTPSHandler):
    """Connects to one certificate if its fingerprint is given, else to those the machine trusts."""

    def __init__(self, fingerprint):
        self._fingerprint = read_fingerprint(fingerprint)
        super().__init__(context=pinned() if self._fingerprint else trusting())

    def https_open(self, request):
        def connect(host, **options):
            return PinnedConnection(self._fingerprint, host, **options)

        return self.do_open(
            connect if self._fingerprint else http.client.HTTPSConnection, request, context=self._context
        )


class PinnedConnection(http.client.HTTPSConnection):
    """Hangs up on any certificate but one, before the token is sent."""

    def __init__(self, fingerprint, host, **options):
        super().__init__(host, **options)
        self._fingerprint = fingerprint

    def connect(self):
        super().connect()
        found = hashlib.sha256(self.sock.getpeercert(binary_form=True)).hexdigest()
        if found != self._fingerprint:
            self.close()
            raise Refused.because(
                "wrong_certificate",
                f"the node proves itself with the certificate {found}, not with {self._fingerprint}",
                "compare it with what `rayswarm up` prints on that machine; if they differ, somebody is in between",
            )


def read_fingerprint(text):
    """64 digits, as they are printed: with or without colons, spaces, 0x and capitals."""
    digits = text.lower().replace(":", "").replace(" ", "").removeprefix("0x")
    if digits and (len(digits) != FINGERPRINT_DIGITS or not set(digits) <= set("0123456789abcdef")):
        raise Refused.because(
            "bad_fingerprint",
            f"{text!r} is no SHA-256 of a certificate",
            f"copy the {FINGERPRINT_DIGITS} digits that `rayswarm up` prints",
        )
    return digits


def pinned():
    """The certificate is compared whole, so who signed it and for which name does not matter."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def trusting():
    """The machine's authorities; where Blender's Python finds none, those that come with Blender."""
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        with contextlib.suppress(ImportError):
            import certifi

            context.load_verify_locations(certifi.where())
    return context
