"""Training the reader: its examples, its losses and teachers, and the model that comes out."""

import json
import random
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from chatbot.answering import fit
from chatbot.answering.reader import MODEL, Pairs, Reader, load
from chatbot.answers import NOT_IN_ARTICLE, Turn
from chatbot.reader import export, quantize, rounding, train
from chatbot.reader.batches import tensors
from chatbot.reader.examples import drawn, in_passages, read
from chatbot.reader.hurried import hurried
from chatbot.reader.judge import Original
from chatbot.reader.led_in import led_in
from chatbot.reader.looks import looks
from chatbot.reader.losses import Lesson, strayed, untaught
from chatbot.reader.teachers import UNSEEN, Fold, Teachers
from chatbot.reader.weights import weights_of
from chatbot.reader.written import read_invented, read_written
from index import Index
from index.quantize import OPSET

PARAGRAPHS = (
    "Wick has a harbour. It was opened by Ada Brink in 1921 before the war.",
    "Thurso has a castle. It was built by John Sinclair in 1664.",
    "Golspie has a mill. It was closed in 1999.",
)


@pytest.fixture
def squad(tmp_path):
    asked = [
        ("Who opened the harbour of Wick before the war?", 0, "Ada Brink"),
        ("In which year did John Sinclair build?", 1, "1664"),
        ("Who closed the mill?", 2, None),
    ]
    paragraphs = []
    for place, text in enumerate(PARAGRAPHS):
        qas = [
            {"id": q, "question": q, "is_impossible": a is None, "answers": [{"text": a, "answer_start": text.index(a)}] if a else []}
            for q, p, a in asked
            if p == place
        ]
        paragraphs.append({"context": text, "qas": qas})
    path = Path(tmp_path) / "squad.json"
    path.write_text(json.dumps({"data": [{"title": "Caithness", "paragraphs": paragraphs}]}))
    return path


def in_order(_, passages):
    return range(len(passages))


def test_questions_are_read_with_their_spans(squad):
    (part,) = read([squad])
    first, second, third = part.examples
    assert [first.passage[s:e] for s, e in first.spans] == ["Ada Brink"]
    assert [second.passage[s:e] for s, e in second.spans] == ["1664"]
    assert third.kind == "open"
    assert third.spans == ()
    (rest,) = read([squad], {PARAGRAPHS[0]})
    assert len(rest.examples) == 2


def test_open_questions_are_made_by_rule(squad, monkeypatch):
    monkeypatch.setattr("chatbot.reader.examples.HURRIED", 0)
    (part,) = read([squad])
    everything = [each for seed in range(300) for each in drawn(part, in_order, random.Random(seed))]
    for open_ones in (True, False):  # that the mark is missing tells nothing
        unmarked = [not each.question.endswith("?") for each in everything if (each.spans == ()) == open_ones]
        assert 0.06 < sum(unmarked) / len(unmarked) < 0.14
    made = [replace(each, question=each.question.rstrip("?") + "?") for each in everything if each.kind not in ("answered", "open")]
    kinds = {each.kind for each in made}
    assert kinds == {"other", "without", "swapped", "opposite"}
    assert all(each.spans == () for each in made)
    asked = {each.question: each.passage for each in part.examples}
    for each in made:
        if each.kind == "without":
            assert each.passage in ("Wick has a harbour.", "Thurso has a castle.")
        elif each.kind == "other":
            assert asked[each.question] != each.passage
            answers = [e.passage[s:t] for e in part.examples if e.question == each.question for s, t in e.spans]
            assert not any(answer in each.passage for answer in answers)
        else:
            # Either the question or the passage is another.
            assert (each.question, each.passage) not in asked.items()
    swapped = {each.question for each in made if each.kind == "swapped"}
    assert any("Ada Brink build" in each for each in swapped) or any("Thurso" in each for each in swapped)
    opposite = {each.question for each in made if each.kind == "opposite"}
    assert "Who opened the harbour of Wick after the war?" in opposite
    assert "In which year didn't John Sinclair build?" in opposite


def test_what_is_answered_stays_answered(squad):
    """Sentences are left out and names swapped, and the spans move along."""
    (part,) = read([squad])
    answers = {"Ada Brink", "1664"}
    passages = set()
    for seed in range(300):
        for each in drawn(part, in_order, random.Random(seed)):
            if each.kind == "answered":
                assert {each.passage[start:end] for start, end in each.spans} <= answers
                passages.add(each.passage)
    assert len(passages) > 2


