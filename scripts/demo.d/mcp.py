"""The part of the show that is about MCP servers.

A client that is the MCP SDK's own signs in, knowing nothing but a URL; what it
asked for on its way is shown. Single requests are made with curl, as elsewhere.
"""

import json
import sys

from screen import check, say, show
from servers import MCP, Trouble

MORE = "mcp:admin"
PATH = "/mcp"
TOOLS = "/tools"
WELL_KNOWN = "/.well-known/oauth-protected-resource"
METADATA = "/.well-known/oauth-authorization-server"
VERSION = "2026-07-28"

INITIALIZE = ("initialize.json", {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {},
               "clientInfo": {"name": "curl", "version": "1"}}})

CALL = ("call.json", {
    "jsonrpc": "2.0", "id": 1, "method": "tools/call",
    "params": {"name": "admin", "arguments": {}, "_meta": {
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientInfo": {"name": "curl",
                                               "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}}}})


def sdk_client(url):
    """The SDK's client, and the exception that it reports."""
    sys.path.insert(0, str(MCP))
    from parties import Client, ClientError
    return Client("v1", url), ClientError


def what_to_try(url):
    """For an MCP client of the reader's own."""
    print("\nThe MCP server: give this URL to a client on this machine:")
    show(f"{url}{PATH}")
    print("\nfor example:")
    show(f"claude mcp add --transport http demo {url}{PATH}\n"
         "npx @modelcontextprotocol/inspector")
    print("\nIts document, and the challenge that leads there:")
    show(f"curl -i {url}{WELL_KNOWN}{PATH}\n"
         f"curl -i -X POST {url}{PATH}")
    print()


class Discovery:
    """What a client finds out before it has a token."""

    def __init__(self, parent):
        self.guide, self.browser = parent.guide, parent.browser
        self.url = parent.apache.url

    def challenge(self):
        self.guide.title("An MCP client, without a token: 401")
        say("The client has been given a URL and nothing else. The challenge "
            "says where to read on, and what to ask for. The body of the "
            f"request, {INITIALIZE[0]}, is:")
        print()
        show(json.dumps(INITIALIZE[1]))
        print()
        answer = self.browser.post(PATH, INITIALIZE)
        challenge = answer.field("WWW-Authenticate")
        check(answer.status == 401
              and f'resource_metadata="{self.url}{WELL_KNOWN}{PATH}"'
              in challenge
              and 'scope="profile offline_access"' in challenge,
              "401, and the challenge names the document")

    def document(self):
        self.guide.title("The document about the MCP server: 200")
        say("It is for everybody. It says who gives tokens for this server, "
            "and which scopes there are.")
        print()
        answer = self.browser.get(WELL_KNOWN + PATH)
        document = json.loads(answer.body)
        check(answer.status == 200
              and document["resource"] == self.url + PATH
              and len(document["authorization_servers"]) == 1,
              "200, and it names Clerk")


class Played(Discovery):
    """With the stand-in, where a client can sign in without anybody's help."""

    def __init__(self, parent):
        super().__init__(parent)
        self.clerk, self.mint = parent.clerk, parent.mint
        self.check_calls = parent.check_calls

    def run(self):
        self.challenge()
        self.document()
        self.check_calls()
        self.sign_in()
        self.tools()

    def sign_in(self):
        self.guide.title("An MCP client signs its user in: 200")
        say("This is the client of the MCP TypeScript SDK, test/e2e/"
            "client_v1.mjs. It registers with Clerk, which has never heard of "
            "it; its user agrees; it gets a token, and opens a session. These "
            "are its requests:")
        print()
        client, failure = sdk_client(self.url + PATH)
        try:
            client.connect()
            self.show_way(client.requests)
            self.check_calls("authorization_server", "register", "authorize",
                             "token", "oauth_verify", "userinfo")
            self.call_tools(client)
        except failure as error:
            raise Trouble(f"the MCP client could not sign in: {error}"
                          ) from None
        finally:
            client.stop()

    def show_way(self, requests):
        told = [(self.party(request["origin"]), request["method"],
                 request["path"], request["status"],
                 request["parameters"].get("method", ""))
                for request in requests]
        for party, method, path, status, message in told:
            print(f"    {party:7} {method:4} {path:45} {status}  {message}")
        print()
        first = [step[2:4] for step in told[:7]]
        check(first == [(PATH, 401), (WELL_KNOWN + PATH, 200),
                        (METADATA, 200), ("/oauth/register", 201),
                        ("/oauth/authorize", 302), ("/oauth/token", 200),
                        (PATH, 200)] and told[6][4] == "initialize",
              "from a URL to a session, without a hint")

    def party(self, origin):
        return "Apache" if origin == self.url else "Clerk"

    def call_tools(self, client):
        self.guide.title("It lists the tools, and calls one")
        tools = client.tools()
        show("tools/list:           " + ", ".join(tools))
        told = {name: value for name, value in client.call("whoami").items()
                if name.startswith("x-clerk-") or name == "authorization"}
        show("tools/call of whoami, which tells what the server was sent:")
        for name in sorted(told):
            show(f"  {name}: {told[name]}")
        print()
        check("whoami" in tools
              and told.get("x-clerk-user-id") == self.clerk.user
              and "authorization" not in told,
              "the server knows the user, and has no token")
        self.check_calls()

    def call(self, scopes, name, token_scopes):
        say(f"The token has {scopes}.")
        print()
        return self.browser.post(
            TOOLS, CALL, self.mint(*token_scopes),
            f"MCP-Protocol-Version: {VERSION}", "Mcp-Method: tools/call",
            f"Mcp-Name: {name}")

    def tools(self):
        self.guide.title("A tool that needs more: 403")
        say("Clients say in header fields, too, which tool they call: that is "
            "what Apache goes by. The body of the request, "
            f"{CALL[0]}, is:")
        print()
        show(json.dumps(CALL[1], indent=1))
        print()
        answer = self.call("the scope profile", "admin", ["profile"])
        challenge = answer.field("WWW-Authenticate")
        check(answer.status == 403
              and 'error="insufficient_scope"' in challenge
              and f'scope="profile {MORE}"' in challenge,
              "403, and the challenge names all scopes that it takes")
        self.check_calls("oauth_verify", "userinfo")

        self.guide.title("The same tool, with the scope: 200")
        answer = self.call(f"the scopes profile and {MORE}", "admin",
                           ["profile", MORE])
        check(answer.status == 200 and "done" in answer.body,
              "200, and the tool was called")
        self.check_calls("oauth_verify", "userinfo")

        self.guide.title("A header that lies: 400")
        say("It names a harmless tool; the body calls the other one all the "
            "same. From this protocol version on the MCP server itself must "
            "refuse that. Of servers that do not, Apache must not believe the "
            "header: see docs/mcp.md.")
        print()
        answer = self.call("the scope profile", "whoami", ["profile"])
        check(answer.status == 400 and "done" not in answer.body,
              "400, from the MCP server")
        self.check_calls("oauth_verify", "userinfo")


class Real(Discovery):
    """With the real Clerk, where signing in takes a browser and a user."""

    def __init__(self, parent):
        super().__init__(parent)
        self.token = parent.clerk.token

    def run(self):
        self.challenge()
        self.document()
        self.metadata()

    def metadata(self):
        self.guide.title("What Clerk says of itself")
        say("Old MCP clients ask this server for it. It is a copy.")
        print()
        answer = self.browser.get(METADATA)
        if answer.status == 503:
            check(answer.field("Retry-After").isdigit(),
                  "503, because Clerk cannot be asked from this machine")
            return
        check(answer.status == 200 and "issuer" in json.loads(answer.body),
              "200, and it names its issuer")
        if not clients_can_register(json.loads(answer.body)):
            say("MCP clients cannot sign in yet: switch on Dynamic client "
                "registration in Clerk's dashboard, under OAuth "
                "applications.")
            print()

    def initialize(self):
        """With a token that is good."""
        self.guide.title("Your token at the MCP server")
        answer = self.browser.post(PATH, INITIALIZE, self.token)
        check(answer.status in (200, 401, 403),
              "200; or 403 without the scope profile; or 401 where the token "
              "was made out to another resource")


def clients_can_register(metadata):
    return bool(metadata.get("registration_endpoint")
                or metadata.get("client_id_metadata_document_supported"))
