"""What shops put on their pages: snap.js, and the payment instructions as a PDF (midtrans.md 2, 7.4)."""

from typing import Final

SCRIPT: Final = """// The simulator's snap.js: the hosted page in a frame, and its result to the shop's callbacks.
(function () {
  const origin = new URL(document.currentScript.src).origin;
  let shown = null;

  function ended(result) {
    const code = String(result.status_code);
    return {"200": "onSuccess", "201": "onPending"}[code] || "onError";
  }

  function hide() {
    if (!shown) return;
    window.removeEventListener("message", shown.listen);
    shown.frame.remove();
    shown = null;
  }

  function leave() {
    if (!shown) return;
    const {result, options} = shown;
    hide();
    const call = result ? options[ended(result)] : options.onClose;
    if (call) call(result || undefined);
  }

  function open(token, options, place, style) {
    hide();
    const frame = document.createElement("div");
    frame.style.cssText = style;
    const page = document.createElement("iframe");
    page.src = origin + "/snap/v3/redirection/" + encodeURIComponent(token);
    page.style.cssText = "width:100%;height:calc(100% - 2.5rem);border:0;background:#fff";
    const close = document.createElement("button");
    close.textContent = "Close";
    close.style.cssText = "height:2.5rem;width:100%";
    close.onclick = leave;
    frame.append(page, close);
    const listen = function (event) {
      const told = event.data && event.data.snap;
      if (event.origin !== origin || !told || told.token !== token) return;
      shown.result = told.result;
      if (ended(told.result) === "onSuccess") leave();
    };
    window.addEventListener("message", listen);
    shown = {frame: frame, listen: listen, options: options || {}, result: null};
    place.append(frame);
  }

  window.snap = {
    pay: function (token, options) {
      open(token, options, document.body, "position:fixed;inset:5%;z-index:99999;box-shadow:0 0 0 100vmax #0008");
    },
    embed: function (token, options) {
      open(token, options, document.getElementById(options.embedId), "width:100%;height:40rem");
    },
    show: function () {},
    hide: hide,
  };
})();
"""


def pdf(title: str, lines: list[str]) -> bytes:
    """One page of A4 with a line of text each."""
    text = "\n".join(f"({_escaped(line)}) Tj T*" for line in [title, "", *lines])
    stream = f"BT /F1 12 Tf 18 TL 60 780 Td\n{text}\nET".encode("latin-1", "replace")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    return _assembled(objects)


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _assembled(objects: tuple[bytes, ...]) -> bytes:
    whole, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(whole))
        whole += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return whole + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, len(whole))
    )