def test_articles_are_cut_as_an_index_cuts_them(tmp_path):
    long = " ".join(f"Sentence number {n} tells of boat {n}." for n in range(60))
    start = long.index("boat 40")
    qas = [
        {"id": "a", "question": "Which boat?", "is_impossible": False, "answers": [{"text": "boat 40", "answer_start": start}]},
        {"id": "b", "question": "Which car?", "is_impossible": True, "answers": []},
    ]
    path = tmp_path / "long.json"
    path.write_text(json.dumps({"data": [{"title": "Boats", "paragraphs": [{"context": long, "qas": qas}]}]}))
    (part,) = (in_passages(each) for each in read([path]))
    assert all(len(text) <= 1000 for text in part.passages)
    answered, *still_open = part.examples
    assert [answered.passage[s:e] for s, e in answered.spans] == ["boat 40"]
    assert len(still_open) == len(part.passages) > 1


@pytest.fixture
def written(tmp_path, squad):
    about = read([squad])[0].examples[0].question  # questions are their own ids here
    lines = [
        {"about": about, "question": "When did the harbour open?", "answer": "in 1921"},
        {"about": about, "question": "When did the harbour close?", "answer": None},
        {"about": "elsewhere", "question": "Is it left out?", "answer": None},
    ]
    path = tmp_path / "written.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


def test_written_questions_are_about_the_paragraph_of_another(squad, written):
    (part,) = read_written(written, [squad])
    answered, still_open = part.examples
    assert part.title == "Caithness"
    assert answered.passage == still_open.passage == PARAGRAPHS[0]
    assert [answered.passage[s:e] for s, e in answered.spans] == ["in 1921"]
    assert (still_open.spans, still_open.kind) == ((), "open")
    written.write_text(json.dumps({"about": read([squad])[0].examples[0].question, "question": "?", "answer": "in 1922"}))
    with pytest.raises(ValueError, match=r"written.jsonl:1"):
        read_written(written, [squad])


def test_invented_texts_come_with_their_questions(tmp_path):
    file = tmp_path / "invented.jsonl"
    asked = [{"question": "Who sold it?", "answer": "Ada Brink"}, {"question": "Who bought it?", "answer": None}]
    lines = [{"title": "A boat", "text": "It was sold by Ada Brink.", "asked": asked}]
    lines.append({"title": "A boat", "text": "Ada Brink lives in Wick.", "asked": asked[:1]})
    file.write_text("\n".join(json.dumps(line) for line in lines))
    (part,) = read_invented(file)
    assert (part.title, part.passages) == ("A boat", (lines[0]["text"], lines[1]["text"]))
    assert [[each.passage[s:e] for s, e in each.spans] for each in part.examples] == [["Ada Brink"], [], ["Ada Brink"]]
    assert [each.kind for each in part.examples] == ["answered", "open", "answered"]
    lines[1]["text"] = "She lives in Wick."
    file.write_text("\n".join(json.dumps(line) for line in lines))
    with pytest.raises(ValueError, match=r"invented.jsonl:2"):
        read_invented(file)


def test_what_is_typed_in_a_hurry_asks_for_the_same():
    asked = "In how many years did John Sinclair not build the castle?"
    typed = {hurried(asked, random.Random(seed)) for seed in range(400)}
    assert "how many years John Sinclair not build castle" in {each.removeprefix("In ") for each in typed}
    assert any(each.split()[-1] == "years" for each in typed)  # what is asked for comes last
    assert any("yrs" in each for each in typed)
    assert any(len(each.split()) == len(asked.split()) and "Sinclair" not in each for each in typed)  # a slip
    assert all(" not " in each for each in typed)
    for short in ("", "?", "Why?", "How long?"):
        assert {hurried(short, random.Random(seed)).rstrip("?") for seed in range(50)} == {short.rstrip("?")}


def test_answered_and_open_questions_are_typed_in_a_hurry_alike(squad):
    (part,) = read([squad])
    whole = {each.question.rstrip("?") for each in part.examples}
    for kind in ("answered", "open"):
        made = [each for seed in range(600) for each in drawn(part, in_order, random.Random(seed)) if each.kind == kind]
        other = [each.question.rstrip("?") not in whole for each in made if "Caithness" not in each.question]
        assert 0.05 < sum(other) / len(other) < 0.35


