"""`python -m simulator`: a Midtrans on this machine."""

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import fields

from simulator.config import Config
from simulator.server import server

HELP = {
    "server_key": "what merchants authenticate with",
    "client_key": "what browsers get card tokens with",
    "merchant_id": "the merchant's id in answers",
    "notify_url": "where notices go; empty for nowhere",
    "notify_delay_seconds": "wait before the first attempt of each notice",
    "notify_time_scale": "1.0 keeps Midtrans' retry intervals of minutes and hours",
    "refund_confirm_seconds": "between a refund and its confirmation by the bank",
    "public_url": "what URLs in answers begin with; empty for this host and port",
    "tick_seconds": "how often due events are looked for",
    "book": "file to append charges, refunds and what became of them to, one JSON object a line",
}


def main(argv: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8081, help="port to listen on")
    for setting in fields(Config):
        parser.add_argument(
            f"--{setting.name.replace('_', '-')}",
            type=type(setting.default),
            default="" if setting.name == "public_url" else setting.default,
            help=HELP[setting.name],
        )
    asked = vars(parser.parse_args(argv))
    host, port = asked.pop("host"), asked.pop("port")
    asked["public_url"] = asked["public_url"] or f"http://{host}:{port}"
    server(Config(**asked), host, port).run()


if __name__ == "__main__":
    main()
