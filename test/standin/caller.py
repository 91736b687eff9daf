"""A small HTTP client that speaks with the stand-in."""

import base64
import http.client
import json
from urllib.parse import quote_plus, urlencode, urlsplit

from clerk_standin.client import StandIn

FORM = "application/x-www-form-urlencoded"
VERIFY = {"oauth_verify": ("/v1/oauth_applications/access_tokens/verify",
                           "access_token"),
          "m2m_verify": ("/v1/m2m_tokens/verify", "token"),
          "api_key_verify": ("/v1/api_keys/verify", "secret")}


class Answer:
    """Status, header and body of a response."""

    def __init__(self, response: http.client.HTTPResponse):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The error code, in either of the two styles."""
        if "errors" in self.json:
            return self.json["errors"][0]["code"]
        return self.json["error"]


class Caller:
    """Calls the stand-in as a well-behaved client would, unless told
    otherwise."""

    def __init__(self, standin: StandIn):
        self.standin = standin

    def __call__(self, method, path, body=None, headers=(), timeout=5):
        parts = urlsplit(self.standin.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port,
                                                timeout=timeout)
        if isinstance(body, str):
            body = body.encode()
        pairs = headers.items() if isinstance(headers, dict) else headers
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in pairs:
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def basic(self, client_id=None, secret=None):
        pair = (quote_plus(client_id or self.standin.client_id) + ":"
                + quote_plus(secret or self.standin.client_secret))
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def form(self, path, fields, authorization=None, timeout=5):
        headers = {"Content-Type": FORM}
        if authorization:
            headers["Authorization"] = authorization
        return self("POST", path, urlencode(fields, doseq=True), headers,
                    timeout)

    def token_info(self, token, **fields):
        return self.form("/oauth/token_info", {"token": token, **fields},
                         self.basic())

    def verify(self, endpoint, token, secret=None):
        path, name = VERIFY[endpoint]
        return self("POST", path, json.dumps({name: token}), {
            "Content-Type": "application/json",
            "Authorization": "Bearer " + (secret or self.standin.secret_key)})

    def userinfo(self, token):
        return self("GET", "/oauth/userinfo",
                    headers={"Authorization": "Bearer " + token})