def test_some_are_asked_after_another_question_of_their_article(squad):
    (part,) = read([squad])
    texts = {each.question for each in part.examples}
    examples = [*part.examples, replace(part.examples[0], question="Who opened it?")]
    found = [each for seed in range(100) for each in led_in(part, examples, random.Random(seed))]
    led = [each for each in found if each.before]
    assert 0.03 < len(led) / len(found) < 0.15
    assert all(each.before in texts - {each.question} and each.question in texts for each in led)
    assert [replace(each, before="") for each in found] == examples * 100


def test_a_follow_up_is_read_after_the_question_before_it(tmp_path):
    file = tmp_path / "invented.jsonl"
    asked = [{"before": "Who sold the boat?", "question": "And when?", "answer": "1921"}]
    text = "Ada Brink sold the boat in 1921."
    file.write_text(json.dumps({"title": "A boat", "text": text, "asked": asked}))
    ((example,),) = (part.examples for part in read_invented(file))
    ids, *_ = tensors([example], Pairs())
    assert ids[0].tolist() == Pairs().of("Who sold the boat? And when?", text).ids.tolist()


def test_a_long_answer_of_an_invented_text_may_stand_anywhere_in_its_words(tmp_path):
    file = tmp_path / "invented.jsonl"
    answers = ("because she had no money", "Ada Brink", None)
    asked = [{"question": f"What of {number}?", "answer": answer} for number, answer in enumerate(answers)]
    text = "The boat was sold by Ada Brink because she had no money left."
    file.write_text(json.dumps({"title": "A boat", "text": text, "asked": asked}))
    (part,) = read_invented(file)
    *_, begins, ends = tensors(part.examples, Pairs())
    counts = [len(answer.split()) if answer else 1 for answer in answers]
    assert begins.sum(dim=1).tolist() == ends.sum(dim=1).tolist() == [counts[0], 1, 1]
    assert torch.equal(begins[0], ends[0])
    assert ends[1].int().argmax() == begins[1].int().argmax() + 1
    assert begins[2, 0]
    assert ends[2, 0]


def test_the_questions_that_ship_with_the_training_are_well_formed():
    beside = Path(train.__file__).parent
    lines = [json.loads(line) for line in (beside / "written.jsonl").read_text().splitlines()]
    assert len({(line["about"], line.get("before"), line["question"]) for line in lines}) == len(lines) > 8000
    assert {frozenset({*line, "before"}) for line in lines} == {frozenset({"about", "before", "question", "answer"})}
    assert all(line["question"].strip() and line["answer"] != "" for line in lines)
    invented = read_invented(beside / "invented.jsonl")
    examples = [example for part in invented for example in part.examples]
    assert len({(each.passage, each.before, each.question) for each in examples}) == len(examples) > 1000
    assert all(each.question.strip() and each.kind in ("answered", "open") for each in examples)
    assert 0.3 < sum(each.kind == "answered" for each in examples) / len(examples) < 0.6


def test_the_confidence_is_fitted_on_texts_that_the_reader_has_not_read():
    beside = Path(train.__file__).parent
    learnt, apart = (read_invented(beside / f"{name}.jsonl") for name in ("invented", "apart"))
    assert not {text for part in learnt for text in part.passages} & {text for part in apart for text in part.passages}
    asked = [each for part in apart for each in part.examples]
    assert 0.4 < sum(each.kind == "answered" for each in asked) / len(asked) < 0.6


