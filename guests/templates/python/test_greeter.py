import json
import unittest

from bottega_guest import Message, Refusal
from greeter import Greeter


class GreeterTest(unittest.TestCase):
    def test_everybody_is_greeted_with_their_number(self):
        greeter = Greeter()
        self.assertEqual(greeter.answer(Message("request", "Ada")).content, "Hello, Ada! You are number 1.")
        answer = greeter.answer(Message("request", "Bob", {"sender": "smith"}))
        self.assertEqual(answer.rest["receiver"], ["smith"])
        with self.assertRaises(Refusal):
            greeter.answer(Message("request", 7))

    def test_a_task_is_bid_for_and_done_once_it_is_awarded(self):
        greeter = Greeter()
        call = Message("cfp", "{}", {"sender": "market", "conversation-id": "cnv_1"})
        bid = greeter.answer(call)
        self.assertEqual((bid.performative, bid.rest["conversation-id"]), ("propose", "cnv_1"))
        self.assertGreater(json.loads(bid.content)["price"], 0)
        award = Message("accept-proposal", json.dumps({"task": "greet Eve"}))
        self.assertEqual(greeter.answer(award).content, "Hello, Eve! You are number 1.")
        other = greeter.answer(Message("subscribe", "news"))
        self.assertEqual(other.performative, "not-understood")
        for told in ("reject-proposal", "inform", "not-understood"):
            self.assertIsNone(greeter.answer(Message(told, "better bids")))

    def test_what_was_saved_is_taken_over(self):
        greeter = Greeter()
        greeter.restore("0.1.0", b"41")
        self.assertIn("number 42", greeter.answer(Message("request", "Ada")).content)
        self.assertEqual(greeter.save(), b"42")
        with self.assertRaises(Refusal):
            greeter.restore("0.1.0", b"many")


if __name__ == "__main__":
    unittest.main()
