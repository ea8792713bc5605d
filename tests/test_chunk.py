from itertools import pairwise

import pytest
from conftest import SEED
from hypothesis import given, settings
from hypothesis import strategies as st

from index import Article, chunk, paragraphs
from index.chunk import MAX_CHARS, sentence_spans

TEXTS = st.one_of(
    st.text(max_size=3000),
    st.lists(
        st.sampled_from(
            ["One sentence here.", "“Two. In a quote.”", "Dr. No paid $3.50.", "\n", "\n\n", " ", "\r\n",
             "A HEADING", "東京です。", "😀 ok!", "x" * 1200, "word " * 300, "\u00a0", "...", "-", "é\u0301"]
        ),
        max_size=40,
    ).map(" ".join),
)  # fmt: skip


def passages_of(text):
    return chunk(Article("a", "A", text), "k")


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_offsets_round_trip_and_nothing_is_lost(text):
    passages = passages_of(text)
    seen = []
    for passage in passages:
        assert text[passage.start : passage.end] == passage.text
        assert 0 < len(passage.text) <= MAX_CHARS
        assert (passage.start, passage.end) == (passage.sentences[0].start, passage.sentences[-1].end)
        for sentence in passage.sentences:
            assert text[sentence.start : sentence.end] == sentence.text
            seen.append((sentence.start, sentence.end))
    assert seen == sorted(seen)
    assert all(first[1] <= second[0] for first, second in pairwise(seen))
    covered = "".join(text[start:end] for start, end in seen)
    assert "".join(covered.split()) == "".join(text.split())


def test_ids_are_unique_and_stable():
    text = SEED.read_text(encoding="utf-8")
    first, second = passages_of(text), passages_of(text)
    assert first == second
    assert len({passage.id for passage in first}) == len(first)


def test_a_quotation_of_several_sentences_stays_whole():
    text = SEED.read_text(encoding="utf-8")
    quotes = [s.text for p in passages_of(text) for s in p.sentences if "We have similar concerns" in s.text]
    assert quotes
    assert "fully committed" in quotes[0]
    assert quotes[0].endswith("maritime security.”")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He paid Dr. Smith. She left.", ["He paid Dr. Smith.", "She left."]),
        ("The U.S. economy grew. Exports fell.", ["The U.S. economy grew.", "Exports fell."]),
        ("It is No. 10 on the list. Really!", ["It is No. 10 on the list.", "Really!"]),
        ("It raised approx. £2.5m for est. 40 schools. Cllr. Ann Lund came.", ["It raised approx. £2.5m for est. 40 schools.", "Cllr. Ann Lund came."]),
        ("It seats 40 max. The hall is old.", ["It seats 40 max.", "The hall is old."]),
        ("", []),
    ],
)
def test_sentences(text, expected):
    assert [text[a:b] for a, b in sentence_spans(text, (0, len(text)))] == expected


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One line a paragraph, which ends here.\nAnother paragraph, which ends here.", 2),
        ("Blank lines part these.\n\nTwo paragraphs.\n \nThree.", 3),
        ("This paragraph was wrapped by an editor at a fixed\nwidth and goes on over the line end\nuntil here.", 1),
        ("Windows line ends.\r\n\r\nWork too.", 2),
        ("This paragraph was wrapped by an editor at a fixed\r\nwidth and goes on over the line end\r\nuntil here.\r\n\r\nAnother.", 2),
        ("The bridge was opened in 1931.\nIt cost £2.5m and\nspans 40 metres.", 2),
        ("flour and\nWater\nsalt\nherbs", 4),
    ],
    ids=["single", "blank", "wrapped", "crlf", "crlf wrapped", "breaks off", "list"],
)
def test_paragraphs(text, count):
    assert len(paragraphs(text)) == count


def test_headings_are_told_from_list_items():
    body = "A sentence that is long enough to be the body of a section, which a heading stands above. " * 2
    text = f"The heading\n\n{body}\n\nflour\n\nwater\n\nsalt"
    assert [p.heading for p in paragraphs(text)] == [True, False, False, False, False]


def test_a_long_paragraph_is_cut_evenly():
    text = " ".join(f"This is the sentence with the number {n}, and it says so." for n in range(40))
    sizes = [len(passage.text) for passage in passages_of(text)]
    assert len(sizes) == 3
    assert max(sizes) - min(sizes) < 200


@pytest.mark.parametrize("piece", ["a\n", "the\r\n", "Cllr. ", "approx. 5 "])
def test_what_is_joined_again_and_again_takes_no_longer_for_it(piece):
    text = piece * 200_000
    assert "".join(p.text for p in passages_of(text)).count(piece.strip()) >= 199_000
