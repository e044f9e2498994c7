"""Every way in: HTTP (`app`, `routes`), the terminal (`cli`, `up`, `demo`), the background
(`worker`).

`wiring` is the one place where settings become services. `problems` alone maps errors to HTTP. What
a request passes through: middleware → auth → strict_json → bodies → route → service → views.
`embedded` and `children` run PostgreSQL and our own processes on one machine.
"""
