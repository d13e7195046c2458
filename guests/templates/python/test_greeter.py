import json
import unittest

from greeter import Greeter


def asked(content: object) -> dict:
    return {"performative": "request", "content": content}


class GreeterTest(unittest.TestCase):
    def test_everybody_is_greeted_with_their_number(self):
        greeter = Greeter()
        self.assertEqual(greeter.answer(asked("Ada"))["content"], "Hello, Ada! You are number 1.")
        self.assertEqual(greeter.answer(asked("Bob") | {"sender": "smith"})["receiver"], ["smith"])
        with self.assertRaises(ValueError):
            greeter.answer(asked(7))

    def test_a_task_is_bid_for_and_done_once_it_is_awarded(self):
        greeter = Greeter()
        call = {"performative": "cfp", "sender": "market", "conversation-id": "cnv_1", "content": "{}"}
        bid = greeter.answer(call)
        self.assertEqual((bid["performative"], bid["conversation-id"]), ("propose", "cnv_1"))
        self.assertGreater(json.loads(bid["content"])["price"], 0)
        award = {"performative": "accept-proposal", "content": json.dumps({"task": "greet Eve"})}
        self.assertEqual(greeter.answer(award)["content"], "Hello, Eve! You are number 1.")
        other = greeter.answer({"performative": "subscribe", "content": "news"})
        self.assertEqual(other["performative"], "not-understood")
        for told in ("reject-proposal", "inform", "not-understood"):
            self.assertIsNone(greeter.answer({"performative": told, "content": "better bids"}))

    def test_what_was_saved_is_taken_over(self):
        greeter = Greeter()
        greeter.restore(b"41")
        self.assertIn("number 42", greeter.answer(asked("Ada"))["content"])
        self.assertEqual(greeter.save(), b"42")
        with self.assertRaises(ValueError):
            greeter.restore(b"many")


if __name__ == "__main__":
    unittest.main()
