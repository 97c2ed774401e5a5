# VARIANT=cpu: the small build of ONNX Runtime. VARIANT=gpu: the one with CUDA and cuDNN as wheels;
# the host brings the NVIDIA driver and its container runtime.
FROM python:3.11-slim-bookworm AS build
ARG VARIANT=cpu
WORKDIR /src
# The dependencies first: they change less often than the code, and the layer is cached. The build
# backend stays in an environment of its own, which is left behind.
COPY deploy/locks/${VARIANT}.txt lock.txt
COPY deploy/locks/build.txt build.txt
RUN python -m venv /opt/stoicnet \
    && /opt/stoicnet/bin/pip install --no-cache-dir --require-hashes --no-deps \
        --only-binary :all: -r lock.txt \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --require-hashes --no-deps \
        --only-binary :all: -r build.txt
COPY pyproject.toml README.md LICENSE hatch_build.py ./
COPY app app
COPY stoicnet stoicnet
COPY onnx_models onnx_models
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/stoicnet/bin/pip install --no-cache-dir --no-deps --no-index dist/*.whl \
    && /opt/stoicnet/bin/pip uninstall --yes pip setuptools

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="StoicNet" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.description="The same person, with a neutral face"
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin stoicnet
COPY --from=build /opt/stoicnet /opt/stoicnet
ENV PATH=/opt/stoicnet/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["python", "-c", \
    "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["stoicnet", "serve", "--host", "0.0.0.0", "--port", "8000"]