def test_invented_texts_get_their_own_questions_and_those_of_others(tmp_path):
    texts = [
        {"title": "A boat", "text": "Ada Brink sold the boat.", "asked": [{"question": "Who sold the boat?", "answer": "Ada Brink"}, {"question": "Who bought the boat?", "answer": None}]},
        {"title": "A mill", "text": "The mill was closed in 1999.", "asked": [{"question": "When was the mill closed?", "answer": "1999"}, {"question": "Why?", "answer": None}]},
    ]
    follow_ups = [
        {"before": "Who sold the boat?", "said": "Ada", "question": "What did she sell?", "answer": "the boat"},
        {"before": "Who steered the boat?", "said": None, "question": "Who sold it?", "answer": None},
    ]
    texts[0]["asked"] += follow_ups
    file = tmp_path / "apart.jsonl"
    file.write_text("\n".join(json.dumps(text) for text in texts))
    index = Index.open(tmp_path / "index")
    found = fit._invented(index, file, random.Random(7))
    own, astray = ([each for each in found if each.kind == kind] for kind in (fit.INVENTED, fit.ASTRAY))
    assert [(each.question, each.article, each.label) for each in own] == [
        (asked["question"], f"apart/{place}", asked["answer"] is not None)
        for place, text in enumerate(texts)
        for asked in text["asked"]
        if "before" not in asked
    ]
    assert [(each.question, *each.history, each.label) for each in found if each.kind == fit.FOLLOWING] == [
        ("What did she sell?", Turn("Who sold the boat?", texts[0]["text"]), True),
        ("Who sold it?", Turn("Who steered the boat?", NOT_IN_ARTICLE), False),
    ]
    of = {asked["question"]: f"apart/{place}" for place, text in enumerate(texts) for asked in text["asked"] if "before" not in asked}
    assert len(astray) == 2
    assert all(each.article != of[each.question] and not each.label for each in astray)


def test_a_run_that_goes_on_is_held_to_the_phrases_of_the_passage_alone():
    known = torch.randn(2, 6, 2, generator=torch.Generator().manual_seed(7))
    inside = torch.tensor([[0, 0, 1, 1, 1, 0], [0, 1, 1, 1, 1, 1]], dtype=torch.bool)
    assert strayed(known, known, inside) == 0
    elsewhere = known.masked_fill(~inside[..., None], 5.0)  # "nowhere" may become as likely as it likes
    assert strayed(elsewhere, known, inside) == 0
    moved = known.clone()
    moved[0, 3, 1] += 4
    assert strayed(moved, known, inside) > 0.01


def test_a_look_shows_one_sentence_with_the_one_before(squad):
    (part,) = read([squad])
    seen = set()
    for seed in range(20):
        for look in looks("Caithness", part.examples, random.Random(seed)):
            text = look.passage.removeprefix("Caithness. ")
            assert any(text in passage for passage in PARAGRAPHS)
            words = [look.passage[s:e] for s, e in look.spans]
            assert words == {"answered": [words[0] if words else None], "beside": [], "open": []}[look.kind]
            if look.kind == "beside":
                assert "Ada Brink" not in text
                assert "1664" not in text
            seen.add((look.kind, text == look.passage, *words))
    assert {("answered", False, "Ada Brink"), ("answered", True, "1664"), ("beside", False), ("open", False)} <= seen


def test_training_can_go_on_from_the_model_that_ships():
    """Its weights as floats are the network that it was made from, to the last step; its states are bytes."""
    original = Original(MODEL)
    (ours,), (theirs,) = (each.read("Who opened the harbour of Wick?", PARAGRAPHS[:1]) for each in (load(), original))
    assert ours.answers == pytest.approx(theirs.answers, abs=0.15)
    assert np.allclose(ours.begins, theirs.begins, atol=0.5)
    assert ours.phrase(0, 100).start == theirs.phrase(0, 100).start
    layers = {name: weight for name, weight in weights_of(MODEL).items() if ".layer." in name and weight.ndim == 2}
    assert len(layers) == 36
    for weight in layers.values():
        whole, step = rounding.in_steps(weight)
        assert torch.allclose(whole * step, weight, atol=1e-6)


def run(main, monkeypatch, *options):
    monkeypatch.setattr(sys, "argv", ["python", *map(str, options)])
    main()


def test_a_run_takes_files_as_often_as_it_is_told(squad, tmp_path, monkeypatch, capsys):
    invented = tmp_path / "invented.jsonl"
    line = {"title": "A boat", "text": "Ada sold it.", "asked": [{"question": "Who sold it?", "answer": "Ada"}]}
    invented.write_text(json.dumps(line))
    taken = []
    monkeypatch.setattr(train, "Training", lambda parts, nearness, options: taken.append((parts, options)) or Mock())
    options = ("--articles", squad, "--invented", invented, invented, "--checkpoint", tmp_path / "x.pt")
    run(train.main, monkeypatch, *options, "--times", "invented=0.35", "--rate", 6e-5)
    ((parts, chosen),) = taken
    assert [(part.title, times) for part, times in parts] == [("Caithness", 1.0), ("A boat", 0.35), ("A boat", 0.35)]
    assert chosen.rate == 6e-5
    with pytest.raises(SystemExit):
        run(train.main, monkeypatch, *options, "--times", "inveted=1")
    assert "inveted=1" in capsys.readouterr().err


