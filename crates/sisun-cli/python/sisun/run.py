"""A model with its files. `open` here is this package's."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Sequence, Union

from . import _arguments
from ._arguments import (
    Numbers,
    PathLike,
    Texts,
    number,
    numbers,
    option,
    paths,
    position,
    texts,
    whole,
)
from ._program import call, call_json
from ._settings import Settings
from .attention import Attention
from .errors import NotFoundError
from .explanation import Explanation
from .page import Page
from .sample import Sample
from .table import Heads, Table


def open(path: PathLike, *, device: str = "auto", precision: Optional[str] = None) -> "Run":
    """Open a run directory, one of its checkpoints, or a Hugging Face directory.

    Of a run the best checkpoint is used.

    Args:
        path: The directory.
        device: ``auto``, ``cpu`` or ``wgpu``.
        precision: ``float32`` (the default) or ``bf16``.

    Raises:
        NotFoundError: If there is no such directory.
        SisunError: If it holds no model that Sisun reads.
    """
    place = _arguments.path("path", path)
    if not Path(place).is_dir():
        raise NotFoundError(
            f"{place} is not a run: no such folder; sisun.train(config) makes one under runs/"
        )
    run = Run(place, device=device, precision=precision)
    run.info()
    return run


class Run:
    """A model with its files: a run directory, a checkpoint, or a Hugging Face directory.

    Attributes:
        path: The directory.
        device: The device on which commands compute.
        precision: The number format, ``float32`` or ``bf16``; None is the program's default.
    """

    def __init__(
        self, path: PathLike, *, device: str = "auto", precision: Optional[str] = None
    ) -> None:
        self.path = Path(_arguments.path("path", path)).absolute()
        self.device = _arguments.text("device", device)
        self.precision = None if precision is None else _arguments.text("precision", precision)

    def sample(
        self,
        prompt: str = "",
        *,
        tokens: Optional[int] = None,
        temperature: Optional[float] = None,
        top_k: Optional[int] = None,
        top_p: Optional[float] = None,
        min_p: Optional[float] = None,
        repetition_penalty: Optional[float] = None,
        stop: Optional[Texts] = None,
        seed: Optional[int] = None,
    ) -> Sample:
        """Generate one text. The same seed gives the same text.

        Args:
            prompt: The text to continue; without one the model begins a text by itself.
            tokens: Generate at most this many tokens (200).
            temperature: Softmax temperature (0.8); 0 always takes the most likely token.
            top_k: Sample from this many most likely tokens only; 0 takes all (0).
            top_p: Sample from the most likely tokens whose probabilities add up to this (1).
            min_p: Sample from tokens at least this many times as likely as the likeliest (0).
            repetition_penalty: Make tokens that already occurred less likely (1).
            stop: Stop at this text, or at any of these.
            seed: Random seed (0).

        Raises:
            TypeError: If an argument is of a wrong type.
            UsageError: If a value is out of its range.
            SisunError: If the model cannot be read.
        """
        sampler = _sampler(tokens, temperature, top_k, top_p, min_p, repetition_penalty, stop, seed)
        return self._samples(prompt, sampler)[0]

    def samples(
        self,
        n: int,
        prompt: str = "",
        *,
        tokens: Optional[int] = None,
        temperature: Optional[float] = None,
        top_k: Optional[int] = None,
        top_p: Optional[float] = None,
        min_p: Optional[float] = None,
        repetition_penalty: Optional[float] = None,
        stop: Optional[Texts] = None,
        seed: Optional[int] = None,
    ) -> List[Sample]:
        """Generate ``n`` texts; the arguments are those of `sample`."""
        sampler = _sampler(tokens, temperature, top_k, top_p, min_p, repetition_penalty, stop, seed)
        return self._samples(prompt, [f"--samples={whole('n', n)}", *sampler])

    def attend(
        self,
        text: str,
        *,
        layers: Optional[Numbers] = None,
        heads: Optional[Numbers] = None,
        activations: Texts = ("pattern",),
        language: Optional[str] = None,
    ) -> Attention:
        """Compute the attention of a text.

        Args:
            text: The text.
            layers: Layers to keep, counted from 0: one, several, or ``"0,2-3"``; -1 is the last.
                Default: all.
            heads: Heads to keep, likewise.
            activations: Activations to read: any of ``pattern``, ``scores``, ``q``, ``k``,
                ``v``, ``z``. The pattern is always among them.
            language: Initial language of the page, ``en`` or ``ko``.

        Raises:
            TypeError: If an argument is of a wrong type.
            UsageError: If the text is empty or too long, or a layer or head does not exist.
            SisunError: If the model cannot be read.
        """
        others = [name for name in texts("activations", activations) if name != "pattern"]
        wanted = ["pattern", *others]
        with tempfile.TemporaryDirectory(prefix="sisun-") as folder:
            data = self._attend(
                text,
                Path(folder),
                "--format=npz,html",
                f"--activations={','.join(wanted)}",
                *numbers("--layers", layers, self._layers),
                *numbers("--heads", heads, self._heads),
                *option("--language", _arguments.text, language),
            )
            archive = (Path(folder) / "attention.npz").read_bytes()
            return Attention(data, archive, self._page(Path(folder), text))

    def explain(
        self,
        text: str,
        *,
        query: Union[int, str, None] = None,
        layer: Optional[int] = None,
        head: Optional[int] = None,
        language: Optional[str] = None,
    ) -> Explanation:
        """Work through the attention of one query, step by step.

        Args:
            text: The text.
            query: The attending token: its position, from 0, or its text. Default: the last.
            layer: The layer, counted from 0; -1 is the last. Default: the last.
            head: The head, counted from 0 (0); -1 is the last.
            language: Language of the words, ``en`` or ``ko``.

        Raises:
            TypeError: If an argument is of a wrong type.
            UsageError: If the text has no such token, or the model no such layer or head.
            SisunError: If the model cannot be read.
        """
        arguments = [
            f"--text={_arguments.text('text', text)}",
            *option("--query", _query, query),
            *position("--layer", layer, self._layers),
            *position("--head", head, self._heads),
            *option("--language", _arguments.text, language),
            *self._model(),
        ]
        data = call_json(["explain", *arguments])
        with tempfile.TemporaryDirectory(prefix="sisun-") as folder:
            self._attend(
                text,
                Path(folder),
                "--format=html",
                f"--layers={data['layer']}",
                f"--heads={data['head']}",
                *option("--language", _arguments.text, language),
            )
            page = self._page(Path(folder), text)
        # A query is a token, and the page counts in words otherwise.
        at = {"view": "worked", "unit": "token", "layer": data["layer"], "head": data["head"]}
        page = page.opened_at({**at, "query": data["query"]})
        # The notes have been told with `data`.
        return Explanation(call(["explain", "--quiet", *arguments]), data, page)

    def heads(
        self,
        text: Optional[str] = None,
        *,
        data: Union[PathLike, Iterable[PathLike], None] = None,
        windows: Optional[int] = None,
        ablate: bool = True,
    ) -> Heads:
        """Measure what each head does, and by how much the loss rises without it.

        Args:
            text: The text on which entropies and distances are measured. Default: the run's own.
            data: Files or folders on which heads are ablated. Default: the run's held-out text.
            windows: Ablate on this many windows of the text (32).
            ablate: Ablate the heads, which takes most of the time.

        Raises:
            SisunError: If the model or the text cannot be read.
        """
        return Heads(
            call_json(
                [
                    "heads",
                    *option("--text", _arguments.text, text),
                    *_data(data),
                    *option("--windows", whole, windows),
                    *([] if ablate else ["--fast"]),
                    *self._model(),
                ]
            )
        )

    def evaluate(
        self,
        *,
        data: Union[PathLike, Iterable[PathLike], None] = None,
        lengths: Optional[Numbers] = None,
        windows: Optional[int] = None,
    ) -> Table:
        """Measure loss, perplexity and bits per byte.

        Args:
            data: Files or folders. Default: the run's held-out text.
            lengths: Window lengths in tokens. Default: the model's context length.
            windows: Evaluate on this many windows, evenly spaced. Default: all.

        Returns:
            A row for each length: ``length`` and ``tokens``, ``loss`` in nats per token,
            ``perplexity``, ``bits_per_byte``.

        Raises:
            SisunError: If the model or the text cannot be read.
        """
        options = [*numbers("--lengths", lengths), *option("--windows", whole, windows)]
        found = call_json(["eval", *_data(data), *options, *self._model()])
        return Table(found.get("lengths") or [found])

    def metrics(self) -> Table:
        """Return the metrics that training logged, a row for each logged step.

        Columns: ``step``; ``split``, ``train`` or ``validation``; ``loss`` in nats per token; of
        training ``lr``, ``grad_norm`` and ``tokens_per_second``; of validation ``perplexity`` and
        ``bits_per_byte``; ``elapsed_s`` in seconds.

        Raises:
            NotFoundError: If this is not a run directory.
        """
        log = self._file("metrics.jsonl", "was not trained here")
        lines = log.read_text(encoding="utf-8").split("\n")
        # Training may be writing the last line.
        return Table(json.loads(line) for line in lines[:-1] if line)

    def report(self) -> Page:
        """Return the page of loss curves and samples that training wrote.

        Raises:
            NotFoundError: If this is not a run directory.
        """
        return Page.read(self._file("report.html", "has no report"), f"Report of {self.path.name}")

    def info(self) -> Dict[str, Any]:
        """Return the model's settings, and counts of parameters, bytes and operations.

        Raises:
            SisunError: If the model cannot be read.
        """
        found: Dict[str, Any] = call_json(["info", "--", str(self.path)])
        return found

    def export(self, to: PathLike, *, dtype: Optional[str] = None) -> "Run":
        """Write the model as a directory that ``transformers`` loads, and open it.

        Args:
            to: The directory, which must not exist yet.
            dtype: ``float32`` (the default), ``float16`` or ``bfloat16``.

        Raises:
            SisunError: If no model of ``transformers`` computes the same.
        """
        device = f"--device={self.device}"
        to = _arguments.path("to", to)
        options = [f"--to={to}", *option("--dtype", _arguments.text, dtype), device]
        call_json(["export", *options, "--", str(self.path)])
        return Run(to, device=self.device, precision=self.precision)

    def resume(
        self, *, set: Optional[Settings] = None, wait: bool = False, progress: bool = True
    ) -> "Run":
        """Continue training from the last checkpoint and return the run.

        Args:
            set: Settings to change, as in ``{"train.steps": 2000}``.
            wait: Wait if another process is training in the directory.
            progress: Show the progress in one line.

        Raises:
            SisunError: If there is no run, or another process is training in it.
        """
        from .training import resume

        return resume(self.path, set=set, device=self.device, wait=wait, progress=progress)

    def _samples(self, prompt: str, options: Sequence[str]) -> List[Sample]:
        prompt = _arguments.text("prompt", prompt)
        # From standard input, where a prompt may hold anything; its last line end is dropped there.
        given = ["--prompt-file=-"] if prompt else []
        found = call_json(
            ["sample", *options, *given, *self._model()], text=prompt + "\n" if prompt else None
        )
        return [Sample(one) for one in found.get("samples", [found])]

    def _attend(self, text: str, folder: Path, *options: str) -> Any:
        text = _arguments.text("text", text)
        return call_json(["attend", f"--text={text}", f"--out={folder}", *options, *self._model()])

    def _layers(self) -> int:
        return int(self.info()["model"]["n_layers"])

    def _heads(self) -> int:
        return int(self.info()["model"]["n_heads"])

    def _page(self, folder: Path, text: str) -> Page:
        return Page.read(folder / "attention.html", f"Attention of {self.path.name}: {text}")

    def _model(self) -> List[str]:
        """Return the options and the path that name the model."""
        precision = option("--precision", _arguments.text, self.precision)
        return [f"--device={self.device}", *precision, "--", str(self.path)]

    def _file(self, name: str, otherwise: str) -> Path:
        path = self.path / name
        if not path.is_file():
            raise NotFoundError(f"{self.path} {otherwise}: no {name}")
        return path

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"


def _sampler(
    tokens: Optional[int],
    temperature: Optional[float],
    top_k: Optional[int],
    top_p: Optional[float],
    min_p: Optional[float],
    repetition_penalty: Optional[float],
    stop: Optional[Texts],
    seed: Optional[int],
) -> List[str]:
    return [
        *option("--tokens", whole, tokens),
        *option("--temperature", number, temperature),
        *option("--top-k", whole, top_k),
        *option("--top-p", number, top_p),
        *option("--min-p", number, min_p),
        *option("--repetition-penalty", number, repetition_penalty),
        # The program would read backslashes as escapes.
        *("--stop=" + one.replace("\\", "\\\\") for one in texts("stop", stop)),
        *option("--seed", whole, seed),
    ]


def _data(data: Union[PathLike, Iterable[PathLike], None]) -> List[str]:
    return [f"--data={one}" for one in paths("data", data)]


def _query(name: str, given: object) -> Union[int, str]:
    return given if isinstance(given, str) else whole(name, given)
