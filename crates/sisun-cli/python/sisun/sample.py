"""Generated texts."""

from __future__ import annotations

import html as markup
from typing import Any, List, Mapping, NamedTuple


class SampledToken(NamedTuple):
    """A generated token, with its log-probability in nats."""

    id: int
    text: str
    logprob: float


class Sample(str):
    """A generated text: the prompt with its continuation. It is a ``str``;
    a notebook shows it as text.

    Attributes:
        prompt: The text that was continued.
        continuation: The text that was generated.
        tokens: The generated tokens.
        finish: The reason for the end, such as ``"length"``.
    """

    prompt: str
    continuation: str
    tokens: List[SampledToken]
    finish: str

    def __new__(cls, data: Mapping[str, Any]) -> "Sample":
        """Make the text from an object that ``sisun sample --json`` prints."""
        prompt = data["prompt"] or ""
        sample = super().__new__(cls, prompt + data["text"])
        sample.prompt = prompt
        sample.continuation = data["text"]
        sample.tokens = [
            SampledToken(token["id"], token["text"], token["logprob"]) for token in data["tokens"]
        ]
        sample.finish = data["finish"]
        return sample

    def __getnewargs__(self) -> Any:
        tokens = [token._asdict() for token in self.tokens]
        data = {"prompt": self.prompt, "text": self.continuation}
        return ({**data, "tokens": tokens, "finish": self.finish},)

    def _repr_html_(self) -> str:
        style = "white-space: pre-wrap; max-width: 48rem"
        prompt, rest = markup.escape(self.prompt), markup.escape(self.continuation)
        return f'<div style="{style}"><b>{prompt}</b>{rest}</div>'
