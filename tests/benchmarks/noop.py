"""A bare FastAPI route that does nothing: what the framework and the server leave for the rest.

python -m benchmarks.noop PORT
"""

import sys

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/noop")
async def noop() -> dict[str, str]:
    return {"status": "ok"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_config=None, backlog=4096)
