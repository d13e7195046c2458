"""The agent as its host sees it: the world in wit/world.wit.

An `Err` is an answer, and the agent goes on. Any other exception ends it.
"""

import json

from componentize_py_types import Err
from greeter import Greeter
from wit_world.imports import log, send

GREETER = Greeter()


class Behaviour:
    def init(self, config: str) -> None:
        pass

    def handle_message(self, message: str) -> None:
        try:
            answer = GREETER.answer(json.loads(message))
        except ValueError as error:
            raise Err(str(error))
        if answer is None:
            return
        log.write(log.Level.INFO, f"{answer['performative']}, {GREETER.greeted} greeted")
        send.send(json.dumps(answer))

    def save_state(self) -> bytes:
        return GREETER.save()

    def restore_state(self, version: str, state: bytes) -> None:
        try:
            GREETER.restore(state)
        except ValueError as error:
            raise Err(str(error))
