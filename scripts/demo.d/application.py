"""The application behind Apache: it tells which headers it was sent.

It stands for any server that speaks HTTP. It has no line about Clerk, but for
the names of the headers that it looks for. Run it: it prints its port.
"""

import http.server


class Application(http.server.BaseHTTPRequestHandler):
    """Answers every GET with the headers that say who is asking."""

    def do_GET(self):
        lines = ["The application was sent these headers:"]
        lines += [f"  {name}: {value}"
                  for name, value in sorted(self.headers.items())
                  if name.lower().startswith("x-clerk-")]
        token = self.headers.get("Authorization")
        lines.append("and a token." if token else "and no token.")
        body = ("\n".join(lines) + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
