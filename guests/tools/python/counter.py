"""Counts the words of a text. Plain Python, tested without any host."""

from bottega_guest import Refusal, Tool


class WordCount(Tool):
    name = "word_count"
    about = "Counts the words of a text."
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}

    def call(self, arguments: dict) -> str:
        text = arguments.get("text")
        if not isinstance(text, str):
            raise Refusal("`text` must be a text")
        return f"{len(text.split())} words"
