"""The tool as its host sees it: the world in wit/world.wit."""

from bottega_guest import callable_tool
from counter import WordCount

Callable = callable_tool(WordCount)
