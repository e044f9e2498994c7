"""The control API for browsers: forms instead of JSON, a page instead of a bare error."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from simulator.markup import Html, html, joined, page
from simulator.transactions import Fields
from simulator.wire import read_form, read_json

FORM: Final = "application/x-www-form-urlencoded"
BACK: Final = "back"  # the field that names the page to return to
WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None}


async def read(request: Request) -> Fields:
    """What was asked, from JSON or a form. Empty fields were not filled in; dots nest.

    JSON is taken under a form's content type, too: that is what `curl -d` says of all it sends.
    """
    if not await _is_form(request):
        return dict(request.query_params) | dict(await read_json(request) or {})
    asked: Fields = {}
    for name, text in (await read_form(request)).items():
        if text.strip():
            _put(asked, name.split("."), WORDS.get(text, text))
    return asked


def _put(asked: Fields, path: list[str], value: Any) -> None:
    for name in path[:-1]:
        asked = asked.setdefault(name, {})
    asked[path[-1]] = value


async def _is_form(request: Request) -> bool:
    declared = request.headers.get("content-type", "").startswith(FORM)
    return declared and not (await request.body()).lstrip().startswith(b"{")


def wants_a_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def back_to(path: str) -> Response:
    """To a page of ours, never elsewhere."""
    local = path.startswith("/") and not path.startswith("//")
    return RedirectResponse(path if local else "/", 303)


def told(words: str, http_status: int) -> Response:
    back = html('<p>{words}</p><p><a href="javascript:history.back()">Back</a></p>', words=words)
    return page("That cannot be", back, http_status)


def form(act: str, label: str, back: str, *fields: Html, **hidden: str) -> Html:
    """Posts to the control API; `fields` are inputs, `hidden` what is already known."""
    known = joined(
        [
            html('<input type="hidden" name="{name}" value="{value}">', name=name, value=value)
            for name, value in (hidden | {BACK: back}).items()
        ]
    )
    return html(
        '<form method="post" action="/_control/{act}">{known}{fields}<button>{label}</button></form>',
        act=act,
        known=known,
        fields=joined(list(fields)),
        label=label,
    )


def field(name: str, label: str, value: str = "", kind: str = "text") -> Html:
    return html(
        '<label>{label} <input name="{name}" value="{value}" type="{kind}" size="12"></label> ',
        name=name,
        label=label,
        value=value,
        kind=kind,
    )


def choice(name: str, label: str, values: dict[str, str]) -> Html:
    options = joined(
        [
            html('<option value="{v}">{w}</option>', v=value, w=words)
            for value, words in values.items()
        ]
    )
    return html(
        '<label>{label} <select name="{name}">{options}</select></label> ',
        name=name,
        label=label,
        options=options,
    )