def test_articles_are_dealt_into_folds():
    titles = [f"Article {n}" for n in range(60)]
    folds = [Fold.parse(f"{place}/3") for place in range(3)]
    assert all(sum(fold.holds(title) for fold in folds) == 1 for title in titles)
    assert all(10 < sum(fold.holds(title) for title in titles) < 30 for fold in folds)
    for wrong in ("3/3", "-1/3", "1", "a/b", "1/2/3"):
        with pytest.raises(ValueError, match=r".*"):
            Fold.parse(wrong)


def test_a_fold_is_left_out(squad, tmp_path, monkeypatch, capsys):
    taken = []
    monkeypatch.setattr(
        train, "Training", lambda parts, nearness, options: taken.append(parts) or Mock()
    )
    options = ("--articles", squad, "--checkpoint", tmp_path / "x.pt", "--fold")
    for place in range(3):
        run(train.main, monkeypatch, *options, f"{place}/3")
    assert sorted(map(len, taken)) == [0, 1, 1]
    with pytest.raises(SystemExit):
        run(train.main, monkeypatch, *options, "3/3")
    assert "3/3" in capsys.readouterr().err


def test_a_student_is_taught_what_its_teachers_say():
    spans = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(7))
    lesson = Lesson(spans.softmax(dim=1), torch.tensor([0.2, 0.9]))
    assert untaught(spans, lesson) == pytest.approx(0, abs=1e-6)
    assert untaught(-spans, lesson) > 0.1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_exported_reads_as_the_network_that_was_trained(squad, written, tmp_path, monkeypatch):
    """All of it in small: a first step, one that goes on from there, the export, and the same logits."""
    first, second, model = tmp_path / "first.pt", tmp_path / "second.pt", tmp_path / "reader.onnx"
    again = ("--open", squad, "--written", written, "--from", first, "--share", 0.5, "--checkpoint", second, "--epochs", 2)
    run(train.main, monkeypatch, "--articles", squad, "--checkpoint", first, "--epochs", 2)
    run(train.main, monkeypatch, *again)
    begun, ended = weights_of(first), weights_of(second)
    run(train.main, monkeypatch, *again)
    name = "encoder.encoder.layer.5.output.dense.weight"
    assert not torch.equal(begun[name], ended[name])
    # A run that is over is not gone on with, which would go part of the way a second time.
    assert torch.equal(ended[name], weights_of(second)[name])
    run(export.main, monkeypatch, second, "--to", model)
    shipped, network = Reader(model.read_bytes()), Original(second)
    for question in ("Who opened the harbour of Wick?", "Who closed the mill?"):
        ours, theirs = shipped.read(question, PARAGRAPHS), network.read(question, PARAGRAPHS)
        for one, other in zip(ours, theirs, strict=True):
            # What the model that ships multiplies is rounded to bytes; the network's is not.
            assert one.answers == pytest.approx(other.answers, abs=0.15)
            assert np.allclose(one.begins, other.begins, atol=0.5)
            assert np.allclose(one.ends, other.ends, atol=0.5)
            assert abs(one.begins - other.begins).mean() < 0.1


def rounded_product(weight, base, above):
    """States (1, n, in) → (1, n, out), by the nodes that the export puts in a multiplication's place."""
    nodes, tables = quantize._rounded("states", base, above)
    multiplied, more = quantize._multiplied("states", weight, "product", base, above)
    graph = helper.make_graph(
        [*quantize._zeros(), *nodes, *multiplied],
        "product",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, [1, None]),
            helper.make_tensor_value_info("states", TensorProto.FLOAT, [1, None, len(weight)]),
        ],
        [helper.make_tensor_value_info("product", TensorProto.FLOAT, None)],
        [*quantize._constants(), *tables, *more],
    )
    domains = [helper.make_opsetid("", OPSET), helper.make_opsetid(quantize.MICROSOFT, 1)]
    model = helper.make_model(graph, opset_imports=domains, ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString())

    def multiply(states):
        ids = np.zeros(states.shape[:2], np.int64)
        return session.run(None, {"ids": ids, "states": states})[0]

    return multiply


