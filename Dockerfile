# One image for migrate, api, worker and simulator: the command says which.
# PostgreSQL is not in it: requirements/server.lock leaves the embedded one out.
FROM python:3.11.13-slim-bookworm AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build

COPY requirements/server.lock requirements/build.lock requirements/
RUN python -m venv /opt/bukubesar \
    && /opt/bukubesar/bin/python -m pip install --quiet --require-hashes --requirement requirements/server.lock
RUN python -m venv tools \
    && tools/bin/python -m pip install --quiet --require-hashes --requirement requirements/build.lock

COPY pyproject.toml README.md ./
COPY src src
RUN tools/bin/python -m hatchling build --target wheel --directory dist \
    && /opt/bukubesar/bin/python -m pip install --quiet --no-deps --no-index dist/*.whl


FROM python:3.11.13-slim-bookworm

RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin bukubesar
COPY --from=build /opt/bukubesar /opt/bukubesar
ENV PATH=/opt/bukubesar/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

USER 10001:10001
ENTRYPOINT ["bukubesar"]
CMD ["serve"]
