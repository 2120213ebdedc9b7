"""Small classifiers, scans and fresh Python processes for the tests of the models."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

import octlib

Build = Callable[..., Any]


@pytest.fixture
def build() -> Build:
    """Give ``build_classifier`` with the defaults of a test: a tiny network, random weights, 64 pixels."""

    def build_tiny(backbone: str = "test_resnet", freeze: bool = True, **kwargs: Any) -> Any:
        return octlib.build_classifier(backbone, freeze, **{"weights": None, "image_size": 64, **kwargs})

    return build_tiny


@pytest.fixture
def architecture(request: pytest.FixtureRequest) -> str:
    """Give the name of an architecture, which older releases of timm may lack."""
    if not timm.is_model(request.param):
        pytest.skip(f"timm {timm.__version__} has no {request.param}")
    return request.param


@pytest.fixture(scope="session")
def scans() -> np.ndarray:
    """Give five scans as the graph takes them: uint8 (5, 64, 64)."""
    return np.random.default_rng(0).integers(0, 256, (5, 64, 64), dtype=np.uint8)


@pytest.fixture
def learned() -> Callable[[Any], Any]:
    """Give a function that moves BatchNorm's statistics away from those of a new network, as training would."""

    def learn(module: torch.nn.Module) -> torch.nn.Module:
        generator = torch.Generator().manual_seed(0)
        for name, buffer in module.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.add_(torch.rand(buffer.shape, generator=generator) / 2 - 0.25)
        return module

    return learn


@pytest.fixture
def classifier(build: Build, learned: Callable[[Any], Any]) -> Any:
    """Give a classifier whose every setting differs from its default."""
    classifier = build(
        freeze=False, class_names=("AMD", "DME", "NORMAL"), image_size=(64, 48), pooling="flatten", dropout=0.25, seed=3
    )
    learned(classifier.backbone.module)
    return classifier


OPENED: list[str] = []  # canaries, by whoever opened them
sys.addaudithook(
    lambda event, found: OPENED.append(str(found[0])) if event == "open" and "canary" in str(found) else None
)


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    """Give a checkpoint that runs code where it is unpickled, and see that nobody so much as opens it."""

    class Code:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "was-run"),)

    file = tmp_path / "canary.pth"
    file.write_bytes(pickle.dumps(Code()))
    OPENED.clear()
    yield file
    assert not OPENED
    assert not (tmp_path / "was-run").exists()


@pytest.fixture
def timm_folder(tmp_path: Path, learned: Callable[[Any], Any]) -> Callable[..., Path]:
    """Give a function that writes a timm folder: random weights of a tiny network, with a configuration of its own."""

    def write(
        architecture: str = "test_resnet", model_args: dict[str, Any] | None = None, **pretrained_cfg: Any
    ) -> Path:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            module = learned(timm.create_model(architecture, **{"num_classes": 7, **(model_args or {})}))
        folder = tmp_path / "weights-of-ours"
        folder.mkdir()
        config = {
            "architecture": architecture,
            "num_classes": 7,
            "model_args": model_args or {},
            "pretrained_cfg": {
                "input_size": [3, 72, 88],
                "mean": [0.21, 0.32, 0.43],
                "std": [0.31, 0.22, 0.13],
                "num_classes": 7,
                "first_conv": module.pretrained_cfg["first_conv"],
                "classifier": module.pretrained_cfg["classifier"],
                **pretrained_cfg,
            },
        }
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        save_file(module.state_dict(), folder / "model.safetensors")
        return folder

    return write