def error(found, exact):
    """The largest of any token, as a share of its size."""
    return (np.linalg.norm(found - exact, axis=2) / np.linalg.norm(exact, axis=2)).max()


@pytest.mark.parametrize("kind", ["plain", "above", "based"])
def test_states_are_rounded_a_token_at_a_time(kind):
    """One token's large state costs the others nothing, and the product is that of the states."""
    chance = np.random.default_rng(3)
    states = chance.normal(size=(1, 7, 48)).astype(np.float32)
    states[0, 3] *= 100
    base = None
    if kind == "above":
        states = np.maximum(states, -0.17)
        base = np.full(48, -0.17, np.float32)
    elif kind == "based":
        base = chance.normal(size=48).astype(np.float32)
        states += base
    weight = chance.normal(size=(48, 20)).astype(np.float32)
    whole, step = rounding.in_steps(torch.from_numpy(weight.T.copy()))
    exact = states @ (whole * step).numpy().T
    multiply = rounded_product(weight, base, kind == "above")
    assert 0 < error(multiply(states), exact) < 0.015  # bytes they are
    assert np.allclose(multiply(np.zeros_like(states)), 0, atol=0.2)


def test_what_every_state_has_costs_no_precision():
    chance = np.random.default_rng(4)
    base = np.zeros(48, np.float32)
    base[5] = 30
    states = base + chance.normal(size=(1, 7, 48)).astype(np.float32)
    weight = chance.normal(size=(48, 20)).astype(np.float32)
    weight[5] = 0  # what is left of the product is what texts differ by
    whole, step = rounding.in_steps(torch.from_numpy(weight.T.copy()))
    exact = states @ (whole * step).numpy().T
    assert error(rounded_product(weight, base, False)(states), exact) < 0.015
    assert error(rounded_product(weight, None, False)(states), exact) > 0.03


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_teachers_count_more_where_they_have_not_trained(squad, tmp_path, monkeypatch):
    """Two teachers, one of which has not seen the article; a student goes on from one of them."""
    (fold,) = (n for n in range(3) if Fold(n, 3).holds("Caithness"))
    other = tmp_path / "other.json"
    other.write_text(squad.read_text().replace("Caithness", "Sutherland"))
    assert not Fold(fold, 3).holds("Sutherland")
    first, second, student = (tmp_path / f"{name}.pt" for name in ("first", "second", "student"))
    common = ("--articles", squad, other, "--epochs", 1, "--batch", 8)
    run(train.main, monkeypatch, *common, "--checkpoint", first, "--fold", f"{fold}/3")
    run(train.main, monkeypatch, *common, "--checkpoint", second, "--seed", 8)
    teachers = Teachers([first, second], torch.device("cpu"))
    pairs = [Pairs().of("Who opened the harbour of Wick?", PARAGRAPHS[0])] * 2
    ids, segments = (
        torch.from_numpy(np.array([getattr(pair, name) for pair in pairs]))
        for name in ("ids", "segments")
    )
    lesson = teachers(ids, segments, torch.ones_like(ids), ["Caithness", "Sutherland"])
    said = [
        Teachers([file], torch.device("cpu"))(ids, segments, torch.ones_like(ids), ["", ""])
        for file in (first, second)
    ]
    for place, share in enumerate((UNSEEN / (UNSEEN + 1), 0.5)):
        mean = share * said[0].spans[place] + (1 - share) * said[1].spans[place]
        assert torch.allclose(lesson.spans[place], mean, atol=1e-5)
        assert lesson.answers[place] == pytest.approx(
            float(share * said[0].answers[place] + (1 - share) * said[1].answers[place]), abs=1e-5
        )
    going_on = (*common, "--from", first, "--teachers", first, second, "--times", "articles=2")
    run(train.main, monkeypatch, *going_on, "--checkpoint", student)
    name = "encoder.encoder.layer.5.output.dense.weight"
    assert not torch.equal(weights_of(first)[name], weights_of(student)[name])
    less = tmp_path / "less.pt"
    run(train.main, monkeypatch, *going_on, "--taught", 0.1, "--checkpoint", less)
    assert not torch.equal(weights_of(less)[name], weights_of(student)[name])
    held = tmp_path / "held.pt"
    run(train.main, monkeypatch, *going_on, "--kept", 2, "--checkpoint", held)
    assert not torch.equal(weights_of(held)[name], weights_of(student)[name])
