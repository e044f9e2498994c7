"""HTML in which every value is escaped unless it is HTML itself."""

from html import escape
from typing import Final

from starlette.responses import HTMLResponse, Response

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .6rem;
border-bottom: 1px solid #ddd; vertical-align: top } form { display: inline } .hint { color: #666 }
button { font: inherit; margin: 0 .2rem .2rem 0; cursor: pointer } code { font-size: 90% }
"""


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def html(markup: str, **values: object) -> Html:
    """`html("<b>{name}</b>", name=anything)`."""
    safe = {
        name: value if isinstance(value, Html) else Html(escape(str(value)))
        for name, value in values.items()
    }
    return Html(markup.format(**safe))


def joined(parts: list[Html]) -> Html:
    return Html("".join(parts))


def document(title: str, body: Html) -> Html:
    return html(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><style>{style}</style>'
        "<body><h1>{title}</h1>{body}</body></html>",
        title=title,
        style=Html(STYLE),
        body=body,
    )


ROLES: Final = {
    "/": "All payments",
    "/payer": "Payer",
    "/bank": "Bank",
    "/merchant": "Merchant",
    "/operator": "Operator",
}


def role_page(title: str, body: Html) -> Response:
    """One of the pages that lead to each other."""
    links = joined(
        [html('<a href="{path}">{name}</a> ', path=path, name=name) for path, name in ROLES.items()]
    )
    return page(title, html("<nav>{links}</nav>{body}", links=links, body=body))


def page(title: str, body: Html, status: int = 200) -> Response:
    return HTMLResponse(document(title, body), status)


def button(action: str, label: str, **fields: str) -> Html:
    """A form of one button that posts these fields."""
    hidden = joined(
        [
            html('<input type="hidden" name="{name}" value="{value}">', name=name, value=value)
            for name, value in fields.items()
        ]
    )
    return html(
        '<form method="post" action="{action}">{hidden}<button>{label}</button></form>',
        action=action,
        hidden=hidden,
        label=label,
    )
