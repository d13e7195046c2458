import sys
import types
import unittest

from bottega_guest import Agent, Award, Message, Refusal, Tool, behaviour, callable_tool


class Err(Exception):
    """What the compiler's own module has of this name, in a built guest."""

    def __init__(self, value):
        super().__init__(value)
        self.value = value


sys.modules["componentize_py_types"] = types.SimpleNamespace(Err=Err)


class MessageTest(unittest.TestCase):
    def test_an_answer_goes_back_to_its_sender_in_its_conversation(self):
        text = '{"performative": "request", "content": "hi", "sender": "smith", "reply-with": "1", "language": "en"}'
        asked = Message.parse(text)
        self.assertEqual(Message.parse(asked.to_json()), asked)
        answer = asked.reply("inform", "hello")
        self.assertEqual(answer, Message("inform", "hello", {"receiver": ["smith"], "in-reply-to": "1"}))
        self.assertEqual(Message("agree").to_json(), '{"performative": "agree"}')

    def test_a_durable_message_has_a_name_and_counts_its_attempts(self):
        told = Message.parse('{"performative": "inform", "X-message-id": "msg_1", "X-attempt": "2"}')
        self.assertEqual((told.id, told.attempt), ("msg_1", 2))
        told = Message.parse('{"performative": "inform"}')
        self.assertEqual((told.id, told.attempt, told.sender), (None, 1, None))

    def test_an_award_is_read_and_nonsense_is_refused(self):
        award = Message("accept-proposal", '{"task": "greet Eve", "pay": 1, "finish_by": 2}')
        self.assertEqual(award.awarded(), Award("greet Eve", 1, 2))
        for content in ("hm", "7", "{}", None):
            with self.assertRaises(Refusal):
                Message("accept-proposal", content).awarded()
        for text in ("hm", "7", "{}", "[]"):
            with self.assertRaises(Refusal):
                Message.parse(text)


class Keeper(Agent):
    known = ""

    def handle(self, message):
        if message.content == "!":
            raise Refusal("not that")
        self.known = message.content.upper()

    def save(self):
        return self.known.encode()

    def restore(self, version, state):
        self.known = state.decode()


class Count(Tool):
    name = "count"

    def call(self, arguments):
        return str(len(arguments["text"]))


class WorldTest(unittest.TestCase):
    def test_refusals_of_an_agent_are_answers_and_errors_stay_errors(self):
        kind = behaviour(Keeper)
        kind().init("{}")
        # Each call may meet another object of the class; the agent is the same.
        kind().handle_message(Message("inform", "news").to_json())
        world, other = kind(), behaviour(Keeper)()
        other.restore_state("0.1.0", world.save_state())
        self.assertEqual(other.save_state(), b"NEWS")
        for text in (Message("inform", "!").to_json(), "hm"):
            with self.assertRaises(Err):
                world.handle_message(text)
        with self.assertRaises(AttributeError):
            world.handle_message(Message("inform", 7).to_json())
        with self.assertRaises(Err):
            behaviour(Agent)().save_state()

    def test_what_the_host_refused_is_an_answer(self):
        class Sender(Agent):
            def handle(self, message):
                raise Err(types.SimpleNamespace(value="nobody of that name"))

        with self.assertRaises(Err) as raised:
            behaviour(Sender)().handle_message(Message("inform").to_json())
        self.assertEqual(raised.exception.value, "nobody of that name")

    def test_a_tool_answers_calls_and_refuses_what_is_no_object(self):
        world = callable_tool(Count)()
        self.assertEqual(world.call('{"text": "four"}'), "4")
        for text in ("[]", "hm"):
            with self.assertRaises(Err):
                world.call(text)


if __name__ == "__main__":
    unittest.main()
