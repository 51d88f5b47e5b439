"""An inference server on a TCP port, for tests. Run as `python -I -S http_service.py PORT STARTS`.

Appends its pid to the file STARTS once it has the port; without the port it ends with exit status 98, as
servers do. Answers every GET with 200 and its pid.
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        text = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def main() -> int:
    port, starts = int(sys.argv[1]), sys.argv[2]
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Answer)
    except OSError as error:
        print(f"cannot have port {port}: {error}", file=sys.stderr, flush=True)
        return 98
    with open(starts, "a") as file:  # noqa: PTH123 - imports little
        file.write(f"{os.getpid()}\n")
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
