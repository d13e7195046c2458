import unittest

from bottega_guest import Refusal
from counter import WordCount


class WordCountTest(unittest.TestCase):
    def test_words_are_counted(self):
        for text, count in (("a b c", 3), (" one\n\ttwo ", 2), ("", 0)):
            self.assertEqual(WordCount().call({"text": text}), f"{count} words")
        with self.assertRaises(Refusal):
            WordCount().call({"text": 7})


if __name__ == "__main__":
    unittest.main()