@pytest.fixture
def timm_features() -> Callable[..., np.ndarray]:
    """Give a function that computes what timm itself says of grey scans: normalised, three channels, pooled."""

    def features(module: torch.nn.Module, scans: np.ndarray) -> np.ndarray:
        mean, std = (torch.tensor(module.pretrained_cfg[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
        colour = torch.from_numpy(scans).float().div(255).unsqueeze(1).expand(-1, 3, -1, -1)
        with torch.inference_mode():
            return module.eval()((colour - mean) / std).numpy()

    return features


@pytest.fixture(scope="session")
def start_python() -> Callable[..., subprocess.Popen[str]]:
    """Give a function that starts a fresh Python process; ``None`` unsets a variable of its environment."""

    def start(code: str, *arguments: object, **variables: str | None) -> subprocess.Popen[str]:
        environment = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **variables}
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            env={name: value for name, value in environment.items() if value is not None},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture(scope="session")
def run_python(start_python: Callable[..., subprocess.Popen[str]]) -> Callable[..., Any]:
    """Give a function that runs code in a fresh process and returns what its last line says, as JSON."""

    def run(code: str, *arguments: object, **variables: str | None) -> Any:
        out, err = start_python(code, *arguments, **variables).communicate(timeout=300)
        assert out.strip(), err
        return json.loads(out.strip().splitlines()[-1])

    return run


TOKEN = "hf_of-a-test"


class LoopbackHub(ThreadingHTTPServer):
    """A hub of this machine alone: repositories with branches and commits, of which everybody may read."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.branches: dict[str, dict[str, list[str]]] = {}  # by repository and name: its commits, the newest last
        self.commits: dict[str, dict[str, bytes]] = {}  # by name: the files
        self.private: dict[str, Any] = {}  # by repository: as it was asked for
        self.large: dict[str, bytes] = {}  # by SHA-256: what was uploaded before its commit
        self.messages: list[str] = []

    def put(self, repository: str, files: dict[str, bytes], branch: str = "main") -> str:
        """Commit files on a branch, and name the commit."""
        history = self.branches.setdefault(repository, {}).setdefault(branch, [])
        name = hashlib.sha1(f"{repository} {len(self.commits)}".encode()).hexdigest()
        self.commits[name] = {**(self.commits[history[-1]] if history else {}), **files}
        history.append(name)
        return name

    def commit_of(self, repository: str, revision: str) -> str | None:
        """Name the commit that a branch or a commit stands for."""
        branches = self.branches.get(repository, {})
        if any(revision in history for history in branches.values()):
            return revision
        return branches[revision][-1] if branches.get(revision) else None


class _Answers(BaseHTTPRequestHandler):
    """Answers as the Hugging Face hub does what its client asks for downloads, uploads in LFS's way, and commits."""

    server: LoopbackHub

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _say(self, value: Any, status: int = 200) -> None:
        self._answer(status, json.dumps(value).encode(), Content_Type="application/json")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = [unquote(part) for part in urlparse(self.path).path.strip("/").split("/")]
        if parts[0] == "api":  # what is known of a repository
            repository, revision, name = "/".join(parts[2:4]), parts[-1] if "revision" in parts else "main", ""
        else:
            repository, revision, name = "/".join(parts[:2]), parts[3], parts[4]
        commit = self.server.commit_of(repository, revision)
        if repository not in self.server.branches:
            self._answer(404, X_Error_Code="RepoNotFound")
        elif commit is None:
            self._answer(404, X_Error_Code="RevisionNotFound")
        elif not name:
            self._say({"id": repository, "sha": commit})
        elif name not in self.server.commits[commit]:
            self._answer(404, X_Error_Code="EntryNotFound", X_Repo_Commit=commit)
        else:
            content = self.server.commits[commit][name]
            self._answer(200, content, X_Repo_Commit=commit, ETag=f'"{hashlib.sha256(content).hexdigest()}"')

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.large[hashlib.sha256(content).hexdigest()] = content
        self._answer(200)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = [unquote(part) for part in urlparse(self.path).path.strip("/").split("/")]
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._say({"error": "Invalid username or password."}, 401)
        elif parts == ["api", "repos", "create"]:
            self._create(json.loads(body))
        elif parts == ["api", "validate-yaml"]:
            self._say({"errors": [], "warnings": []})
        elif parts[-3:] == ["lfs", "objects", "batch"]:
            self._say({"transfer": "basic", "objects": list(map(self._place, json.loads(body)["objects"]))})
        elif parts == ["verify"]:
            self._answer(200 if json.loads(body)["oid"] in self.server.large else 404)
        else:
            self._of_repository("/".join(parts[2:4]), parts[4], parts[5], body)

    def _create(self, asked: dict[str, Any]) -> None:
        repository = f"{asked['organization']}/{asked['name']}"
        if asked["organization"] == "others":
            self._answer(403)
            return
        known = repository in self.server.branches
        if not known:
            self.server.private[repository] = asked.get("visibility", asked.get("private"))
            self.server.put(repository, {".gitattributes": b""})
        self._say({"url": f"{self.server.address}/{repository}"}, 409 if known else 200)

    def _place(self, file: dict[str, Any]) -> dict[str, Any]:
        actions = {name: {"href": f"{self.server.address}/{name}"} for name in ("upload", "verify")}
        return {**file, "actions": actions}

    def _of_repository(self, repository: str, what: str, revision: str, body: bytes) -> None:
        if what == "branch":
            known = revision in self.server.branches[repository]
            self.server.branches[repository].setdefault(revision, list(self.server.branches[repository]["main"]))
            self._answer(409 if known else 200)
        elif what == "preupload":
            files = [file["path"] for file in json.loads(body)["files"]]
            modes = {name: "lfs" if name.endswith(".safetensors") else "regular" for name in files}
            answer = [{"path": name, "uploadMode": mode, "shouldIgnore": False} for name, mode in modes.items()]
            self._say({"files": answer})
        else:
            self._commit(repository, revision, [json.loads(line) for line in body.splitlines()])

    def _commit(self, repository: str, revision: str, lines: list[dict[str, Any]]) -> None:
        files = {}
        for line in lines[1:]:
            value = line["value"]
            large = line["key"] == "lfsFile"
            files[value["path"]] = (
                self.server.large[value["oid"]] if large else base64.b64decode(value["content"], validate=True)
            )
        self.server.messages.append(lines[0]["value"]["summary"])
        name = self.server.put(repository, files, revision)
        self._say({"commitUrl": f"{self.server.address}/{repository}/commit/{name}", "commitOid": name})


@pytest.fixture(scope="session")
def start_hub() -> Iterator[Callable[[], LoopbackHub]]:
    """Give a function that starts a hub on the loopback address; its token is ``hf_of-a-test``."""
    started = []

    def start() -> LoopbackHub:
        server = LoopbackHub()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def closed_port() -> str:
    """Give an address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
