"""Yes and no, said only where a sentence says so for certain."""

import random
import re

import pytest
from conftest import DATA

from chatbot import Chatbot
from chatbot.answering.polar import asks, polar
from chatbot.evaluation.claims import claims
from chatbot.reader.examples import read

SENTENCES = [
    ("Was the harbour of Wick opened by Ada Brink?", "The harbour of Wick was opened by Mayor Ada Brink in 1921.", "Yes"),
    ("Did the town raise its taxes?", "Exports rose, and the town did not raise its taxes.", "No"),
    ("Did fishermen from Thurso pay for the work?", "Fishermen from Thurso paid for half of the work.", None),
    ("Does India belong to the Quad?", "India is a member of the Quad.", None),
    ("Will Modi visit China?", "Prime Minister Modi is scheduled to visit China.", None),
    ("Did Modi visit China?", "Modi may visit China next year.", None),
    ("Did Modi visit China?", "Modi never visited China.", "No"),
    ("Did Modi visit China?", "Modi visited Japan, whose ties with China are bad.", None),
    ("Is it true?", "It is true.", None),
    ("Didn't the town raise its taxes?", "The town raised its taxes.", None),
    ("Was it Wick or Thurso that opened a harbour?", "Wick opened a harbour.", None),
    ("Who opened the harbour?", "Wick opened the harbour.", None),
    ("Did the mine close in 1950?", "Did the mine close in 1950?", None),
    ("Was the mine flooded in 1931?", "It is false that the mine was flooded in 1931.", None),
    ("Was the school built by the company?", "The rumour that the school was built by the company is wrong.", None),
    ("Was the shaft 900 metres deep?", "Few people think that the shaft was 900 metres deep.", None),
    ("Was the railway extended to Dunmore?", "The union demanded that the railway be extended to Dunmore.", None),
    ("Was the church demolished in 1960?", "The church was demolished in 1960 in a novel by Ada Kerr.", None),
    ("Was the doctor injured in 1933?", "No one but the doctor was injured in 1933.", None),
    ("Was the film shot in Wick?", "The film was shot in Wick.", "Yes"),
    ("Has Wick opened a second harbour?", "Wick, which opened a harbour in 1921, has a second pier.", None),
]


@pytest.mark.parametrize(("question", "sentence", "said"), SENTENCES)
def test_yes_and_no(question, sentence, said):
    assert polar(question, sentence) == said


@pytest.mark.parametrize(
    ("question", "asked"),
    [("Is it open?", True), ("And did he come?", True), ("Who is it?", False), ("Is it red or blue?", False), ("Iscariot came?", False), ("Can whales fly?", True)],
)
def test_which_questions_are_asked_for_it(question, asked):
    assert asks(question) == asked


def test_an_answer_begins_with_it(tmp_path):
    (tmp_path / "wick.txt").write_text("The harbour of Wick was opened by Mayor Ada Brink in 1921. The town did not raise its taxes for the harbour of Wick.")
    bot = Chatbot.open([tmp_path / "wick.txt"], tmp_path / "ix")
    answer = bot.ask("Was the harbour of Wick opened by Ada Brink?")
    assert answer.phrase == "Yes"
    assert answer.text.startswith("Yes — The harbour of Wick was opened")
    assert answer.to_json()["phrase"] == "Yes"
    bot.close()


@pytest.mark.datasets
def test_it_is_rarely_wrong():
    """Statements of articles, true and corrupted, put as questions."""
    turned = re.compile(r"^([^,;:]{3,60}?) (is|are|was|were|has|had|can|could) (.+)\.$")
    right = wrong = 0
    for part in read([DATA / "xquad-en-dev.json"]):
        for claim in claims(part, random.Random(5), 60):
            match = turned.match(claim.text)
            if not match or claim.kind == "verb":
                continue
            question = f"{match[2].capitalize()} {match[1]} {match[3]}?"
            said = next((s for s in (polar(question, each.text) for each in claim.passage.sentences) if s), None)
            if said:
                right += (said == "Yes") == claim.supported
                wrong += (said == "Yes") != claim.supported
    assert right > 60
    assert wrong / (right + wrong) < 0.03
